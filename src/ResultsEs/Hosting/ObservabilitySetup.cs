using Microsoft.AspNetCore.RateLimiting;
using Npgsql;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Hosting;

/// <summary>Health checks, logs, traces and metrics.</summary>
internal static class ObservabilitySetup
{
    private const string ServiceName = "results-es";
    private const string Prometheus = "Telemetry:Prometheus";
    private const string Health = "/health";
    private const string Metrics = "/metrics";

    /// <summary>
    /// Adds what says how the service is. Telemetry goes out over OTLP when its standard environment variables name an endpoint, for all signals or for one, and to
    /// who asks <c>/metrics</c> when <c>Telemetry:Prometheus</c> is true.
    /// </summary>
    public static WebApplicationBuilder AddObservability(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DatabaseState>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DatabaseState>());
        builder.Services.AddHostedService<Draining>();
        builder.Services.AddHealthChecks()
            .AddCheck<Draining.Check>("shutdown")
            .AddCheck<DatabaseHealth>("database")
            .AddCheck<SchemaHealth>("schema")
            .AddCheck<BrokerHealth>("broker")
            .AddCheck<LimitsHealth>("limits")
            .AddCheck<TotalsHealth>("totals")
            .AddCheck<StandbyHealth>("standby");

        var configuration = builder.Configuration;
        if (string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
            return builder;

        var (traces, metrics, logs) = (IsSent("TRACES"), IsSent("METRICS"), IsSent("LOGS"));
        var isScraped = configuration.GetValue<bool>(Prometheus);
        if (!traces && !metrics && !logs && !isScraped)
            return builder;

        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService(configuration["OTEL_SERVICE_NAME"] ?? ServiceName, serviceVersion: typeof(Program).Assembly.GetName().Version?.ToString())
            .AddEnvironmentVariableDetector());
        if (traces)
        {
            telemetry.WithTracing(tracing => tracing
                .AddSource(Telemetry.Name, "Wolverine", "Marten")
                .AddNpgsql()
                // Probes and scrapes are nobody's request.
                .AddAspNetCoreInstrumentation(options => options.Filter = http => !http.Request.Path.StartsWithSegments(Health, StringComparison.Ordinal) && !http.Request.Path.StartsWithSegments(Metrics, StringComparison.Ordinal))
                .AddOtlpExporter(exporter => Direct(exporter, "TRACES")));
        }

        if (metrics || isScraped)
        {
            telemetry.WithMetrics(metering =>
            {
                metering
                    .AddMeter(Telemetry.Name, "Marten", "Wolverine:*", "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting")
                    .AddRuntimeInstrumentation();
                if (metrics)
                    metering.AddOtlpExporter(exporter => Direct(exporter, "METRICS"));
                if (isScraped)
                    metering.AddPrometheusExporter();
            });
        }

        if (logs)
            builder.Logging.AddOpenTelemetry(logging =>
            {
                logging.IncludeFormattedMessage = true;
                logging.AddOtlpExporter(exporter => Direct(exporter, "LOGS"));
            });
        return builder;

        bool IsSent(string signal) => EndpointOf(signal) is not null || !string.IsNullOrWhiteSpace(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

        // The exporter itself looks at the variable for all signals alone.
        void Direct(OtlpExporterOptions exporter, string signal)
        {
            if (EndpointOf(signal) is { } endpoint)
                exporter.Endpoint = new Uri(endpoint);
        }

        string? EndpointOf(string signal) => configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] is { } endpoint && !string.IsNullOrWhiteSpace(endpoint) ? endpoint : null;
    }

    /// <summary>Serves <c>/metrics</c> where that is asked for; it needs no token, so it is for a network that clients do not reach.</summary>
    public static WebApplication MapObservability(this WebApplication app)
    {
        Telemetry.Observe(app.Services.GetRequiredService<DatabaseState>(), app.Services.GetRequiredService<ReadDatabase>());
        if (app.Configuration.GetValue<bool>(Prometheus) && !string.Equals(app.Configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
            app.MapPrometheusScrapingEndpoint(Metrics).AllowAnonymous().WithMetadata(new DisableRateLimitingAttribute());
        return app;
    }
}
