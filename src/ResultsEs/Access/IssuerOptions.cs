using Microsoft.IdentityModel.Tokens;

namespace ResultsEs.Access;

/// <summary>
/// The settings of another issuer (OpenID Connect), whose tokens count beside this service's own, or instead of them. Section
/// <c>Issuers:n</c>.
/// </summary>
internal sealed class IssuerOptions
{
    /// <summary>The value of <see cref="Accounts"/> that stands for all.</summary>
    public const string AllAccounts = "*";

    /// <summary>The most issuers.</summary>
    public const int MaxIssuers = 20;

    // Signed by a private key; none is shared with the issuer.
    private static readonly string[] Asymmetric =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private static readonly string[] UsualAlgorithms =
        [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.EcdsaSha256];

    private static readonly string[] UsualTypes = ["at+jwt", "JWT"];

    /// <summary>The issuer's address; below it is <c>.well-known/openid-configuration</c>. HTTPS, but on this machine.</summary>
    public Uri? Authority { get; init; }

    /// <summary>The audience of its tokens for this service. Required: a token for somebody else is none for us.</summary>
    public string Audience { get; init; } = "";

    /// <summary>The accounts that its tokens may speak for, or <see cref="AllAccounts"/>. Required.</summary>
    public List<string> Accounts { get; init; } = [];

    /// <summary>The claim that names the account. Without one, all tokens are of the one account of <see cref="Accounts"/>.</summary>
    public string? AccountClaim { get; init; }

    /// <summary>What values of the account's claim mean, where they are no UUIDs.</summary>
    public List<ClaimValueOptions> AccountValues { get; init; } = [];

    /// <summary>The claim that names the workspaces: a UUID, several with blanks between, or a list. Default: <c>workspaces</c>.</summary>
    public string WorkspacesClaim { get; init; } = Caller.WorkspacesClaim;

    /// <summary>What values of the workspaces' claim mean, where they are no UUIDs.</summary>
    public List<ClaimValueOptions> WorkspaceValues { get; init; } = [];

    /// <summary>The workspaces that its tokens may name. Default: any of the token's account.</summary>
    public List<Guid> Workspaces { get; init; } = [];

    /// <summary>True: a token without the claim has all of <see cref="Workspaces"/>. Default: it has none, and is refused.</summary>
    public bool AllWorkspacesIfAbsent { get; init; }

    /// <summary>The claim that names the scopes: words with blanks between, or a list. Default: <c>scope</c>.</summary>
    public string ScopeClaim { get; init; } = Caller.ScopeClaim;

    /// <summary>What each scope of ours begins with in its tokens, such as <c>results/</c>. Others are ignored.</summary>
    public string ScopePrefix { get; init; } = "";

    /// <summary>What values of the scopes' claim mean, where they are none of our scopes.</summary>
    public List<ClaimValueOptions> ScopeValues { get; init; } = [];

    /// <summary>The scopes that its tokens may have. Default: <see cref="Access.Scopes.Ordinary"/>; every other has to be named.</summary>
    public List<string> Scopes { get; init; } = [];

    /// <summary>The algorithms of its signatures. Default: RS256, PS256, ES256.</summary>
    public List<string> Algorithms { get; init; } = [];

    /// <summary>The types of its tokens, the <c>typ</c> of their header. Default: <c>at+jwt</c>, <c>JWT</c>.</summary>
    public List<string> Types { get; init; } = [];

    /// <summary>The explorer's client at this issuer. Default: none, and nobody signs in to the explorer by it.</summary>
    public ExplorerClientOptions? Explorer { get; init; }

    /// <summary>Reads a minute of each of its subjects. Default: <see cref="RateLimitingOptions.ReadsPerMinute"/>.</summary>
    public int? ReadsPerMinute { get; init; }

    /// <summary>Writes a minute of each of its subjects. Default: <see cref="RateLimitingOptions.WritesPerMinute"/>.</summary>
    public int? WritesPerMinute { get; init; }

    public IReadOnlyList<string> AllowedAlgorithms => Algorithms.Count > 0 ? Algorithms : UsualAlgorithms;

    public IReadOnlyList<string> AllowedTypes => Types.Count > 0 ? Types : UsualTypes;

    public IReadOnlyList<string> AllowedScopes => Scopes.Count > 0 ? Scopes : Access.Scopes.Ordinary;

