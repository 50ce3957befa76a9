namespace ResultsEs.Webhooks;

/// <summary>Secrets and signatures by the Standard Webhooks specification.</summary>
internal static class WebhookSecret
{
    private const string Prefix = "whsec_";
    private const int Bytes = 32;

    /// <summary>Makes a secret, as bytes.</summary>
    public static byte[] Make() => RandomNumberGenerator.GetBytes(Bytes);

    /// <summary>The text of a secret, which its owner sees once.</summary>
    public static string Text(ReadOnlySpan<byte> secret) => Prefix + Convert.ToBase64String(secret);

    /// <summary>The header <c>webhook-signature</c>: a signature by each secret that is valid.</summary>
    public static string Sign(IEnumerable<byte[]> secrets, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. body];
        return string.Join(' ', secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, signed))));
    }
}
