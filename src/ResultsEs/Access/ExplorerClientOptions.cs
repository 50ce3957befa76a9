namespace ResultsEs.Access;

/// <summary>
/// How people sign in to the explorer by an issuer: the explorer's own client there. Section <c>Issuers:n:Explorer</c>; without it nobody
/// does. The address to allow there for redirects is <c>/explorer/callback</c> of the service.
/// </summary>
internal sealed class ExplorerClientOptions
{
    private const int MaxName = 60;

    /// <summary>The id of the explorer's client at the issuer.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>Its secret. Default: none, for a public client; PKCE is used either way.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>What the button on the page calls the issuer, 1–60 characters. Default: its host.</summary>
    public string? Name { get; init; }

    /// <summary>
    /// The scopes to ask for beside <c>openid</c>. Default: <c>studies:read</c>, with the issuer's prefix. With <c>offline_access</c> many
    /// issuers give a refresh token, without which a session ends with its first token.
    /// </summary>
    public List<string> Scopes { get; init; } = [];

    /// <summary>The value of the parameter <c>resource</c> (RFC 8707), where the issuer wants one. Default: none.</summary>
    public string? Resource { get; init; }

    /// <summary>The value of the parameter <c>audience</c>, where the issuer wants one. Default: none.</summary>
    public string? Audience { get; init; }

    public IEnumerable<string> Problems(string key)
    {
        if (string.IsNullOrWhiteSpace(ClientId))
            yield return $"{key}:ClientId is missing.";
        if (Name is { } name && (string.IsNullOrWhiteSpace(name) || name.Length > MaxName || !Printable.IsLine(name)))
            yield return $"{key}:Name must have 1 to {MaxName} characters.";
        if (Scopes.Exists(scope => scope.Length == 0 || scope.Any(character => character is <= ' ' or '"' or '\\' or > '~')))
            yield return $"{key}:Scopes: each must be one word.";
    }
}
