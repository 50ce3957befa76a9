using System.Text.Json;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>What the settings of another issuer take, and what they make of the claims of its tokens.</summary>
public sealed class IssuerOptionsTests
{
    private const string Account = "11111111-0000-4000-8000-000000000001";
    private const string OtherAccount = "22222222-0000-4000-8000-000000000002";
    private const string A = "11111111-0000-4000-8000-00000000000a";
    private const string B = "11111111-0000-4000-8000-00000000000b";
    private const string Name = "https://idp.example";

    [Fact]
    public void Each_mistake_is_named() => Assert.Equal(
        [
            "Issuers:0:Authority must be https: who can change what it answers makes tokens.",
            "Issuers:0:Audience is missing.",
            "Issuers:0:Accounts is missing: the accounts that its tokens may speak for, or * for all.",
            "Issuers:0:Workspaces is missing: it says which those are that a token without the claim has.",
            "Issuers:0:AccountValues: each needs a Value of its own, and a UUID as what it Means.",
            "Issuers:0:ScopeValues: each needs a Value of its own, and a scope as what it Means.",
            "Issuers:0: the scope 'studies:delete' is not one of studies:read, events:write, privacy:write, privacy:read, clients:admin, webhooks:write, operations:read, operations:write.",
            "Issuers:0:Algorithms must be some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512.",
            "Issuers:0: the name of a claim is empty.",
            "Issuers:0: ReadsPerMinute and WritesPerMinute must be from 1 to 10000000.",
        ],
        new IssuerOptions
        {
            Authority = new Uri("http://idp.example/"),
            AccountValues = [new() { Value = "acme", Means = "acme" }],
            ScopeValues = [new() { Value = "reader", Means = "studies:delete" }],
            Scopes = ["studies:delete"],
            Algorithms = ["HS256"],
            ScopeClaim = "",
            AllWorkspacesIfAbsent = true,
            ReadsPerMinute = 0,
        }.Problems("Issuers:0", isDevelopment: false));

    [Theory]
    [InlineData("RS256", null)]
    [InlineData("none", "Issuers:0:Algorithms must be some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512.")]
    public void No_algorithm_without_a_private_key_is_taken(string algorithm, string? problem) =>
        Assert.Equal(problem, Options(algorithms: [algorithm]).Problems("Issuers:0", isDevelopment: false).SingleOrDefault());

    [Theory]
    [InlineData("*", null, "Issuers:0:AccountClaim is missing: with several accounts a claim has to name one.")]
    [InlineData($"{Account} {OtherAccount}", null, "Issuers:0:AccountClaim is missing: with several accounts a claim has to name one.")]
    [InlineData($"{Account} *", "account", "Issuers:0:Accounts must hold UUIDs, or * alone.")]
    [InlineData("acme", "account", "Issuers:0:Accounts must hold UUIDs, or * alone.")]
    [InlineData("*", "account", null)]
    [InlineData(Account, null, null)]
    public void An_issuer_says_for_which_accounts_it_may_speak(string accounts, string? claim, string? problem) =>
        Assert.Equal(problem, Options(accounts, claim).Problems("Issuers:0", isDevelopment: false).SingleOrDefault());

    [Theory]
    [InlineData(Account, """{ "account": "11111111-0000-4000-8000-000000000001" }""", Account)]
    [InlineData(Account, """{ "account": ["11111111-0000-4000-8000-000000000001"] }""", Account)]
    [InlineData(Account, """{ "account": "acme" }""", Account)]
    [InlineData(Account, """{ "account": "22222222-0000-4000-8000-000000000002" }""", null)]
    [InlineData("*", """{ "account": "22222222-0000-4000-8000-000000000002" }""", OtherAccount)]
    [InlineData("*", """{ "account": "initech" }""", null)]
    [InlineData("*", """{ "account": ["11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"] }""", null)]
    [InlineData("*", """{ "account": 1 }""", null)]
    [InlineData("*", "{ }", null)]
    public void A_token_speaks_for_an_account_that_its_issuer_may_name(string accounts, string claims, string? account) =>
        Assert.Equal(account, Read(Options(accounts, "account"), claims)?.Account.ToString());

    [Theory]
    [InlineData("{ }", Account)]
    [InlineData("""{ "account": "22222222-0000-4000-8000-000000000002" }""", Account)]
    public void Without_a_claim_of_the_account_all_tokens_are_of_the_one_there_is(string claims, string account) =>
        Assert.Equal(account, Read(Options(Account, accountClaim: null), claims)?.Account.ToString());

    [Theory]
    [InlineData($$"""{ "ws": ["{{A}}", "{{B}}"] }""", false, false, $"{A} {B}")]
    [InlineData($$"""{ "ws": "{{A}} {{B}} {{A}}" }""", false, false, $"{A} {B}")]
    [InlineData($$"""{ "ws": ["{{A}}", "{{B}}", 1, "x"] }""", true, false, A)]
    [InlineData("""{ "ws": "main" }""", true, false, A)]
    [InlineData($$"""{ "ws": "{{B}}" }""", true, true, null)]
    [InlineData("""{ "ws": [] }""", true, true, null)]
    [InlineData("{ }", true, true, A)]
    [InlineData("{ }", true, false, null)]
    [InlineData("{ }", false, false, null)]
    public void Workspaces_are_those_of_the_claim_that_are_allowed(string claims, bool isBounded, bool isAllIfAbsent, string? workspaces)
    {
        var options = new IssuerOptions
        {
            Authority = new Uri(Name),
            Audience = "results-api",
            Accounts = [Account],
            WorkspacesClaim = "ws",
            WorkspaceValues = [new() { Value = "main", Means = A }],
            Workspaces = isBounded ? [Guid.Parse(A)] : [],
            AllWorkspacesIfAbsent = isAllIfAbsent,
        };
        Assert.Equal(workspaces, Read(options, claims) is { } caller ? string.Join(' ', caller.Workspaces) : null);
    }

