using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Tests.Access;

public sealed partial class AccessOptionsTests
{
    [Fact]
    public void The_test_clients_are_well_configured() => Assert.Null(Failures(TestClients.Settings()));

    [Fact]
    public void No_clients_at_all_is_a_service_that_refuses_everybody() => Assert.Null(Failures([]));

    [Fact]
    public void Each_mistake_is_named_with_its_entry() => Assert.Equal(
        [
            "RateLimiting:ReadsPerMinute must be from 1 to 10000000.",
            "Access:RefreshSeconds must be from 1 to 60.",
            "Access:Issuer must be an absolute http or https URL without query or fragment.",
            "ForwardedHeaders:KnownProxies:0 must be an IP address.",
            "ForwardedHeaders:KnownNetworks:0 must be a network, such as 10.1.0.0/16.",
            "Clients:0:Id is missing.",
            "Clients:0: SecretHash is not a hash; make one with the hash-secret command.",
            "Clients:0: Account is missing.",
            "Clients:0: Workspaces must hold at least one UUID, and no empty one.",
            "Clients:0: Scopes is empty.",
            "Clients:2 ('account-one-ab'): another entry has the same Id.",
            "Clients:2 ('account-one-ab'): the scope 'studies:delete' is not one of studies:read, events:write, privacy:write, privacy:read, clients:admin, webhooks:write, operations:read, operations:write.",
            "Clients:2 ('account-one-ab'): ReadsPerMinute must be from 1 to 10000000.",
        ],
        Failures(
        [
            .. TestClients.Settings().Where(s => !s.Key.StartsWith("Clients:0:", StringComparison.Ordinal)),
            new("Clients:0:SecretHash", "the secret itself"),
            new("Clients:1:Id", TestClients.BothWorkspaces),
            new("Clients:2:Scopes:0", "studies:delete"),
            new("Clients:2:ReadsPerMinute", "0"),
            new("RateLimiting:ReadsPerMinute", "-1"),
            new("Access:Issuer", "results"),
            new("Access:RefreshSeconds", "61"),
            new("ForwardedHeaders:KnownProxies:0", "proxy.internal"),
            new("ForwardedHeaders:KnownNetworks:0", "10.1.0.0"),
        ]));

    [Fact]
    public void Without_tokens_of_its_own_a_service_needs_another_issuer() =>
        Assert.Equal(["Issuers is empty, and Access:BuiltInTokens is false: nobody could have a token."], Failures([new("Access:BuiltInTokens", "false")]));

    [Fact]
    public void Another_issuer_is_named_once_and_is_another() => Assert.Equal(
        ["Issuers names Access:Issuer, which is this service.", "Issuers: 'https://idp.example' is there 2 times."],
        Failures([new("Access:Issuer", "https://idp.example/"), .. Issuer(0), .. Issuer(1)]));

    private static IEnumerable<KeyValuePair<string, string?>> Issuer(int index) =>
    [
        new($"Issuers:{index}:Authority", "https://idp.example/"),
        new($"Issuers:{index}:Audience", "results-api"),
        new($"Issuers:{index}:Accounts:0", TestClients.AccountOne.ToString()),
    ];

    [Fact]
    public void Each_mistake_of_a_workspaces_name_is_named_with_its_entry() => Assert.Equal(
        [
            "Workspaces:0:Account is missing.",
            "Workspaces:0:Id is missing.",
            "Workspaces:0:Name must have 1 to 200 characters.",
            "Workspaces:2:Name must have 1 to 200 characters.",
            "Workspaces:2: another entry has the same Account and Id.",
        ],
        Failures(
        [
            .. TestClients.Settings(),
            new("Workspaces:0:Name", " "),
            new("Workspaces:1:Account", TestClients.AccountOne.ToString()), new("Workspaces:1:Id", TestClients.WorkspaceA.ToString()), new("Workspaces:1:Name", "Zoo"),
            new("Workspaces:2:Account", TestClients.AccountOne.ToString()), new("Workspaces:2:Id", TestClients.WorkspaceA.ToString()), new("Workspaces:2:Name", new string('x', 201)),
        ]));

    [Fact]
    public void The_demo_client_is_refused_outside_development()
    {
        KeyValuePair<string, string?>[] settings = [.. TestClients.Settings(), new("Clients:0:Id", "demo")];

        Assert.Equal(["Clients:0 ('demo'): the demo client exists in the Development environment only."], Failures(settings));
        Assert.Null(Failures(settings, Environments.Development));
    }

    [Fact]
    public void A_published_hash_is_refused_outside_development_under_any_id()
    {
        var files = Directory.EnumerateFiles(Path.Combine(ReadmeTests.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(ReadmeTests.Root, "README.md")).Append(Path.Combine(ReadmeTests.Root, "src", "ResultsEs", "appsettings.Development.json"));
        var published = files.SelectMany(file => Hashes().Matches(File.ReadAllText(file))).Select(match => match.Value).Distinct().ToList();

        Assert.True(published.Count >= 2);
        Assert.All(published, hash =>
        {
            KeyValuePair<string, string?>[] settings = [.. TestClients.Settings(), new("Clients:0:SecretHash", hash)];
            Assert.EndsWith(": SecretHash is that of a published secret; make another one with the hash-secret command.", Assert.Single(Failures(settings) ?? []), StringComparison.Ordinal);
            Assert.Null(Failures(settings, Environments.Development));
        });
    }

    [Theory]
    [InlineData("https://app.example", true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("http://[::1]:3000", true)]
    [InlineData("https://app.example:443", false)]
    [InlineData("https://app.example/", false)]
    [InlineData("https://app.example/page", false)]
    [InlineData("https://App.example", false)]
    [InlineData("https://*.example", false)]
    [InlineData("app.example", false)]
    [InlineData("null", false)]
    [InlineData("*", false)]
    [InlineData("", false)]
    public void An_origin_is_written_as_browsers_send_it(string origin, bool isRight) =>
        Assert.Equal(isRight, Failures([.. TestClients.Settings(), new("Cors:Origins:0", origin)]) is null);

    [Theory]
    [InlineData(null, null, "http://localhost:5080/")]
    [InlineData("http://*:8080;https://*:8443", null, "http://localhost:8080/")]
    [InlineData("https://+:8443", null, "https://localhost:8443/")]
    [InlineData("http://0.0.0.0:80", null, "http://localhost/")]
    [InlineData("http://[::]:81", null, "http://localhost:81/")]
    [InlineData("http://results.example:82/base", null, "http://results.example:82/base/")]
    [InlineData(null, "8080;8081", "http://localhost:8080/")]
    public void The_issuer_follows_from_the_address(string? urls, string? httpPorts, string issuer)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("urls", urls), new("http_ports", httpPorts)]).Build();

        Assert.Equal(new Uri(issuer), ListenAddress.First(configuration));
    }

    private static IEnumerable<string>? Failures(IEnumerable<KeyValuePair<string, string?>> settings, string environment = "Production")
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in settings)
            values[key] = value;
        var options = new ConfigurationBuilder().AddInMemoryCollection(values).Build().Get<AccessOptions>() ?? new AccessOptions();
        return AccessProblems.Of(options, new HostingEnvironment { EnvironmentName = environment }) is { Count: > 0 } problems ? problems : null;
    }

    [GeneratedRegex("AQAAAA[A-Za-z0-9+/]{40,}={0,2}|sha256:[A-Za-z0-9_-]{43}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Hashes();
}
