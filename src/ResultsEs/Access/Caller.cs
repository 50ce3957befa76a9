namespace ResultsEs.Access;

/// <summary>The caller of a request, as its access token says. Every query and every write is limited to it.</summary>
/// <param name="Account">The tenant: part of every key and query.</param>
/// <param name="Workspaces">The client's workspaces, never empty. An array, because it goes to SQL as one parameter.</param>
/// <param name="ClientId">
/// The client the token was issued to. Of another issuer's token: that issuer, a blank, and the token's subject.
/// </param>
/// <param name="Scopes">The scopes of the token, a subset of <see cref="Access.Scopes.All"/>.</param>
public sealed record Caller(Guid Account, Guid[] Workspaces, string ClientId, string[] Scopes)
{
    internal const string AccountClaim = "account";
    internal const string WorkspacesClaim = "workspaces";
    internal const string ClientIdClaim = "client_id";
    internal const string ScopeClaim = "scope";

    /// <summary>The caller of the requests that a start sends itself. No client can have its account; nothing of it is counted.</summary>
    internal static Caller Nobody { get; } = new(Guid.Empty, [Guid.Empty], "", [.. Access.Scopes.All]);

    /// <summary>The other issuer of the token, as it is configured; null for a token of this service.</summary>
    internal string? Issuer { get; init; }

    /// <summary>Returns the caller of an authenticated request.</summary>
    /// <exception cref="InvalidOperationException">The endpoint allows anonymous requests, so no token was validated.</exception>
    public static Caller From(ClaimsPrincipal user) =>
        Find(user) ?? throw new InvalidOperationException("The request was not authenticated by a token of this service.");

    /// <summary>True when the token carries the scope.</summary>
    public bool Has(string scope) => Array.IndexOf(Scopes, scope) >= 0;

    internal static Caller? Find(ClaimsPrincipal user) => (user as CallerPrincipal)?.Caller;

    /// <summary>True for a request that a start sends itself.</summary>
    internal static bool IsNobody(ClaimsPrincipal user) => ReferenceEquals(Find(user), Nobody);

    /// <summary>Reads the claims of a validated token; null when one is missing or malformed.</summary>
    internal static Caller? Read(ClaimsIdentity identity)
    {
        var workspaces = identity.FindAll(WorkspacesClaim)
            .Select(claim => Guid.TryParse(claim.Value, out var workspace) ? workspace : (Guid?)null).Distinct().ToList();
        if (!Guid.TryParse(identity.FindFirst(AccountClaim)?.Value, out var account)
            || workspaces.Count == 0 || workspaces.Contains(null)
            || identity.FindFirst(ClientIdClaim)?.Value is not { Length: > 0 } clientId)
            return null;

        var scopes = (identity.FindFirst(ScopeClaim)?.Value ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new Caller(account, [.. workspaces.OfType<Guid>()], clientId, scopes);
    }
}

/// <summary>The authenticated user together with its caller, so that the claims are read only once.</summary>
internal sealed class CallerPrincipal(ClaimsIdentity identity, Caller caller) : ClaimsPrincipal(identity)
{
    public Caller Caller { get; } = caller;
}
