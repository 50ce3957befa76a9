using System.Net.Http.Headers;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Explorer;
using ResultsEs.Http;

namespace ResultsEs.Hosting;

internal static class SampleSetup
{
    /// <summary>
    /// Adds what runs when the service has started: the warm-up, and in Development the loader, which records the sample sessions in an
    /// empty store and logs commands that read one.
    /// </summary>
    public static WebApplicationBuilder AddSamples(this WebApplicationBuilder builder)
    {
        builder.Services.AddHostedService<WarmUp>();
        if (builder.Environment.IsDevelopment())
        {
            builder.Services.AddSettings<SamplesOptions>(builder.Configuration.GetSection("Samples"), static _ => []);
            builder.Services.AddHostedService<SampleLoader>();
        }

        return builder;
    }
}

/// <summary>Settings of the samples; section <c>Samples</c>.</summary>
internal sealed class SamplesOptions
{
    /// <summary>True to record the samples in an empty store. Default true.</summary>
    public bool Load { get; init; } = true;
}

/// <summary>Posts the samples over HTTP as the demo client, so they are recorded like every client's. A failure is a warning.</summary>
internal sealed partial class SampleLoader(
    IServer server, IHostApplicationLifetime lifetime, IOptions<AccessOptions> options, IOptions<SamplesOptions> samples,
    IOptions<ExplorerOptions> explorer, NpgsqlDataSource database, ILogger<SampleLoader> logger) : BackgroundService
{
    // A public secret: AccessProblems refuses the demo client outside Development.
    private const string Secret = "demo-secret";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var demo = options.Value.Clients.Find(client => client.Id == AccessProblems.DemoClient);
        using var startedOrStopping = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stoppingToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, startedOrStopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (demo is null || stoppingToken.IsCancellationRequested)
            return;

        var address = Address();
        try
        {
            if (samples.Value.Load && await StreamLog.IsEmptyAsync(database, Tenant.Of(demo.Account), stoppingToken))
                await PostAsync(address ?? throw new InvalidOperationException("the service listens on no port"), stoppingToken);
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            LogFailed(logger, e.GetBaseException().Message);
        }

        if (address is not null && explorer.Value.Enabled)
            LogExplorer(logger, address);
        if (address is not null)
            LogCommands(
                logger,
                $$"""TOKEN=$(curl -sS {{address}}{{TokenIssuer.TokenPath}} -d grant_type=client_credentials -d client_id={{demo.Id}}"""
                + $$""" -d client_secret={{Secret}} | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')""",
                $"""curl -sS -H "Authorization: Bearer $TOKEN" {address}api/v3/sessionResults/{Samples.SessionOf(Samples.First)}""");
    }

    /// <summary>The first port the service listens on, which the configuration does not tell for port 0; null without one.</summary>
    private Uri? Address() => server.Features.Get<IServerAddressesFeature>()?.Addresses
        .FirstOrDefault(address => BindingAddress.Parse(address) is { IsUnixPipe: false, IsNamedPipe: false }) is { } bound
        ? ListenAddress.ForClients(bound)
        : null;

    private async Task PostAsync(Uri address, CancellationToken cancellation)
    {
        // A proxy of the environment does not know this machine's own addresses.
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(http, cancellation));
        using var batch = new StringContent(Samples.ReadAll(), Encoding.UTF8, "application/cloudevents-batch+json");
        using var answer = await http.PostAsync(new Uri("api/v2/sessionEvents", UriKind.Relative), batch, cancellation);
        await ReadAsync(answer, cancellation);
        LogLoaded(logger, Samples.Names.Count);
    }

    private static async Task<string> TokenAsync(HttpClient http, CancellationToken cancellation)
    {
        using var form = new FormUrlEncodedContent(
        [
            new("grant_type", "client_credentials"),
            new("client_id", AccessProblems.DemoClient),
            new("client_secret", Secret),
            new("scope", Scopes.EventsWrite),
        ]);
        using var answer = await http.PostAsync(new Uri(TokenIssuer.TokenPath, UriKind.Relative), form, cancellation);
        return (string)JsonNode.Parse(await ReadAsync(answer, cancellation))!["access_token"]!;
    }

    private static async Task<string> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var body = await answer.Content.ReadAsStringAsync(cancellation);
        return answer.IsSuccessStatusCode
            ? body
            : throw new HttpRequestException($"{answer.RequestMessage?.RequestUri} answered {(int)answer.StatusCode}: {body}");
    }

    [LoggerMessage(1101, LogLevel.Information, "Recorded the {Sessions} sample sessions of docs/samples")]
    private static partial void LogLoaded(ILogger logger, int sessions);

    [LoggerMessage(1102, LogLevel.Warning, "The sample sessions are not recorded: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(1107, LogLevel.Information, "Look at the results in a browser: {Address}")]
    private static partial void LogExplorer(ILogger logger, Uri address);

    [LoggerMessage(1103, LogLevel.Information, "Ready. Get a token, then a result:\n{Token}\n{Result}")]
    private static partial void LogCommands(ILogger logger, string token, string result);
}
