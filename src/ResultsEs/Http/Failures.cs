using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;
using ResultsEs.Contracts;

namespace ResultsEs.Http;

/// <summary>Turns an exception that no endpoint answered into a problem: never with its text, in no environment.</summary>
internal static partial class Failures
{
    // https://www.postgresql.org/docs/current/errcodes-appendix.html; Npgsql does not name it.
    private const string IdleInTransactionSessionTimeout = "25P03";

    public static ExceptionHandlerOptions Options(ILogger logger) => new()
    {
        ExceptionHandler = context => Answer(context, logger),
        // Refusals and outages are no errors of this service: the first are not logged, the second by Answer in one line.
        SuppressDiagnosticsCallback = static context => StatusOf(context.Exception) != StatusCodes.Status500InternalServerError,
    };

    /// <summary>The status that an exception stands for.</summary>
    public static int StatusOf(Exception exception) => exception switch
    {
        BadHttpRequestException refused => refused.StatusCode,
        _ when IsTransient(exception) => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>Whether the database was out of reach or asked to try again, anywhere in the chain of causes.</summary>
    public static bool IsTransient(Exception? exception) => exception switch
    {
        null => false,
        // The server is being stopped, or has not heard from this node for too long: Npgsql does not count these as transient.
        PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or IdleInTransactionSessionTimeout } => true,
        NpgsqlException { IsTransient: true } or TimeoutException or SocketException => true,
        // The work took too long, or the service is stopping; a client that went away reads no status.
        OperationCanceledException => true,
        AggregateException many => many.InnerExceptions.Any(IsTransient),
        _ => IsTransient(exception.InnerException),
    };

    private static Task Answer(HttpContext context, ILogger logger)
    {
        var exception = context.Features.Get<IExceptionHandlerFeature>()!.Error;
        var status = StatusOf(exception);
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            Unavailable(logger, exception.GetBaseException().GetType().Name, exception.GetBaseException().Message);
            context.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        return Problems.Of(status).ExecuteAsync(context);
    }

    [LoggerMessage(1001, LogLevel.Warning, "Answered 503: {Kind}: {Reason}")]
    private static partial void Unavailable(ILogger logger, string kind, string reason);
}