    public IEnumerable<string> Problems(string key, bool isDevelopment)
    {
        if (Authority is not { IsAbsoluteUri: true } || Authority.Scheme is not ("http" or "https")
            || Authority.Query.Length + Authority.Fragment.Length > 0)
            yield return $"{key}:Authority must be an absolute https URL without query or fragment.";
        else if (Authority.Scheme == "http" && !Authority.IsLoopback && !isDevelopment)
            yield return $"{key}:Authority must be https: who can change what it answers makes tokens.";
        if (string.IsNullOrWhiteSpace(Audience))
            yield return $"{key}:Audience is missing.";

        var isAll = Accounts is [AllAccounts];
        if (Accounts.Count == 0)
            yield return $"{key}:Accounts is missing: the accounts that its tokens may speak for, or {AllAccounts} for all.";
        else if (!isAll && !Accounts.TrueForAll(account => Uuid.TryParse(account, out var id) && id != Guid.Empty))
            yield return $"{key}:Accounts must hold UUIDs, or {AllAccounts} alone.";
        if (AccountClaim is null && (isAll || Accounts.Count > 1))
            yield return $"{key}:AccountClaim is missing: with several accounts a claim has to name one.";
        if (AllWorkspacesIfAbsent && Workspaces.Count == 0)
            yield return $"{key}:Workspaces is missing: it says which those are that a token without the claim has.";
        if (AllWorkspacesIfAbsent && (isAll || Accounts.Count > 1))
            yield return $"{key}:AllWorkspacesIfAbsent takes one account: workspaces are of one.";
        if (Workspaces.Contains(Guid.Empty) || Workspaces.Count > ClientOptions.MaxWorkspaces)
            yield return $"{key}:Workspaces may hold {ClientOptions.MaxWorkspaces} UUIDs, and no empty one.";

        foreach (var (name, values, isKnown, what) in new (string, List<ClaimValueOptions>, Predicate<string>, string)[]
        {
            (nameof(AccountValues), AccountValues, IsId, "a UUID"),
            (nameof(WorkspaceValues), WorkspaceValues, IsId, "a UUID"),
            (nameof(ScopeValues), ScopeValues, IsScope, "a scope"),
        })
        {
            if (values.Exists(value => value.Value.Length == 0 || !isKnown(value.Means))
                || values.DistinctBy(value => value.Value, StringComparer.Ordinal).Count() != values.Count)
                yield return $"{key}:{name}: each needs a Value of its own, and {what} as what it Means.";
        }

        // It would never count, and who wrote it believes that it does.
        foreach (var value in ScopeValues.Where(
            value => IsScope(value.Means) && !AllowedScopes.Contains(value.Means, StringComparer.Ordinal)))
            yield return $"{key}:ScopeValues: '{value.Value}' means {value.Means}, which {key}:Scopes does not name.";
        foreach (var scope in Scopes.Where(scope => !IsScope(scope)))
            yield return $"{key}: the scope '{scope}' is not one of {string.Join(", ", Access.Scopes.All)}.";
        if (Algorithms.Exists(algorithm => !Asymmetric.Contains(algorithm, StringComparer.Ordinal)))
            yield return $"{key}:Algorithms must be some of {string.Join(", ", Asymmetric)}.";
        if (WorkspacesClaim.Length == 0 || ScopeClaim.Length == 0 || AccountClaim is "")
            yield return $"{key}: the name of a claim is empty.";
        foreach (var limit in new[] { ReadsPerMinute, WritesPerMinute })
        {
            if (limit is < 1 or > RateLimitingOptions.Highest)
                yield return $"{key}: ReadsPerMinute and WritesPerMinute must be from 1 to {RateLimitingOptions.Highest}.";
        }

        foreach (var problem in Explorer?.Problems($"{key}:{nameof(Explorer)}") ?? [])
            yield return problem;

        static bool IsId(string text) => Uuid.TryParse(text, out var id) && id != Guid.Empty;
        static bool IsScope(string text) => Access.Scopes.All.Contains(text, StringComparer.Ordinal);
    }
}

/// <summary>What a value of a claim means here.</summary>
internal sealed class ClaimValueOptions
{
    /// <summary>The value, as the issuer writes it, with any prefix.</summary>
    public string Value { get; init; } = "";

    /// <summary>The UUID or the scope that it stands for.</summary>
    public string Means { get; init; } = "";
}
