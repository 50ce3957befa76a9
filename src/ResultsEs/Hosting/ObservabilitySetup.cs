using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ResultsEs.EventStore;
using ResultsEs.Search;
using ResultsEs.Summaries;

namespace ResultsEs.Hosting;

/// <summary>Settings of telemetry; section <c>Telemetry</c>. Standard variables <c>OTEL_…</c> say where signals go.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";

    /// <summary>True to serve metrics at <c>/metrics</c> of the management port. Default false.</summary>
    public bool Prometheus { get; init; }
}

internal static class ObservabilitySetup
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    /// <summary>The path of metrics, on the management port.</summary>
    public const string Metrics = "/metrics";


    private static readonly string[] Signals = ["TRACES", "METRICS", "LOGS"];

    /// <summary>
    /// Adds health checks and telemetry. Each signal is exported over OTLP when the standard environment variables name an
    /// endpoint for it or for all. Metrics are also served to Prometheus when <c>Telemetry:Prometheus</c> is true.
    /// </summary>
    public static WebApplicationBuilder AddObservability(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        builder.Services.AddSingleton<DatabaseState>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DatabaseState>());
        builder.Services.AddSettings<ShutdownOptions>(configuration.GetSection(ShutdownOptions.Section), ShutdownOptions.Problems);
        builder.Services.AddSettings<TelemetryOptions>(
            configuration.GetSection(TelemetryOptions.Section),
            options => ((string[])[Endpoint, .. Signals.Select(NameOf)]).SelectMany(Problems).Concat(
                options.Prometheus && string.IsNullOrEmpty(configuration[$"{ManagementOptions.Section}:{nameof(ManagementOptions.Url)}"])
                    ? ["Telemetry:Prometheus needs Management:Url, the address that serves metrics."]
                    : []));
        builder.Services.AddHostedService<Draining>();
        builder.Services.AddHealthChecks()
            .AddCheck<Draining.Check>("shutdown")
            .AddCheck<DatabaseHealth>("database")
            .AddCheck<SchemaHealth>("schema")
            .AddCheck<BrokerHealth>("broker")
            .AddCheck<LimitsHealth>("limits")
            .AddCheck<TotalsHealth>("totals")
            .AddCheck<StandbyHealth>("standby")
            .AddCheck<SetAsideHealth>("set-aside");

        // Read from the configuration, because options exist only once the host is built.
        var (traces, metrics, logs) = (IsSent("TRACES"), IsSent("METRICS"), IsSent("LOGS"));
        var isScraped = IsScraped(configuration);
        if (IsDisabled(configuration) || !(traces || metrics || logs || isScraped))
            return builder;

        var version = typeof(Program).Assembly.GetName().Version?.ToString();
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService(configuration["OTEL_SERVICE_NAME"] ?? "results-es", serviceVersion: version)
            .AddEnvironmentVariableDetector());
        if (traces)
            telemetry.WithTracing(tracing => tracing
                .AddSource(Instruments.Name, "Wolverine", "Marten")
                .AddNpgsql()
                .AddAspNetCoreInstrumentation(options => options.Filter = http => !IsProbe(http.Request.Path))
                .AddOtlpExporter(exporter => SetEndpoint(exporter, "TRACES")));

        if (metrics || isScraped)
            telemetry.WithMetrics(metering =>
            {
                metering
                    .AddMeter(Instruments.Name, "Marten", "Wolverine:*", "Npgsql")
                    .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting")
                    .AddRuntimeInstrumentation();
                if (metrics)
                    metering.AddOtlpExporter(exporter => SetEndpoint(exporter, "METRICS"));
                if (isScraped)
                    metering.AddPrometheusExporter();
            });

        if (logs)
            builder.Logging.AddOpenTelemetry(logging =>
            {
                logging.IncludeFormattedMessage = true;
                logging.AddOtlpExporter(exporter => SetEndpoint(exporter, "LOGS"));
            });
        return builder;

        bool IsSent(string signal) =>
            EndpointOf(signal) is not null || !string.IsNullOrWhiteSpace(configuration[Endpoint]);

        // The exporter reads only the variable for all signals.
        void SetEndpoint(OtlpExporterOptions exporter, string signal)
        {
            if (EndpointOf(signal) is { } endpoint)
                exporter.Endpoint = new Uri(endpoint);
        }

        IEnumerable<string> Problems(string name) =>
            string.IsNullOrWhiteSpace(configuration[name])
            || (Uri.TryCreate(configuration[name], UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
                ? []
                : [$"{name} must be an absolute http or https URL."];

        string? EndpointOf(string signal) =>
            configuration[NameOf(signal)] is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;
    }

    /// <summary>Creates the gauges of figures that the service has anyway.</summary>
    public static WebApplication CreateGauges(this WebApplication app)
    {
        var state = app.Services.GetRequiredService<DatabaseState>();
        CreateGauges(
            state, app.Services.GetRequiredService<ReadDatabase>(), app.Services.GetRequiredService<SearchIndexer>(),
            app.Services.GetRequiredService<SummaryWorker>());
        CreateSetAsideGauge(state, [.. app.Services.GetServices<SetAsideWorker>().Select(worker => worker.Name)]);
        return app;
    }

    // A value that is neither true nor false stops the start later, where all settings are checked.
    private static bool IsScraped(IConfiguration configuration) =>
        bool.TryParse(configuration[$"{TelemetryOptions.Section}:{nameof(TelemetryOptions.Prometheus)}"], out var isScraped) && isScraped;

    private static string NameOf(string signal) => $"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT";

    private static bool IsDisabled(IConfiguration configuration) =>
        string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase);

    private static bool IsProbe(PathString path) =>
        path.StartsWithSegments("/health", StringComparison.Ordinal) || path.StartsWithSegments(Metrics, StringComparison.Ordinal);

    private static void CreateGauges(DatabaseState state, ReadDatabase reads, SearchIndexer search, SummaryWorker summaries)
    {
        Gauge("results.projection.lag", () => state.LagSeconds, "s",
            "How long the session has waited that waits longest to be counted in the totals of its test.");
        Gauge("results.search.lag", () => search.LagSeconds, "s",
            "How long ago it is that all that was stored until then can be found by search; some seconds where nothing is stored.");
        Gauge("results.summaries.lag", () => summaries.LagSeconds, "s",
            "How long ago it is that all that was stored until then is counted in summaries; some seconds where nothing is stored.");
        Gauge("results.standby.lag", () => reads.LagSeconds, "s",
            "How far the standby is behind that is furthest behind, of those that reads may go to; 0 where there is none.");
        Gauge("results.dead_letters", () => state.DeadLetters, "{message}", "Messages of the queue that could not be stored.");
        Gauge("results.rebuild.folded", () => state.RebuildFolded, "{event}", "Events that the rebuild under way has folded.");
        Gauge("results.rebuild.expected", () => state.RebuildTotal, "{event}",
            "Events that the rebuild under way has to fold; 0 while there is none.");

        static void Gauge<T>(string name, Func<T> value, string unit, string description)
            where T : struct => Instruments.Meter.CreateObservableGauge(name, value, unit, description);
    }

    // Every worker is measured, also while it has set nothing aside: an alert can tell that from a metric that is missing.
    private static void CreateSetAsideGauge(DatabaseState state, IReadOnlyList<string> workers) => Instruments.Meter.CreateObservableGauge(
        "results.set_aside",
        () => workers.Union(state.SetAside.Keys, StringComparer.Ordinal).Select(worker => new Measurement<long>(
            state.SetAside.GetValueOrDefault(worker), new KeyValuePair<string, object?>("results.worker", worker))),
        "{item}",
        "Items that a shared worker has set aside, because each makes its work fail.");
}
