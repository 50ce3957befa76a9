namespace ResultsEs.Access;

/// <summary>
/// Seals secrets for the database or a cookie (AES-256-GCM) by a key that is derived from the key that signs tokens, which no dump of
/// the database holds. Its owner is part of the seal, so a secret cannot be moved to another row.
/// </summary>
internal sealed class SecretSeal
{
    private const byte Version = 1;
    private const int IdBytes = 8;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + IdBytes + NonceBytes + TagBytes;

    /// <summary>The purpose of the secrets of webhooks.</summary>
    public const string Webhooks = "results.webhooks";

    private readonly (byte[] Id, byte[] Key)[] _keys;

    /// <param name="purpose">What the secrets are for; a seal of one purpose is none of another.</param>
    /// <param name="key">The key that seals.</param>
    /// <param name="former">The key of before, which opens what it has sealed; null when there is none.</param>
    public SecretSeal(string purpose, SigningKey key, SigningKey? former = null) =>
        _keys = [.. new[] { key, former }.OfType<SigningKey>().Select(one => (IdOf(one), one.Derive(purpose)))];

    /// <summary>Seals a secret of an owner.</summary>
    public byte[] Seal(Guid owner, ReadOnlySpan<byte> secret) => Seal(owner.ToByteArray(), secret);

    /// <summary>Seals a secret of an owner.</summary>
    public byte[] Seal(ReadOnlySpan<byte> owner, ReadOnlySpan<byte> secret)
    {
        var (id, key) = _keys[0];
        var made = new byte[HeadBytes + secret.Length];
        made[0] = Version;
        id.CopyTo(made, 1);
        var nonce = made.AsSpan(1 + IdBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, secret, made.AsSpan(HeadBytes), made.AsSpan(HeadBytes - TagBytes, TagBytes), owner);
        return made;
    }

    /// <summary>Opens a sealed secret; null when another key has sealed it, or it is not of this owner.</summary>
    public byte[]? Open(Guid owner, byte[] made) => Open(owner.ToByteArray(), made);

    /// <summary>Opens a sealed secret; null when another key has sealed it, or it is not of this owner.</summary>
    public byte[]? Open(ReadOnlySpan<byte> owner, byte[] made)
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
                owner);
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static byte[] IdOf(SigningKey key) => SHA256.HashData(Encoding.ASCII.GetBytes(key.Public.KeyId))[..IdBytes];
}
