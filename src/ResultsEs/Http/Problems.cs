using Microsoft.AspNetCore.Http.HttpResults;

namespace ResultsEs.Http;

/// <summary>
/// Refusals as problem details (RFC 9457). <see cref="ProblemWriter"/> writes all of them, whether an endpoint makes them, routing, the
/// exception handler or Wolverine.
/// </summary>
public static class Problems
{
    /// <summary>The problem type of a request over the rate limit.</summary>
    public const string QuotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded";

    /// <summary>Seconds that a client should wait after a transient failure.</summary>
    internal const int RetryAfterSeconds = 2;

    /// <summary>400: the request is malformed. <paramref name="errors"/> are messages by parameter name or JSON path.</summary>
    public static ProblemHttpResult BadRequest(string detail, IReadOnlyDictionary<string, string[]>? errors = null) =>
        Of(StatusCodes.Status400BadRequest, detail, errors);

    /// <summary>403: the token is valid but does not reach this far.</summary>
    public static ProblemHttpResult Forbidden(string? detail = null) => Of(StatusCodes.Status403Forbidden, detail);

    /// <summary>404: not there, or not for this caller. It takes no text, so that the two cannot differ.</summary>
    public static ProblemHttpResult NotFound() => Of(StatusCodes.Status404NotFound);

    /// <summary>409: the request contradicts what is stored.</summary>
    public static ProblemHttpResult Conflict(string detail, IReadOnlyDictionary<string, string[]>? errors = null) =>
        Of(StatusCodes.Status409Conflict, detail, errors);

    /// <summary>A problem of any status. Without a detail it gets the status's own.</summary>
    public static ProblemHttpResult Of(
        int status, string? detail = null, IReadOnlyDictionary<string, string[]>? errors = null, string? type = null) =>
        TypedResults.Problem(detail, statusCode: status, type: type,
            extensions: errors is null ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["errors"] = errors });

    internal static string? DefaultDetail(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "The request is malformed.",
        StatusCodes.Status401Unauthorized => "A valid access token is needed: Authorization: Bearer …",
        StatusCodes.Status403Forbidden => "The access token lacks the scope that this needs.",
        StatusCodes.Status404NotFound => "There is nothing here for this caller.",
        StatusCodes.Status405MethodNotAllowed => "The Allow header names the methods of this address.",
        StatusCodes.Status408RequestTimeout => "The request body came too slowly.",
        StatusCodes.Status410Gone => "What this points to is kept no longer.",
        StatusCodes.Status413PayloadTooLarge => "The request body is too large.",
        StatusCodes.Status415UnsupportedMediaType => "The request body's content type is not one that this address reads.",
        StatusCodes.Status416RangeNotSatisfiable => "The range that was asked for lies behind the end.",
        StatusCodes.Status422UnprocessableEntity => "Nothing of the request is stored, because a subject is as large as it may be.",
        StatusCodes.Status429TooManyRequests => "Too many requests; Retry-After says how many seconds to wait.",
        StatusCodes.Status500InternalServerError => "The service failed; the trace id finds the reason in its logs.",
        StatusCodes.Status503ServiceUnavailable => "The service cannot answer just now; Retry-After says how many seconds to wait.",
        _ => null,
    };
}

/// <summary>The writer of every problem: JSON, whatever the request accepts, with a trace id and nothing about the request.</summary>
internal sealed class ProblemWriter : IProblemDetailsWriter
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        // Problems are parsed as JSON and never pasted into a page, so quotes and dots may stay legible.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        var problem = context.ProblemDetails;
        var status = problem.Status ?? http.Response.StatusCode;
        // Wolverine sets it to the path, which would tell one 404 from another.
        problem.Instance = null;
        problem.Detail ??= Problems.DefaultDetail(status);
        problem.Extensions["traceId"] = Activity.Current?.Id ?? http.TraceIdentifier;

        var body = JsonSerializer.SerializeToUtf8Bytes(problem, problem.GetType(), Json);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/problem+json";
        http.Response.ContentLength = body.Length;
        // Not RequestAborted: the exception handler answers clients that have gone as well, and would log that it failed.
        await http.Response.Body.WriteAsync(body, CancellationToken.None);
    }
}
