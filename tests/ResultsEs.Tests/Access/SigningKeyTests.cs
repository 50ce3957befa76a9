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
