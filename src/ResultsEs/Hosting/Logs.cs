using Microsoft.Extensions.Logging.Console;

namespace ResultsEs.Hosting;

internal static class Logs
{
    /// <summary>Sets up logging. Returns loggers for use before and outside the host, to be disposed when the service ends.</summary>
    public static ILoggerFactory AddLogs(this WebApplicationBuilder builder, bool isCommand)
    {
        Configure(builder.Logging, builder.Environment, isCommand);
        var settings = builder.Configuration.GetSection("Logging");
        return LoggerFactory.Create(logging => Configure(logging.AddConfiguration(settings), builder.Environment, isCommand));
    }

    // In Production a line is a JSON object with UTC time and trace; elsewhere it is text for people. A command keeps the standard
    // output for itself: its warnings and errors go to the standard error.
    private static void Configure(ILoggingBuilder logging, IHostEnvironment environment, bool isCommand)
    {
        logging.Configure(options => options.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId);
        // It logs a failed start with its stack, which StartFailure tells in a line. Its other errors it logs as critical, too.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        if (isCommand)
            logging.AddFilter<ConsoleLoggerProvider>(level => level >= LogLevel.Warning)
                // Repeats appsettings.json, where the reason stands, because a filter for the console overrides that one.
                .AddFilter<ConsoleLoggerProvider>("Marten.IDocumentStore", LogLevel.Critical)
                .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);

        if (environment.IsProduction())
            logging.AddJsonConsole(json =>
                (json.UseUtcTimestamp, json.TimestampFormat, json.IncludeScopes) = (true, MillisecondsUtcConverter.Format, true));
        else
            logging.AddConsole();
    }
}
