using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Ingestion.Import;
using ResultsEs.Sessions;
using Wolverine;

[assembly: JsonContext<ResultsEs.Ingestion.PostEventsJson>]

namespace ResultsEs.Ingestion;

/// <summary>The outcome of a request with events.</summary>
/// <param name="Accepted">The number of events that were new and are stored now.</param>
/// <param name="Duplicates">The number of events that were stored before.</param>
/// <param name="Sessions">The number of sessions that the events belong to.</param>
/// <param name="Events">The outcome of each event, in the request's order.</param>
internal sealed record PostEventsResponse(int Accepted, int Duplicates, int Sessions, IReadOnlyList<EventOutcome> Events);

/// <summary>The outcome of one event.</summary>
/// <param name="Id">The event's id.</param>
/// <param name="Outcome"><c>appended</c>: new and stored now. <c>duplicate</c>: stored before.</param>
internal sealed record EventOutcome(Guid Id, string Outcome);

[JsonSerializable(typeof(PostEventsResponse))]
internal sealed partial class PostEventsJson : JsonSerializerContext;

/// <summary><c>POST /api/v2/sessionEvents</c>: stores the events of a recorder, all of a request or none.</summary>
public static class PostEventsEndpoint
{
    internal static readonly Operation Description = new("recordEvents", ApiTag.Events, "Send events")
    {
        Text = "An array of CloudEvents 1.0. All events of a request are stored, or none. An event that was sent before is answered as a "
            + "duplicate. Also taken: the array as `application/cloudevents-batch+json`, one event as `application/cloudevents+json`, "
            + "the data of one event with `ce-` headers (binary mode). Bodies may be packed by gzip.",
        Replies = [Reply.Ok<PostEventsResponse>("The events are stored.")],
        Refusals = [400, 408, 409, 413, 415, 422],
    };

    /// <summary>The most bytes of a request as it is sent, and as it is unpacked.</summary>
    internal const int MaxRequestBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Takes one CloudEvent (<c>application/cloudevents+json</c>), an array (<c>application/cloudevents-batch+json</c>) or either
    /// (<c>application/json</c>); or one in binary mode, whose attributes are <c>ce-</c> headers.
    /// <see cref="PostEventLines"/> takes any number, one a line (<c>application/x-ndjson</c>).
    /// </summary>
    [WolverinePost("/api/v2/sessionEvents")]
    [Authorize(Scopes.EventsWrite)]
    [LongRequest]
    public static async Task<IResult> Post(
        HttpContext http, IMessageBus bus, ClientShares shares, IHostApplicationLifetime lifetime, ILoggerFactory loggers,
        CancellationToken cancellation)
    {
        Failures.EndConnectionIfBrokenOff(http);
        var request = http.Request;
        var isBinary = HttpCloudEvents.IsBinary(request);
        var shapes = isBinary ? CloudEventShapes.Single : CloudEventReader.ShapesOf(request.ContentType);
        var isLines = shapes == CloudEventShapes.None && EventLines.IsContentType(request.ContentType);
        if (RequestBody.RefusalOf(request, isBinary, isTaken: isLines || shapes != CloudEventShapes.None) is { } refused)
            return refused;
        if (isLines)
            return await PostEventLines.PostAsync(
                http, RequestBody.IsGzip(request), bus, shares, lifetime, loggers.CreateLogger<EventImport>());

        var caller = Caller.From(http.User);
        var upload = shares.Uploads.Begin(http, caller);
        CloudEvents read;
        int bytes;
        try
        {
            using var body = await RequestBody.ReadAsync(request, upload, cancellation);
            if (body is null)
                return upload.Refusal ?? Problems.Of(
                    StatusCodes.Status413PayloadTooLarge,
                    $"A request may have at most {MaxRequestBytes} bytes; send the events in several requests.");

            bytes = body.Bytes.Length;
            read = isBinary
                ? HttpCloudEvents.ReadBinary(request, body.Bytes)
                : CloudEventReader.Read(body.Bytes, shapes);
        }
        catch (InvalidDataException e)
        {
            return Problems.BadRequest($"{e.Message}; nothing of the request is stored.");
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

        var command = new RecordEvents(caller.Account, caller.Workspaces, caller.ClientId, read.Events) { Bytes = bytes };
        // A client that goes away ends the waiting, not the recording.
        switch (await bus.InvokeAsync<RecordResult>(command, CancellationToken.None).WaitAsync(cancellation))
        {
            case RecordResult.Stored stored:
                return JsonBody.Of(Response(read.Events, stored.Duplicates), Json.Of<PostEventsResponse>());
            case RecordResult.Conflicting conflicting:
                var reason = conflicting.Problems.Any(problem => problem.Path == "id")
                    ? "an event id is known with other content"
                    : "a subject is that of something else";
                return Refuse(StatusCodes.Status409Conflict, reason, conflicting.Problems);
            case RecordResult.Full full:
                var size = full.IsForGood
                    ? "a subject is as large as it may be, which is for good"
                    : "a subject is as large as it may be until it is started";
                return Refuse(StatusCodes.Status422UnprocessableEntity, size, full.Problems);
            case RecordResult.Forbidden forbidden:
                return Refuse(StatusCodes.Status403Forbidden, "it writes outside the sender's workspaces", forbidden.Problems);
            default:
                http.Response.Headers.RetryAfter = "1";
                return Problems.Of(
                    StatusCodes.Status503ServiceUnavailable,
                    "Too much waits to be stored, or other writers hold the sessions; nothing of the request is stored. Send it again.");
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
        var told = ToldProblems.Of(problems, ToldProblems.RequestBytes);
        var all = told.Rest is { } rest ? told.Named.Append(EventProblem.OfRequest(rest)) : told.Named;
        var errors = all
            .GroupBy(problem => problem.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Select(problem => problem.Message).ToArray(), StringComparer.Ordinal);
        var refusal = Problems.Of(status, $"Nothing of the request is stored, because {reason}.", errors);
        refusal.ProblemDetails.Extensions["events"] = told.Named
            .Where(problem => problem.Index >= 0)
            .GroupBy(problem => problem.Index)
            .Select(group => new RefusedEvent(
                group.Key, group.First().EventId, [.. group.Select(problem => problem.Path).Distinct(StringComparer.Ordinal)]))
            .ToArray();
        return refusal;
    }
}

/// <summary>A refused event: its index in the request, its id as sent, and the JSON paths of problems. Empty is the event.</summary>
internal sealed record RefusedEvent(int Index, string? Id, IReadOnlyList<string> Fields);
