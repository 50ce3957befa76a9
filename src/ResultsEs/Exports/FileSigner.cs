using ResultsEs.Access;

namespace ResultsEs.Exports;

/// <summary>
/// Signs addresses of files, which work without a token until they expire. The key is made of the one that signs tokens, so nodes that
/// share tokens share these addresses.
/// </summary>
internal sealed class FileSigner(SigningKey key, Func<Uri> issuer, TimeProvider time)
{
    /// <summary>How long an address works.</summary>
    public static readonly TimeSpan Validity = TimeSpan.FromMinutes(15);

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, key.Private.Parameters.D!, 32, info: "addresses of exported files"u8.ToArray());

    public string UrlOf(Guid export, Guid file)
    {
        var expires = (time.GetUtcNow() + Validity).ToUnixTimeSeconds();
        var signature = SignatureOf(export, file, expires);
        return new Uri(issuer(), string.Create(
            CultureInfo.InvariantCulture, $"export-files/{export}/{file}?expires={expires}&signature={signature}")).AbsoluteUri;
    }

    /// <summary>True when the signature is this file's, and its time is not over.</summary>
    public bool IsGood(Guid export, Guid file, long expires, string signature) =>
        expires >= time.GetUtcNow().ToUnixTimeSeconds()
        && CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(signature), Encoding.UTF8.GetBytes(SignatureOf(export, file, expires)));

    private string SignatureOf(Guid export, Guid file, long expires) => Base64Url.EncodeToString(HMACSHA256.HashData(
        _key, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{export}/{file}/{expires}"))));
}
