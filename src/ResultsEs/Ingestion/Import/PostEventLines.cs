using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using ResultsEs.Access;
using ResultsEs.Http;
using Wolverine;

[assembly: JsonContext<ResultsEs.Ingestion.Import.PostEventLinesJson>]

namespace ResultsEs.Ingestion.Import;

/// <summary>The outcome of a request with lines.</summary>
/// <param name="Lines">The number of lines that are not blank.</param>
/// <param name="Accepted">The number of events that were new and are stored now.</param>
/// <param name="Duplicates">The number of events that were stored before.</param>
/// <param name="Refused">The number of lines that are not stored.</param>
/// <param name="Refusals">The first of the refused lines, in order: up to 1,000, and as many as fit into 256 KiB.</param>
internal sealed record PostEventLinesResponse(
    long Lines, long Accepted, long Duplicates, long Refused, IReadOnlyList<RefusedLine> Refusals);

[JsonSerializable(typeof(PostEventLinesResponse))]
[JsonSerializable(typeof(RefusedLine))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string[]>))]
internal sealed partial class PostEventLinesJson : JsonSerializerContext;

/// <summary><c>POST /api/v2/sessionEvents/lines</c>: any number of events, one a line (NDJSON). Each valid line is stored.</summary>
public static class PostEventLines
{
    internal static readonly Operation Description = new("recordEventLines", ApiTag.Events, "Send any number of events, one a line")
    {
        Text = "NDJSON: a CloudEvent a line, read as a stream. Each valid line is stored, whatever becomes of the others. "
            + "`POST /api/v2/sessionEvents` takes the same body with the same content type.",
        Replies = [Reply.Ok<PostEventLinesResponse>("Each line is stored or refused.")],
        Refusals = [400, 408, 413, 415],
    };

    // So many refused lines are in the answer.
    private const int MaxRefusals = 1_000;

    // For the database, or for other writers.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    /// <summary>Takes lines alone, for clients that know one body for a path. <see cref="PostEventsEndpoint"/> takes them too.</summary>
    [WolverinePost("/api/v2/sessionEvents/lines")]
    [Authorize(Scopes.EventsWrite)]
    [LongRequest]
    public static async Task<IResult> Post(
        HttpContext http, IMessageBus bus, ClientShares shares, IHostApplicationLifetime lifetime, ILoggerFactory loggers,
        CancellationToken cancellation) =>
        EventLines.IsContentType(http.Request.ContentType)
            ? await PostEventsEndpoint.Post(http, bus, shares, lifetime, loggers, cancellation)
            : Problems.Of(StatusCodes.Status415UnsupportedMediaType, "Send application/x-ndjson, in UTF-8: a CloudEvent a line.");

    internal static async Task<IResult> PostAsync(
        HttpContext http, bool isGzip, IMessageBus bus, ClientShares shares, IHostApplicationLifetime lifetime, ILogger logger)
    {
        var caller = Caller.From(http.User);
        if (shares.Lines.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        // These limits protect from bodies that nobody wants. This one is streamed, and a recorder may take its time between lines.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;

        var refusals = new List<RefusedLine>();
        var room = ToldProblems.RequestBytes;
        var import = new EventImport(
            command => bus.InvokeAsync<RecordResult>(command, CancellationToken.None),
            caller.Account, caller.Workspaces, caller.ClientId, MaxWait, logger, Refuse);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        ImportEnd end;
        try
        {
            var body = isGzip ? RequestBody.Unpacked(http.Request) : http.Request.BodyReader;
            end = await import.RunAsync(body, from: 1, stop.Token, shares.LinesIdle);
        }
        catch (InvalidDataException e)
        {
            return Interrupted(StatusCodes.Status400BadRequest, e.Message);
        }
        catch (TimeoutException)
        {
            // The server would wait for the rest of the body.
            Failures.EndConnection(http);
            return Interrupted(StatusCodes.Status408RequestTimeout, $"No byte came for {shares.LinesIdle.TotalSeconds} s");
        }
        catch (UnpackedTooLargeException e)
        {
            return Interrupted(StatusCodes.Status413PayloadTooLarge, e.Message);
        }

        if (end == ImportEnd.Complete)
            return JsonBody.Of(
                new PostEventLinesResponse(import.Lines, import.Accepted, import.Duplicates, import.Refused, refusals),
                Json.Of<PostEventLinesResponse>());

        if (http.RequestAborted.IsCancellationRequested)
            return TypedResults.StatusCode(StatusCodes.Status499ClientClosedRequest);

        http.Response.Headers.RetryAfter = $"{Problems.RetryAfterSeconds}";
        var reason = end == ImportEnd.Stopped
            ? "The service is stopping"
            : "The database does not answer, or other writers hold the sessions";
        return Interrupted(StatusCodes.Status503ServiceUnavailable, reason);

        IResult Interrupted(int status, string cause)
        {
            var problem = Problems.Of(
                status,
                $"{cause}; every line through {import.ThroughLine} is stored or refused. Send the lines after it again, or all of them.");
            problem.ProblemDetails.Extensions["storedThroughLine"] = import.ThroughLine;
            problem.ProblemDetails.Extensions["refused"] = import.Refused;
            problem.ProblemDetails.Extensions["refusals"] = refusals;
            return problem;
        }

        void Refuse(RefusedLine line)
        {
            if (refusals.Count >= MaxRefusals || room < 0)
                return;

            room -= JsonSerializer.SerializeToUtf8Bytes(line, Json.Of<RefusedLine>()).Length + 1;
            if (room >= 0)
                refusals.Add(line);
        }
    }
}
