using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;
using ResultsEs.Http;

namespace ResultsEs.Hosting;

/// <summary>Settings of the management port; section <c>Management</c>.</summary>
internal sealed class ManagementOptions
{
    public const string Section = "Management";

    /// <summary>The address that operators' endpoints are served at, such as <c>http://localhost:5090</c>. Default: nowhere.</summary>
    public string? Url { get; init; }

    public static IEnumerable<string> Problems(ManagementOptions options) => options.Url is not { Length: > 0 } url || IsAddress(url)
        ? []
        : [$"{Section}:Url must be an address to listen on, such as http://localhost:5090 or http://+:5090."];

    private static bool IsAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url) is { Scheme: "http", PathBase: "", Host.Length: > 0 };
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>
/// The operators' endpoints, on a port of their own that clients do not reach: <c>/health/ready</c> with each part of it, and
/// <c>/metrics</c>. They need no token. A server beside that of the API: nothing that is mapped there can show up here, or the reverse.
/// </summary>
internal sealed partial class Management(
    IOptions<ManagementOptions> options, IServiceProvider services, HealthCheckService checks, ILogger<Management> logger) : IHostedService
{
    private WebApplication? _app;

    /// <summary>Where it listens, once it has started; null when it is off.</summary>
    public Uri? Address { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Url is not { Length: > 0 } url)
            return;

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url);
        _app = builder.Build();
        _app.Use(CountNothing);
        // Where metrics are not asked for there is no provider.
        if (services.GetService<MeterProvider>() is { } metrics
            && services.GetRequiredService<IOptions<TelemetryOptions>>().Value.Prometheus)
            _app.UseOpenTelemetryPrometheusScrapingEndpoint(
                metrics, predicate: null, ObservabilitySetup.Metrics, configureBranchedPipeline: null, optionsName: null);
        _app.Map(HealthEndpoints.ReadyPath, ready => ready.Run(ReadyAsync));
        _app.Run(static context => Problems.NotFound().ExecuteAsync(context));
        await _app.StartAsync(cancellationToken);
        Address = Http.ListenAddress.ForClients(
            _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
        LogListens(logger, Address);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    // Metrics of requests are those of the API.
    private static Task CountNothing(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = true;
        return next(context);
    }

    private async Task ReadyAsync(HttpContext context)
    {
        var report = await checks.CheckHealthAsync(context.RequestAborted);
        var parts = report.Entries.ToDictionary(entry => entry.Key, entry => Part(entry.Value), StringComparer.Ordinal);
        var detail = new HealthDetail(report.Status.ToString(), parts);
        await JsonBody.Of(detail, Json.Of<HealthDetail>(), HealthEndpoints.StatusCodeOf(report.Status)).ExecuteAsync(context);
    }

    // The description is meant for operators; the exception is for the logs.
    private static HealthOfPart Part(HealthReportEntry entry) =>
        new(entry.Status.ToString(), entry.Description, Math.Round((decimal)entry.Duration.TotalMilliseconds, 1));

    [LoggerMessage(3403, LogLevel.Information, "Health and metrics are at {Address}")]
    private static partial void LogListens(ILogger logger, Uri address);
}

internal static class ManagementSetup
{
    /// <summary>Adds the management port, which is off unless <c>Management:Url</c> says where it is.</summary>
    public static WebApplicationBuilder AddManagement(this WebApplicationBuilder builder)
    {
        builder.Services.AddSettings<ManagementOptions>(
            builder.Configuration.GetSection(ManagementOptions.Section), ManagementOptions.Problems);
        builder.Services.AddSingleton<Management>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<Management>());
        return builder;
    }
}
