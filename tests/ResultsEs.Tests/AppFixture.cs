using Alba;
using JasperFx.CommandLine;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using ResultsEs.Tests.Access;

[assembly: AssemblyFixture(typeof(ResultsEs.Tests.AppFixture))]

namespace ResultsEs.Tests;

/// <summary>The whole service in Development, once for all tests, with the test clients beside the demo client.</summary>
public sealed class AppFixture : IAsyncLifetime
{
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
        Tokens.AskAsync(Host.Server.CreateClient(), client, scopes);

    /// <summary>An HTTP client that sends such a token.</summary>
    public async Task<HttpClient> ClientAsync(string client = TestClients.Reader, params string[] scopes)
    {
        var http = Host.Server.CreateClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", await TokenAsync(client, scopes));
        return http;
    }

    /// <summary>Another host of the whole service, for what cannot share one.</summary>
    internal static Task<IAlbaHost> StartAsync(string environment, TempFolder data, IEnumerable<KeyValuePair<string, string?>> settings)
    {
        JasperFxEnvironment.AutoStartHost = true;
        return AlbaHost.For<Program>(host => host
            .UseEnvironment(environment)
            .ConfigureAppConfiguration(configuration => configuration
                .AddInMemoryCollection(
                [
                    new("RESULTS_DATA", data.Path),
                    new("RateLimiting:ReadsPerMinute", "100000"),
                    new("RateLimiting:WritesPerMinute", "100000"),
                    new("RateLimiting:AnonymousPerMinute", "100000"),
                ])
                .AddInMemoryCollection(settings)));
    }
}
