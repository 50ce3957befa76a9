using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;

namespace ResultsEs.Hosting;

/// <summary>Gives a developer something to read at once.</summary>
internal static class SampleSetup
{
    /// <summary>In Development: records the sample sessions in an empty store, and logs how to read one.</summary>
    public static WebApplicationBuilder AddSamples(this WebApplicationBuilder builder)
    {
        if (builder.Environment.IsDevelopment())
            builder.Services.AddHostedService<SampleLoader>();
        return builder;
    }
}

/// <summary>
/// Once the service listens, acts as its demo client: asks for a token and posts the sample sessions over HTTP, so that
/// what a developer then reads has come the way of every client's events. Whatever fails is a warning.
/// </summary>
internal sealed partial class SampleLoader(
    IServer server,
    IHostApplicationLifetime lifetime,
    IConfiguration configuration,
    IOptions<AccessOptions> options,
    NpgsqlDataSource database,
    ILogger<SampleLoader> logger) : BackgroundService
{
    /// <summary>The setting that, when false, leaves the store empty.</summary>
    public const string Load = "Samples:Load";

    // Known to everybody; AccessOptionsValidator keeps the client out of every other environment.
    private const string Secret = "demo-secret";

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var demo = options.Value.Clients.Find(client => client.Id == AccessOptionsValidator.DemoClient);
        if (demo is null || !await StartedAsync(stoppingToken))
            return;

        var address = Address();
        try
        {
            if (configuration.GetValue(Load, defaultValue: true) && await StreamLog.IsEmptyAsync(database, Tenant.Of(demo.Account), stoppingToken))
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

        if (address is not null)
        {
            LogCommands(
                logger,
                $$"""TOKEN=$(curl -sS {{address}}{{TokenIssuer.TokenPath}} -d grant_type=client_credentials -d client_id={{demo.Id}} -d client_secret={{Secret}} | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')""",
                $"""curl -sS -H "Authorization: Bearer $TOKEN" {address}api/v3/sessionResults/{Samples.SessionOf(Samples.First)}""");
        }
    }

    private async Task<bool> StartedAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var onStarted = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        await using var onStopping = stoppingToken.Register(() => started.TrySetCanceled(stoppingToken));
        await started.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return started.Task.IsCompletedSuccessfully;
    }

    /// <summary>The first port the service really listens on; the configuration does not tell it when it asks for port 0. Null where there is none.</summary>
    private Uri? Address() => server.Features.Get<IServerAddressesFeature>()?.Addresses
        .FirstOrDefault(address => BindingAddress.Parse(address) is { IsUnixPipe: false, IsNamedPipe: false }) is { } bound
        ? ListenAddress.ForClients(bound)
        : null;

    private async Task PostAsync(Uri address, CancellationToken cancellation)
    {
        // A proxy of the environment does not know this machine's own addresses.
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpClient(handler) { BaseAddress = address };
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
            new("client_id", AccessOptionsValidator.DemoClient),
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

    [LoggerMessage(1103, LogLevel.Information, "Ready. Get a token, then a result:\n{Token}\n{Result}")]
    private static partial void LogCommands(ILogger logger, string token, string result);
}
