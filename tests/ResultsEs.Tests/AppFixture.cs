using Alba;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

[assembly: AssemblyFixture(typeof(ResultsEs.Tests.AppFixture))]

namespace ResultsEs.Tests;

/// <summary>The whole service in Development, once for all tests, with the test clients beside the demo client.</summary>
public sealed class AppFixture : IAsyncLifetime
{
    /// <summary>The setting that names a host's database.</summary>
    internal const string ConnectionString = "ConnectionStrings:results";

    private readonly TempFolder _data = new();

    public IAlbaHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await StartAsync("Development", _data, TestClients.Settings(firstIndex: 1));

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _data.Dispose();
    }

    /// <summary>An access token of a client for all of its scopes, or for those given.</summary>
    public Task<string> TokenAsync(string client = TestClients.Reader, params string[] scopes) =>
        Tokens.AskAsync(Anonymous(), client, scopes);

    /// <summary>An HTTP client that sends such a token.</summary>
    public async Task<HttpClient> ClientAsync(string client = TestClients.Reader, params string[] scopes)
    {
        var http = Anonymous();
        http.DefaultRequestHeaders.Authorization = new("Bearer", await TokenAsync(client, scopes));
        return http;
    }

    /// <summary>An HTTP client that sends none; as of every client of a host, its answers are held against the API's description.</summary>
    public HttpClient Anonymous() => DescribedAnswers.Of(Host);

    /// <summary>An HTTP client of another host, with a token.</summary>
    internal static async Task<HttpClient> ClientAsync(IAlbaHost host, string client = TestClients.Reader)
    {
        var http = DescribedAnswers.Of(host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, client));
        return http;
    }

    /// <summary>Another host of the whole service, for what cannot share one; on a new database unless the settings name one.</summary>
    internal static async Task<IAlbaHost> StartAsync(
        string environment, TempFolder data, IEnumerable<KeyValuePair<string, string?>> settings, Action<IServiceCollection>? services = null)
    {
        var all = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["RESULTS_DATA"] = data.Path,
            ["RateLimiting:ReadsPerMinute"] = "100000",
            ["RateLimiting:WritesPerMinute"] = "100000",
            ["RateLimiting:AnonymousPerMinute"] = "100000",
            ["RateLimiting:TokensPerMinute"] = "100000",
            // Tests that share a host export at the same time.
            ["Shares:Exports:PerClient"] = "1000",
            ["Shares:Exports:PerAccount"] = "1000",
            ["Shares:Exports:PerNode"] = "1000",
            ["Shares:Lines:PerClient"] = "1000",
            ["Shares:Lines:PerAccount"] = "1000",
            ["Shares:Lines:PerNode"] = "1000",
            ["Shares:Followers:PerClient"] = "1000",
            ["Shares:Followers:PerAccount"] = "1000",
            ["Shares:Followers:PerNode"] = "1000",
            ["Shares:Searches:PerClient"] = "1000",
            ["Shares:Searches:PerAccount"] = "1000",
            ["Shares:Searches:PerNode"] = "1000",
            ["Shares:UploadMebibytes:PerClient"] = "1000",
            ["Shares:UploadMebibytes:PerAccount"] = "1000",
            ["Shares:UploadMebibytes:PerNode"] = "1000",
            ["RateLimiting:TokenFailuresPerMinute"] = "100000",
            ["Logging:LogLevel:Default"] = "Warning",
            // The test server cannot bound a body, and says so for each request.
            ["Logging:LogLevel:Microsoft.AspNetCore.Routing.EndpointRoutingMiddleware"] = "Error",
            // Tests of standbys ask for health without end.
            ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "Error",
            ["Samples:Load"] = "false",
            ["Access:RefreshSeconds"] = "1",
            ["Management:Url"] = Operators.AnyPort,
            // Where tests receive the messages of webhooks.
            ["Webhooks:AllowedNetworks:0"] = "127.0.0.0/8",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        if (!all.ContainsKey(ConnectionString))
            all[ConnectionString] = await TestDatabase.CreateAsync();

        // As settings of the host, which the program sees from its first line on, when it looks for its database.
        return await AlbaHost.For<Program>(host =>
        {
            host.UseEnvironment(environment);
            host.ConfigureServices(services ?? (_ => { }));
            foreach (var (key, value) in all)
                host.UseSetting(key, value);
        });
    }
}
