using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Ingestion.Import;
using ResultsEs.Sessions;
using Wolverine;

[assembly: JsonContext<ResultsEs.Ingestion.PostEventsJson>]

namespace ResultsEs.Ingestion;

/// <summary>What became of the events of a request.</summary>
/// <param name="Accepted">How many were new and are stored.</param>
/// <param name="Duplicates">How many were stored before.</param>
/// <param name="Sessions">How many sessions the request's events belong to.</param>
/// <param name="Events">Each event, in the request's order.</param>
internal sealed record PostEventsResponse(int Accepted, int Duplicates, int Sessions, IReadOnlyList<EventOutcome> Events);

/// <summary>What became of one event.</summary>
/// <param name="Id">The event.</param>
/// <param name="Outcome"><c>appended</c> or <c>duplicate</c>.</param>
internal sealed record EventOutcome(Guid Id, string Outcome);

[JsonSerializable(typeof(PostEventsResponse))]
internal sealed partial class PostEventsJson : JsonSerializerContext;

/// <summary><c>POST /api/v2/sessionEvents</c>: stores the events of a recorder, all of a request or none.</summary>
public static class PostEventsEndpoint
{
    internal static readonly Operation Description = new("recordEvents", ApiTag.Events, "Send what happened in sessions")
    {
        Text = "CloudEvents 1.0; all of a request is stored, or nothing of it. Of `application/x-ndjson`, any number of events "
            + "a line each, every valid line is stored. What was sent before is answered as a duplicate.",
        Replies =
        [
            Reply.Ok<PostEventsResponse>("The events are stored."),
            Reply.Ok<PostEventLinesResponse>("Of lines: what became of them."),
        ],
        Refusals = [400, 409, 413, 415],
    };

    internal const int MaxRequestBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Takes one CloudEvent (<c>application/cloudevents+json</c>), an array (<c>application/cloudevents-batch+json</c>) or either
    /// (<c>application/json</c>). <see cref="PostEventLines"/> takes any number, one a line (<c>application/x-ndjson</c>).
    /// </summary>
    [WolverinePost("/api/v2/sessionEvents")]
    [Authorize(Scopes.EventsWrite)]
    public static async Task<IResult> Post(
        HttpContext http, IMessageBus bus, IHostApplicationLifetime lifetime, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var isEncoded = http.Request.Headers.ContentEncoding.Count > 0;
        var shapes = isEncoded ? CloudEventShapes.None : CloudEventReader.ShapesOf(http.Request.ContentType);
        if (shapes == CloudEventShapes.None)
        {
            if (!isEncoded && EventLines.IsContentType(http.Request.ContentType))
                return await PostEventLines.PostAsync(http, bus, lifetime, loggers.CreateLogger<EventImport>());

            return Problems.Of(
                StatusCodes.Status415UnsupportedMediaType,
                "Send application/cloudevents+json, application/cloudevents-batch+json, application/json or application/x-ndjson, "
                + "in UTF-8 and without a content encoding.");
        }

        if (await ReadBodyAsync(http.Request, cancellation) is not (var buffer, var length))
            return Problems.Of(
                StatusCodes.Status413PayloadTooLarge,
                $"A request may have at most {MaxRequestBytes} bytes; send the events in several requests.");

        CloudEvents read;
        try
        {
            read = CloudEventReader.Read(buffer.AsSpan(0, length), shapes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (read.Count > CloudEventReader.MaxEvents)
            return Problems.Of(
                StatusCodes.Status413PayloadTooLarge,
                $"A request may have at most {CloudEventReader.MaxEvents} events, not {read.Count}; send them in several requests.");

        if (read.Problems.Count > 0)
        {
            Telemetry.Rejected(read.Events, read.Count - read.Events.Count);
            return Refuse(StatusCodes.Status400BadRequest, "something in it is not valid", read.Problems);
        }

        var caller = Caller.From(http.User);
        var command = new RecordEvents(caller.Account, caller.Workspaces, read.Events);
        // A client that goes away ends the waiting, not the recording.
        switch (await bus.InvokeAsync<RecordResult>(command, CancellationToken.None).WaitAsync(cancellation))
        {
            case RecordResult.Stored stored:
                return TypedResults.Json(Response(read.Events, stored.Duplicates), Json.Of<PostEventsResponse>());
            case RecordResult.Conflicting conflicting:
                var reason = conflicting.Problems.Any(problem => problem.Path == "id")
                    ? "an event id is known with other content"
                    : "a subject is that of something else";
                return Refuse(StatusCodes.Status409Conflict, reason, conflicting.Problems);
            case RecordResult.Forbidden forbidden:
                return Refuse(StatusCodes.Status403Forbidden, "it writes outside the sender's workspaces", forbidden.Problems);
            default:
                http.Response.Headers.RetryAfter = "1";
                return Problems.Of(
                    StatusCodes.Status503ServiceUnavailable,
                    "Other writers hold the sessions; nothing of the request is stored. Send it again.");
        }
    }

    private static PostEventsResponse Response(IReadOnlyList<IncomingEvent> events, IReadOnlyList<bool> duplicates)
    {
        var known = duplicates.Count(duplicate => duplicate);
        var ofSessions = events.Where(incoming => incoming.Type.StreamType == SessionResultTable.StreamType);
        return new PostEventsResponse(
            events.Count - known, known,
            ofSessions.DistinctBy(incoming => incoming.StreamId).Count(),
            [.. events.Zip(duplicates, (incoming, duplicate) => new EventOutcome(incoming.Id, duplicate ? "duplicate" : "appended"))]);
    }

    private static IResult Refuse(int status, string reason, IReadOnlyList<EventProblem> problems)
    {
        var errors = problems
            .GroupBy(problem => problem.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Select(problem => problem.Message).ToArray(), StringComparer.Ordinal);
        var refusal = Problems.Of(status, $"Nothing of the request is stored, because {reason}.", errors);
        refusal.ProblemDetails.Extensions["events"] = problems
            .Where(problem => problem.Index >= 0)
            .GroupBy(problem => problem.Index)
            .Select(group => new RefusedEvent(
                group.Key, group.First().EventId, [.. group.Select(problem => problem.Path).Distinct(StringComparer.Ordinal)]))
            .ToArray();
        return refusal;
    }

    /// <summary>Reads the body into a pooled buffer. Null when it is larger than a request may be.</summary>
    private static async Task<(byte[] Buffer, int Length)?> ReadBodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > MaxRequestBytes)
            return null;

        // One byte more than the body may have: the whole body, or too much.
        var read = await request.BodyReader.ReadAtLeastAsync((int)(request.ContentLength ?? MaxRequestBytes) + 1, cancellation);
        if (read.Buffer.Length > MaxRequestBytes)
            return null;

        var length = (int)read.Buffer.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        read.Buffer.CopyTo(buffer);
        request.BodyReader.AdvanceTo(read.Buffer.End);
        return (buffer, length);
    }
}

/// <summary>A refused event: its index in the request, its id as sent, and the JSON paths of problems. Empty is the event.</summary>
internal sealed record RefusedEvent(int Index, string? Id, IReadOnlyList<string> Fields);
