using System.Security.Cryptography;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

public sealed class SigningKeyTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string KeyPath => Path.Combine(_folder.Path, "keys", "signing.pem");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_key_outlives_the_process() =>
        Assert.Equal(SigningKey.Load(KeyPath).Public.KeyId, SigningKey.Load(KeyPath).Public.KeyId, StringComparer.Ordinal);

    [Fact]
    public void Two_services_have_two_keys() =>
        Assert.NotEqual(SigningKey.Load(KeyPath).Public.KeyId, SigningKey.Load(KeyPath + "2").Public.KeyId, StringComparer.Ordinal);

    [Fact]
    public void Processes_that_start_at_once_agree_on_one_key()
    {
        var ids = new string[8];
        var threads = Enumerable.Range(0, ids.Length).Select(i => new Thread(() => ids[i] = SigningKey.Load(KeyPath).Public.KeyId)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        Assert.Equal((1, 1), (ids.Distinct(StringComparer.Ordinal).Count(), Directory.GetFiles(Path.GetDirectoryName(KeyPath)!).Length));
    }

    [Fact]
    public void Only_the_owner_can_read_the_key()
    {
        if (OperatingSystem.IsWindows())
            return;

        SigningKey.Load(KeyPath);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_key_that_others_can_write_is_refused(UnixFileMode others)
    {
        if (OperatingSystem.IsWindows())
            return;

        SigningKey.Load(KeyPath);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | others);
        Assert.Equal(
            $"The signing key {KeyPath} can be written by others than its owner: chmod go-w it.",
            Assert.Throws<InvalidOperationException>(() => SigningKey.Load(KeyPath)).Message);

        // Also through a link, whose own mode says nothing.
        var link = Path.Combine(_folder.Path, "link.pem");
        File.CreateSymbolicLink(link, KeyPath);
        Assert.Throws<InvalidOperationException>(() => SigningKey.Load(link));
    }

    [Fact]
    public void A_key_that_others_can_replace_is_refused()
    {
        if (OperatingSystem.IsWindows())
            return;

        SigningKey.Load(KeyPath);
        var folder = Path.GetDirectoryName(KeyPath)!;
        const UnixFileMode open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(folder, open | UnixFileMode.StickyBit);
        SigningKey.Load(KeyPath);
        File.SetUnixFileMode(folder, open);
        Assert.Equal(
            $"The signing key {KeyPath} can be replaced by others than its owner: chmod o-w the folder {folder}.",
            Assert.Throws<InvalidOperationException>(() => SigningKey.Load(KeyPath)).Message);
    }

    [Fact]
    public void A_file_that_is_no_key_is_refused_by_name()
    {
        var path = Path.Combine(_folder.Path, "not-a-key.pem");
        File.WriteAllText(path, "hello");

        Assert.Contains(path, Assert.Throws<InvalidOperationException>(() => SigningKey.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_short_key_is_refused()
    {
        var path = Path.Combine(_folder.Path, "short.pem");
        using (var rsa = RSA.Create(1024))
            File.WriteAllText(path, rsa.ExportPkcs8PrivateKeyPem());

        Assert.Contains("1024 bits", Assert.Throws<InvalidOperationException>(() => SigningKey.Load(path)).Message, StringComparison.Ordinal);
    }
}
