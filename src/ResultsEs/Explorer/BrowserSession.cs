namespace ResultsEs.Explorer;

/// <summary>Somebody who has signed in to the explorer in a browser.</summary>
/// <param name="IdHash">The hash of the cookie's id, its key.</param>
/// <param name="Caller">Who, as callers are named: a client's id, or an issuer and its subject.</param>
internal sealed record BrowserSession(byte[] IdHash, string Caller)
{
    /// <summary>The issuer by which they signed in; null for a client.</summary>
    public string? Issuer { get; init; }

    /// <summary>Which of the client's secrets was given: <see cref="PrintOf"/> of its hash.</summary>
    public byte[]? SecretPrint { get; init; }

    /// <summary>The issuer's tokens; null for a client.</summary>
    public ProviderTokens? Tokens { get; init; }

    /// <summary>The tokens as they are stored, which tells them from all others: no two seals are alike.</summary>
    public byte[]? SealedTokens { get; init; }

    /// <summary>When <see cref="Tokens"/> end, UTC.</summary>
    public DateTime? TokenEndsAt { get; init; }

    /// <summary>True when nobody gave a secret: the demo client, in Development.</summary>
    public bool IsAutomatic { get; init; }

    /// <summary>What tells one secret of a client from another, without telling anything of it.</summary>
    public static byte[] PrintOf(string secretHash) => SHA256.HashData(Encoding.UTF8.GetBytes(secretHash));
}

/// <summary>What an issuer gave who signed in. Stored sealed.</summary>
/// <param name="Access">The access token.</param>
/// <param name="Refresh">What renews it; null when the issuer gave nothing that does.</param>
/// <param name="Name">The name that the page shows.</param>
/// <param name="Id">The id token of signing in, by which the issuer knows what to end there; null when none is kept.</param>
internal sealed record ProviderTokens(string Access, string? Refresh, string Name, string? Id = null);
