using Microsoft.IdentityModel.Tokens;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Access;

/// <summary>The RSA key that signs and verifies our tokens. Made once, then read from its file at every start.</summary>
internal sealed class SigningKey
{
    /// <summary>The signature algorithm. A token is signed once and verified often, and RSA verifies faster than ECDSA.</summary>
    public const string Algorithm = SecurityAlgorithms.RsaSha256;

    private const int Bits = 2048;

    private SigningKey(RSA rsa)
    {
        // From parameters rather than the RSA object: each verifier then has an object of its own, and none waits for another.
        Public = new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false));
        Private = new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: true));
        Public.KeyId = Private.KeyId = Base64UrlEncoder.Encode(Public.ComputeJwkThumbprint());
    }

    public RsaSecurityKey Public { get; }

    public RsaSecurityKey Private { get; }

    /// <summary>Derives a key of 32 bytes for another purpose. Nobody who lacks the private key can.</summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Private.Parameters.D!, 32, info: Encoding.ASCII.GetBytes(purpose));

    public static SigningKey Load(IOptions<AccessOptions> options, IConfiguration configuration) =>
        Load(options.Value.Access.SigningKeyPath is { Length: > 0 } path
            ? Path.GetFullPath(path)
            : Path.Combine(DataFolder.Find(configuration), "keys", "signing.pem"));

    public static SigningKey Load(string path)
    {
        using var rsa = RSA.Create();
        try
        {
            if (!File.Exists(path))
                Create(path);
            rsa.ImportFromPem(Read(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"The signing key {path} can be neither read nor made: {e.Message}", e);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new InvalidOperationException($"The signing key {path} is not an unencrypted RSA private key in PEM form.", e);
        }

        return rsa.KeySize >= Bits
            ? new SigningKey(rsa)
            : throw new InvalidOperationException($"The signing key {path} has {rsa.KeySize} bits; {Bits} are the least.");
    }

    /// <summary>The file's text, unless others than its owner can change it.</summary>
    private static string Read(string path)
    {
        using var file = File.OpenRead(path);
        if (!OperatingSystem.IsWindows())
        {
            if ((File.GetUnixFileMode(file.SafeFileHandle) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
                throw new InvalidOperationException($"The signing key {path} can be written by others than its owner: chmod go-w it.");
            var folder = Path.GetDirectoryName(path)!;
            // In a folder with this bit, such as /tmp, others cannot put another file in its place.
            if ((File.GetUnixFileMode(folder) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite)
                throw new InvalidOperationException(
                    $"The signing key {path} can be replaced by others than its owner: chmod o-w the folder {folder}.");
        }

        using var text = new StreamReader(file, Encoding.ASCII);
        return text.ReadToEnd();
    }

    // Written to a temporary file and moved without overwriting: nobody reads half a file, and of two processes that start together
    // the second takes the key of the first.
    private static void Create(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = $"{path}.{Path.GetRandomFileName()}";
        var file = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            file.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (var rsa = RSA.Create(Bits))
            using (var stream = new FileStream(temporary, file))
            {
                stream.Write(Encoding.ASCII.GetBytes(rsa.ExportPkcs8PrivateKeyPem() + "\n"));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was first; its key is read.
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
