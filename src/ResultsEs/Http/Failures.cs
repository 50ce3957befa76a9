using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Diagnostics;
using static Npgsql.PostgresErrorCodes;

namespace ResultsEs.Http;

/// <summary>Problem details for exceptions that no endpoint handled. They never hold the exception's text, in no environment.</summary>
internal static partial class Failures
{
    // https://www.postgresql.org/docs/current/errcodes-appendix.html; Npgsql has no constant for it.
    private const string IdleInTransactionSessionTimeout = "25P03";

    // Of several hosts none is the primary as far as Npgsql knows, until it asks them again. It has no code for it.
    private const string NoPrimary = "No suitable host was found.";

    // The most characters of a request's path that are logged.
    private const int MaxPath = 200;

    public static ExceptionHandlerOptions Options(ILogger logger) => new()
    {
        ExceptionHandler = context => Answer(context, logger),
        // Refusals and outages are not errors of this service: refusals are not logged, and Answer logs an outage in one line.
        SuppressDiagnosticsCallback = static context => StatusOf(context.Exception) != StatusCodes.Status500InternalServerError,
    };

    public static int StatusOf(Exception exception) => exception switch
    {
        BadHttpRequestException refused => refused.StatusCode,
        ConnectionResetException or ConnectionAbortedException => StatusCodes.Status499ClientClosedRequest,
        _ when IsTransient(exception) => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>True when the exception or a cause of it is transient, such as a database out of reach.</summary>
    public static bool IsTransient(Exception? exception) => exception switch
    {
        null => false,
        // The server is being stopped, is a standby, or has not heard from this node for too long. Npgsql counts none as transient.
        PostgresException
        {
            SqlState: AdminShutdown or CrashShutdown or ReadOnlySqlTransaction or IdleInTransactionSessionTimeout
        } => true,
        NpgsqlException { Message: NoPrimary } => true,
        NpgsqlException { IsTransient: true } or TimeoutException or SocketException => true,
        // The work took too long, or the service is stopping. A client that went away reads no status.
        OperationCanceledException => true,
        AggregateException many => many.InnerExceptions.Any(IsTransient),
        _ => IsTransient(exception.InnerException),
    };

    /// <summary>
    /// Ends the connection of a request whose body was cut off or is malformed. Otherwise the server looks for the next request in it, and
    /// logs a warning with a stack for each client that breaks off an upload.
    /// </summary>
    public static void EndConnection(HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
    }

    /// <summary>Ends the connection with the response when the client has gone away. For endpoints that read bodies.</summary>
    public static void EndConnectionIfBrokenOff(HttpContext context) => context.Response.OnCompleted(static state =>
    {
        if (((HttpContext)state).RequestAborted.IsCancellationRequested)
            EndConnection((HttpContext)state);
        return Task.CompletedTask;
    }, context);

    private static Task Answer(HttpContext context, ILogger logger)
    {
        var exception = context.Features.Get<IExceptionHandlerFeature>()!.Error;
        var status = StatusOf(exception);
        if (status == StatusCodes.Status499ClientClosedRequest)
        {
            if (logger.IsEnabled(LogLevel.Debug))
                BrokenOff(logger, context.Request.Method, Printable.Excerpt(context.Request.Path, MaxPath));
            context.Response.StatusCode = status;
            EndConnection(context);
            // Otherwise the server tries to read the rest of the body, and logs an error.
            context.Abort();
            return Task.CompletedTask;
        }

        if (exception is BadHttpRequestException)
            EndConnection(context);
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            var cause = exception.GetBaseException();
            Unavailable(logger, cause.GetType().Name, cause.Message);
            context.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        return Problems.Of(status).ExecuteAsync(context);
    }

    [LoggerMessage(1001, LogLevel.Warning, "Answered 503: {Kind}: {Reason}")]
    private static partial void Unavailable(ILogger logger, string kind, string reason);

    [LoggerMessage(1004, LogLevel.Debug, "The client broke off {Method} {Path}")]
    private static partial void BrokenOff(ILogger logger, string method, string path);
}