    [Theory]
    [InlineData("""{ "scp": "studies:read billing:all events:write studies:read" }""", "", "studies:read events:write")]
    [InlineData("""{ "scp": ["studies:read", "recorders"] }""", "", "studies:read events:write")]
    [InlineData("""{ "scp": "studies:read operations:read operations:write" }""", "", "studies:read")]
    [InlineData("""{ "scp": ["privacy:write", "privacy:read", "webhooks:write"] }""", "", "")]
    [InlineData("""{ "scp": "results/operations:write results/events:write" }""", "results/", "events:write")]
    [InlineData("""{ "scp": "results/studies:read events:write" }""", "results/", "studies:read")]
    [InlineData("""{ "scp": "clients:admin" }""", "", "")]
    [InlineData("""{ "scp": { "studies:read": true } }""", "", "")]
    [InlineData("{ }", "", "")]
    public void Scopes_are_those_of_the_claim_that_are_ours(string claims, string prefix, string scopes)
    {
        var options = new IssuerOptions
        {
            Authority = new Uri(Name),
            Accounts = [Account],
            Workspaces = [Guid.Parse(A)],
            AllWorkspacesIfAbsent = true,
            ScopeClaim = "scp",
            ScopePrefix = prefix,
            ScopeValues = [new() { Value = "recorders", Means = Scopes.EventsWrite }],
        };
        Assert.Equal(scopes, string.Join(' ', Read(options, claims)!.Scopes));
    }

    public static TheoryData<string> EveryScope => [.. Scopes.All];

    [Theory]
    [MemberData(nameof(EveryScope))]
    public void Reading_and_recording_are_taken_from_an_issuer_and_every_other_scope_has_to_be_named(string scope)
    {
        var claims = $$"""{ "scope": "{{string.Join(' ', Scopes.All)}}" }""";
        Assert.Equal([Scopes.StudiesRead, Scopes.EventsWrite], Read(Named(), claims)!.Scopes);
        Assert.Equal([scope], Read(Named(scope), claims)!.Scopes);
        Assert.Empty(Read(Named(scope), "{ }")!.Scopes);

        static IssuerOptions Named(params List<string> scopes) => new()
        {
            Authority = new Uri(Name),
            Accounts = [Account],
            Workspaces = [Guid.Parse(A)],
            AllWorkspacesIfAbsent = true,
            Scopes = scopes,
        };
    }

    [Theory]
    [InlineData(Scopes.PrivacyWrite, "", "Issuers:0:ScopeValues: 'admins' means privacy:write, which Issuers:0:Scopes does not name.")]
    [InlineData(Scopes.OperationsRead, Scopes.StudiesRead, "Issuers:0:ScopeValues: 'admins' means operations:read, which Issuers:0:Scopes does not name.")]
    [InlineData(Scopes.EventsWrite, Scopes.StudiesRead, "Issuers:0:ScopeValues: 'admins' means events:write, which Issuers:0:Scopes does not name.")]
    [InlineData(Scopes.PrivacyWrite, Scopes.PrivacyWrite, null)]
    [InlineData(Scopes.StudiesRead, "", null)]
    public void A_value_that_means_a_scope_which_would_not_count_is_a_mistake(string means, string named, string? problem)
    {
        var options = new IssuerOptions
        {
            Authority = new Uri(Name),
            Audience = "results-api",
            Accounts = [Account],
            ScopeValues = [new() { Value = "admins", Means = means }],
            Scopes = named.Length == 0 ? [] : [named],
        };
        Assert.Equal(problem, options.Problems("Issuers:0", isDevelopment: false).SingleOrDefault());
    }

    [Theory]
    [InlineData("""{ "sub": "alice", "azp": "app" }""", $"{Name} alice")]
    [InlineData("""{ "azp": "app" }""", $"{Name} app")]
    [InlineData("""{ "client_id": "app" }""", $"{Name} app")]
    [InlineData("""{ "sub": "", "azp": "app" }""", null)]
    [InlineData("""{ "sub": "alice\u001b[2J" }""", null)]
    [InlineData("""{ "sub": 7 }""", null)]
    public void Who_asks_is_named_by_issuer_and_subject(string claims, string? client)
    {
        using var read = JsonDocument.Parse(claims);
        var options = new IssuerOptions { Authority = new Uri(Name), Accounts = [Account], Workspaces = [Guid.Parse(A)], AllWorkspacesIfAbsent = true };
        Assert.Equal(client, IssuerClaims.Read(options, Name, read.RootElement, out _)?.ClientId);
    }

    private static IssuerOptions Options(string accounts = Account, string? accountClaim = null, List<string>? algorithms = null) => new()
    {
        Authority = new Uri("https://idp.example"),
        Audience = "results-api",
        Accounts = [.. accounts.Split(' ')],
        AccountClaim = accountClaim,
        AccountValues = [new() { Value = "acme", Means = Account }],
        Algorithms = algorithms ?? [],
    };

    private static Caller? Read(IssuerOptions options, string claims)
    {
        var all = JsonSerializer.Deserialize<Dictionary<string, object>>(claims)!;
        all["sub"] = "alice";
        if (options.WorkspacesClaim == "workspaces" && !options.AllWorkspacesIfAbsent)
            all["workspaces"] = A;
        return IssuerClaims.Read(options, Name, JsonSerializer.SerializeToElement(all), out _);
    }
}
