namespace ResultsEs.Access;

/// <summary>The settings of access: tokens, clients and rate limits. Bound to the root of the configuration.</summary>
internal sealed class AccessOptions
{
    public TokenOptions Access { get; init; } = new();

    public List<ClientOptions> Clients { get; init; } = [];

    /// <summary>Other issuers, whose tokens count too. Read at the start.</summary>
    public List<IssuerOptions> Issuers { get; init; } = [];

    public RateLimitingOptions RateLimiting { get; init; } = new();

    /// <summary>The names of workspaces; those without one are called by their ids.</summary>
    public List<WorkspaceOptions> Workspaces { get; init; } = [];

    public CorsOptions Cors { get; init; } = new();

    public ProxyOptions ForwardedHeaders { get; init; } = new();
}

/// <summary>
/// Who may tell a caller's address and scheme by <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c>. Default: nobody. The caller's is the
/// last address that is not of a proxy named here, however many proxies are in line.
/// </summary>
internal sealed class ProxyOptions
{
    /// <summary>The addresses of proxies.</summary>
    public List<string> KnownProxies { get; init; } = [];

    /// <summary>The networks of proxies, such as <c>10.1.0.0/16</c>.</summary>
    public List<string> KnownNetworks { get; init; } = [];
}

internal sealed class TokenOptions
{
    /// <summary>The public address of this service, the <c>iss</c> of its tokens. Default: the first address it listens on.</summary>
    public Uri? Issuer { get; init; }

    /// <summary>PEM file of the RSA key of all nodes, made when missing. Default: <c>keys/signing.pem</c> in the data folder.</summary>
    public string? SigningKeyPath { get; init; }

    /// <summary>False: this service issues no tokens and takes none of its own, only those of other issuers. Default: true.</summary>
    public bool BuiltInTokens { get; init; } = true;

    /// <summary>How often the keys of other issuers are fetched, in seconds: 1 to 3,600. Default: 300.</summary>
    public int KeysRefreshSeconds { get; init; } = 300;

    /// <summary>The highest value of <see cref="RefreshSeconds"/>: what is taken from a client is gone within this time.</summary>
    public const int MaxRefreshSeconds = 60;

    /// <summary>How often the settings of clients are read again, in seconds: 1 to <see cref="MaxRefreshSeconds"/>.</summary>
    public int RefreshSeconds { get; init; } = 15;
}

internal sealed class WorkspaceOptions
{
    /// <summary>The account the workspace belongs to.</summary>
    public Guid Account { get; init; }

    public Guid Id { get; init; }

    /// <summary>1–200 characters.</summary>
    public string Name { get; init; } = "";
}

internal sealed class ClientOptions
{
    public string Id { get; init; } = "";

    /// <summary>The most workspaces of a client: its tokens name them all, and must fit a header.</summary>
    public const int MaxWorkspaces = 200;

    /// <summary>The hash of the client's secret, as <c>hash-secret</c> prints it.</summary>
    public string SecretHash { get; init; } = "";

    public Guid Account { get; init; }

    /// <summary>The workspaces the client may use, at least one.</summary>
    public List<Guid> Workspaces { get; init; } = [];

    /// <summary>The scopes its tokens may carry, at least one of <see cref="Scopes.All"/>.</summary>
    public List<string> Scopes { get; init; } = [];

    /// <summary>Overrides <see cref="RateLimitingOptions.ReadsPerMinute"/>.</summary>
    public int? ReadsPerMinute { get; init; }

    /// <summary>Overrides <see cref="RateLimitingOptions.WritesPerMinute"/>.</summary>
    public int? WritesPerMinute { get; init; }
}

/// <summary>Settings of cross-origin requests by browsers.</summary>
internal sealed class CorsOptions
{
    /// <summary>The origins whose pages may call the API, as browsers send them. Default: none, and no CORS headers.</summary>
    public List<string> Origins { get; init; } = [];
}

/// <summary>Rate limits in requests a minute, each 1 to <see cref="Highest"/>.</summary>
internal sealed class RateLimitingOptions
{
    public const int Highest = 10_000_000;

