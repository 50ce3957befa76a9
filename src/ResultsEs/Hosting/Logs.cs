using Microsoft.Extensions.Logging.Console;

namespace ResultsEs.Hosting;

/// <summary>Where log lines go, and how they look.</summary>
internal static class Logs
{
    /// <summary>Sets up logging.</summary>
    /// <returns>Loggers for what happens before the host is built, and beside it; dispose it when the service ends.</returns>
    public static ILoggerFactory AddLogs(this WebApplicationBuilder builder, bool isCommand)
    {
        Configure(builder.Logging, builder.Environment, isCommand);
        var settings = builder.Configuration.GetSection("Logging");
        return LoggerFactory.Create(logging => Configure(logging.AddConfiguration(settings), builder.Environment, isCommand));
    }

    // In Production a line is a JSON object with the time in UTC and the trace it belongs to; elsewhere it is for people. A command's
    // output is its own: what goes wrong is said on the standard error.
    private static void Configure(ILoggingBuilder logging, IHostEnvironment environment, bool isCommand)
    {
        logging.Configure(options => options.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId);
        if (isCommand)
            logging.AddFilter<ConsoleLoggerProvider>(level => level >= LogLevel.Warning)
                // As appsettings.json has it, and why; a filter of the console's own goes before those.
                .AddFilter<ConsoleLoggerProvider>("Marten.IDocumentStore", LogLevel.Critical)
                .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);

        if (environment.IsProduction())
            logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat, json.IncludeScopes) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ", true));
        else
            logging.AddConsole();
    }
}
