using ResultsEs.Access;

namespace ResultsEs.Webhooks;

/// <summary>
/// Seals the secrets of webhooks (AES-256-GCM) by a key that is derived from the key that signs tokens, which no dump of the database
/// holds. The webhook's id is part of the seal, so a secret cannot be moved to another row.
/// </summary>
internal sealed class SecretSeal
{
    private const byte Version = 1;
    private const int IdBytes = 8;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + IdBytes + NonceBytes + TagBytes;
    private const string Purpose = "results.webhooks";

    private readonly (byte[] Id, byte[] Key)[] _keys;

    /// <param name="key">The key that seals.</param>
    /// <param name="former">The key of before, which opens what it has sealed; null when there is none.</param>
    public SecretSeal(SigningKey key, SigningKey? former = null) =>
        _keys = [.. new[] { key, former }.OfType<SigningKey>().Select(one => (IdOf(one), one.Derive(Purpose)))];

    /// <summary>Seals a secret of a webhook.</summary>
    public byte[] Seal(Guid webhook, ReadOnlySpan<byte> secret)
    {
        var (id, key) = _keys[0];
        var made = new byte[HeadBytes + secret.Length];
        made[0] = Version;
        id.CopyTo(made, 1);
        var nonce = made.AsSpan(1 + IdBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, secret, made.AsSpan(HeadBytes), made.AsSpan(HeadBytes - TagBytes, TagBytes), webhook.ToByteArray());
        return made;
    }

    /// <summary>Opens a sealed secret; null when another key has sealed it, or it is not of this webhook.</summary>
    public byte[]? Open(Guid webhook, byte[] made)
    {
        if (made.Length < HeadBytes || made[0] != Version)
            return null;

        var found = Array.Find(_keys, key => made.AsSpan(1, IdBytes).SequenceEqual(key.Id));
        if (found.Key is null)
            return null;

        var secret = new byte[made.Length - HeadBytes];
        using var aes = new AesGcm(found.Key, TagBytes);
        try
        {
            aes.Decrypt(
                made.AsSpan(1 + IdBytes, NonceBytes), made.AsSpan(HeadBytes), made.AsSpan(HeadBytes - TagBytes, TagBytes), secret,
                webhook.ToByteArray());
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static byte[] IdOf(SigningKey key) => SHA256.HashData(Encoding.ASCII.GetBytes(key.Public.KeyId))[..IdBytes];
}