    /// <summary>Reads of one client; 10 reproduces the reference service.</summary>
    public int ReadsPerMinute { get; init; } = 600;

    /// <summary>Batches of events of one client.</summary>
    public int WritesPerMinute { get; init; } = 6000;

    /// <summary>Requests from one address without a valid token, but for those of tokens.</summary>
    public int AnonymousPerMinute { get; init; } = 600;

    /// <summary>Requests for tokens of one client, with the right secret.</summary>
    public int TokensPerMinute { get; init; } = 600;

    /// <summary>Refused requests for tokens, from one address and for one client.</summary>
    public int TokenFailuresPerMinute { get; init; } = 600;
}

/// <summary>The check of the access settings. A message names the entry and the reason, never a secret.</summary>
internal static class AccessProblems
{
    /// <summary>The id of the demo client, whose secret is public.</summary>
    public const string DemoClient = "demo";

    private const int MaxWorkspaceName = 200;

    // In appsettings.Development.json, and in the examples of the documentation.
    private static readonly string[] PublishedHashes =
    [
        "AQAAAAIAAYagAAAAEMELR921A+CoQ+M91X1AEJ0vsU+gczsZSC0Tyr4DbmcWg05XQlyOzCQ9kUCdZOecJA==",
        "sha256:uvBUUqC6uWwLS9wS1sVRdsqZIZNZ5sAzIp4SgKRQGdQ",
    ];

    public static IReadOnlyList<string> Of(AccessOptions options, IHostEnvironment environment)
    {
        List<string> failures = [];
        CheckLimit("RateLimiting:ReadsPerMinute", options.RateLimiting.ReadsPerMinute);
        CheckLimit("RateLimiting:WritesPerMinute", options.RateLimiting.WritesPerMinute);
        CheckLimit("RateLimiting:AnonymousPerMinute", options.RateLimiting.AnonymousPerMinute);
        CheckLimit("RateLimiting:TokensPerMinute", options.RateLimiting.TokensPerMinute);
        CheckLimit("RateLimiting:TokenFailuresPerMinute", options.RateLimiting.TokenFailuresPerMinute);
        if (options.Access.RefreshSeconds is < 1 or > TokenOptions.MaxRefreshSeconds)
            failures.Add($"Access:RefreshSeconds must be from 1 to {TokenOptions.MaxRefreshSeconds}.");

        if (options.Access.Issuer is { } issuer &&
            (!issuer.IsAbsoluteUri || issuer.Scheme is not ("http" or "https") || issuer.Query.Length + issuer.Fragment.Length > 0))
            failures.Add("Access:Issuer must be an absolute http or https URL without query or fragment.");

        if (options.Access.KeysRefreshSeconds is < 1 or > 3_600)
            failures.Add("Access:KeysRefreshSeconds must be from 1 to 3600.");
        if (!options.Access.BuiltInTokens && options.Issuers.Count == 0)
            failures.Add("Issuers is empty, and Access:BuiltInTokens is false: nobody could have a token.");
        if (options.Issuers.Count > IssuerOptions.MaxIssuers)
            failures.Add($"Issuers has {options.Issuers.Count} entries; {IssuerOptions.MaxIssuers} are the most.");
        for (var i = 0; i < options.Issuers.Count; i++)
            failures.AddRange(options.Issuers[i].Problems($"Issuers:{i}", environment.IsDevelopment()));
        if (options.Issuers.Exists(issuer => issuer.Authority is not null && issuer.Authority == options.Access.Issuer))
            failures.Add("Issuers names Access:Issuer, which is this service.");
        failures.AddRange(options.Issuers.GroupBy(issuer => issuer.Authority?.ToString().TrimEnd('/'), StringComparer.Ordinal)
            .Where(same => same.Count() > 1).Select(same => $"Issuers: '{same.Key}' is there {same.Count()} times."));

        for (var i = 0; i < options.Cors.Origins.Count; i++)
        {
            if (!IsOrigin(options.Cors.Origins[i]))
                failures.Add($"Cors:Origins:{i} must be an origin as browsers send it, such as https://app.example, without a path.");
        }

        for (var i = 0; i < options.ForwardedHeaders.KnownProxies.Count; i++)
        {
            if (!IPAddress.TryParse(options.ForwardedHeaders.KnownProxies[i], out _))
                failures.Add($"ForwardedHeaders:KnownProxies:{i} must be an IP address.");
        }

        for (var i = 0; i < options.ForwardedHeaders.KnownNetworks.Count; i++)
        {
            if (!IPNetwork.TryParse(options.ForwardedHeaders.KnownNetworks[i], out _))
                failures.Add($"ForwardedHeaders:KnownNetworks:{i} must be a network, such as 10.1.0.0/16.");
        }

        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < options.Clients.Count; i++)
            CheckClient($"Clients:{i}", options.Clients[i]);

