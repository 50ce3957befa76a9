using Microsoft.AspNetCore.Identity;

namespace ResultsEs.Access;

/// <summary>
/// The hashes of client secrets, in two formats. A secret that a person chose is hashed slowly (PBKDF2), because it can be guessed. One
/// that <see cref="Generate"/> made cannot, so SHA-256 does for it.
/// </summary>
internal static class SecretHash
{
    private const string Quick = "sha256:";

    // Tells that a secret was generated, also to tools that look for secrets in files.
    private const string GeneratedPrefix = "res_";
    private const int GeneratedBytes = 32;
    private const int GeneratedLength = 47;

    private static readonly PasswordHasher<object> Slow = new();

    /// <summary>A new secret of 256 random bits.</summary>
    public static string Generate() => GeneratedPrefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(GeneratedBytes));

    public static string Of(string secret) => IsGenerated(secret)
        ? Quick + Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(secret)))
        : Slow.HashPassword(null!, secret);

    /// <summary>True for a hash that is compared in microseconds; the other format takes tens of milliseconds of a processor.</summary>
    public static bool IsQuick(string hash) => hash.StartsWith(Quick, StringComparison.Ordinal);

    public static bool Verify(string hash, string secret) => IsQuick(hash)
        ? IsGenerated(secret)
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Of(secret)), Encoding.ASCII.GetBytes(hash))
        : Slow.VerifyHashedPassword(null!, hash, secret) != PasswordVerificationResult.Failed;

    /// <summary>True for both formats. The slow one is Base64 of marker 1, header, salt and key: ASP.NET Core Identity's third.</summary>
    public static bool IsHash(string text)
    {
        Span<byte> bytes = stackalloc byte[256];
        if (text.Length > 256)
            return false;
        return IsQuick(text)
            ? Base64Url.IsValid(text.AsSpan(Quick.Length), out var length) && length == SHA256.HashSizeInBytes
            : Convert.TryFromBase64String(text, bytes, out length) && length >= 13 + 16 + 16 && bytes[0] == 1;
    }

    private static bool IsGenerated(string secret) =>
        secret.Length == GeneratedLength && secret.StartsWith(GeneratedPrefix, StringComparison.Ordinal)
        && Base64Url.IsValid(secret.AsSpan(GeneratedPrefix.Length));
}