        var workspaces = new HashSet<(Guid, Guid)>();
        for (var i = 0; i < options.Workspaces.Count; i++)
            CheckWorkspace($"Workspaces:{i}", options.Workspaces[i]);

        return failures;

        void CheckClient(string key, ClientOptions client)
        {
            if (string.IsNullOrWhiteSpace(client.Id))
                failures.Add($"{key}:Id is missing.");
            else
                key = $"{key} ('{client.Id}')";

            if (client.Id.Length > 0 && !ids.Add(client.Id))
                failures.Add($"{key}: another entry has the same Id.");
            if (client.Id == DemoClient && !environment.IsDevelopment())
                failures.Add($"{key}: the demo client exists in the Development environment only.");
            if (!SecretHash.IsHash(client.SecretHash))
                failures.Add($"{key}: SecretHash is not a hash; make one with the hash-secret command.");
            else if (PublishedHashes.Contains(client.SecretHash, StringComparer.Ordinal) && !environment.IsDevelopment())
                failures.Add($"{key}: SecretHash is that of a published secret; make another one with the hash-secret command.");
            if (client.Account == Guid.Empty)
                failures.Add($"{key}: Account is missing.");
            if (client.Workspaces.Count == 0 || client.Workspaces.Contains(Guid.Empty))
                failures.Add($"{key}: Workspaces must hold at least one UUID, and no empty one.");
            if (client.Workspaces.Count > ClientOptions.MaxWorkspaces)
                failures.Add($"{key}: Workspaces has {client.Workspaces.Count} entries; {ClientOptions.MaxWorkspaces} are the most.");
            if (client.Scopes.Count == 0)
                failures.Add($"{key}: Scopes is empty.");
            foreach (var scope in client.Scopes.Where(s => !Access.Scopes.All.Contains(s, StringComparer.Ordinal)))
                failures.Add($"{key}: the scope '{scope}' is not one of {string.Join(", ", Access.Scopes.All)}.");
            CheckLimit($"{key}: ReadsPerMinute", client.ReadsPerMinute ?? 1);
            CheckLimit($"{key}: WritesPerMinute", client.WritesPerMinute ?? 1);
        }

        void CheckWorkspace(string key, WorkspaceOptions workspace)
        {
            if (workspace.Account == Guid.Empty)
                failures.Add($"{key}:Account is missing.");
            if (workspace.Id == Guid.Empty)
                failures.Add($"{key}:Id is missing.");
            if (string.IsNullOrWhiteSpace(workspace.Name) || workspace.Name.Length > MaxWorkspaceName)
                failures.Add($"{key}:Name must have 1 to {MaxWorkspaceName} characters.");
            if (!workspaces.Add((workspace.Account, workspace.Id)))
                failures.Add($"{key}: another entry has the same Account and Id.");
        }

        void CheckLimit(string key, int value)
        {
            if (value is < 1 or > RateLimitingOptions.Highest)
                failures.Add($"{key} must be from 1 to {RateLimitingOptions.Highest}.");
        }
    }

    // What a browser sends has no default port, no upper-case letter and no slash at its end; anything else would never match.
    internal static bool IsOrigin(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            return false;

        // Of an IPv6 address only the host has brackets.
        var host = uri.HostNameType == UriHostNameType.IPv6 ? uri.Host : uri.IdnHost;
        return string.Equals(text, $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}", StringComparison.Ordinal);
    }
}
