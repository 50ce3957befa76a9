using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Sessions;

/// <summary><c>GET /api/v3/sessionResults/{sessionId}/events</c>: what was recorded of a session, event by event.</summary>
public static class GetSessionEvents
{
    private const int DefaultLimit = 100;

    internal static readonly Operation Description = new("listSessionEvents", ApiTag.Sessions, "A session's events as CloudEvents")
    {
        Text = "The events of which the session's details are made, as they were sent, in the order in which they were stored. "
            + "Personal data of erased ones is masked. Who sent them is not told, nor are events that count in other workspaces.",
        Query =
        [
            new(
                "limit", "The page size: how many events at most; fewer where their data has more than 4 MiB.",
                $$"""
                { "type": "integer", "format": "int32", "minimum": 1, "maximum": {{Paging.MaxLimit}}, "default": {{DefaultLimit}} }
                """),
            new(
                "after", "Only events after this version of the session: the `nextAfter` of the page before.",
                $$"""{ "type": "integer", "format": "int32", "minimum": 0, "maximum": {{int.MaxValue}}, "default": 0 }"""),
        ],
        Replies = [Reply.Ok<SessionEventsPage>("A page of the events.")],
    };

    /// <summary>Sends a page of the events.</summary>
    [WolverineGet("/api/v3/sessionResults/{sessionId}/events")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var session = parameters.Id("sessionId");
        var limit = parameters.Number("limit", 1, Paging.MaxLimit, DefaultLimit);
        var after = parameters.Number("after", 0, int.MaxValue, 0);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (await SessionResultQuery.ReadAsync(database, SessionHistory.Place, caller, session, StreamPlace.Read, cancellation)
            is not { } place)
            return Problems.NotFound();
        if (shares.History.TakeOrRefuse(http, caller, Math.Min(place.Bytes, StreamHistory.PageBytes)) is { } refusal)
            return refusal;

        var stream = new StreamKey(Tenant.Of(caller.Account), session);
        var page = await StreamHistory.ReadAsync(
            database, stream, place.Version,
            (connection, stop) => StreamHistory.EventsAfterAsync(
                connection, SessionResultTable.Documents, stream, caller.Workspaces, place.Workspace, after, limit, stop),
            cancellation);
        if (page is not var (events, hasMore))
            return Problems.NotFound();

        return JsonBody.Of(
            new SessionEventsPage(
                session,
                [.. events.Select(e => RecordedCloudEvent.Of(session, e))],
                new SessionEventsMeta(place.Version, hasMore ? events[^1].Version : null)),
            Json.Of<SessionEventsPage>());
    }
}

/// <summary>A page of a session's events.</summary>
internal sealed record SessionEventsPage(Guid SessionId, IReadOnlyList<RecordedCloudEvent> Events, SessionEventsMeta Meta);

/// <summary>What a page of events says of itself.</summary>
/// <param name="LastVersion">The version of the session: that of the last event stored of it.</param>
/// <param name="NextAfter">The <c>after</c> of the next page; absent in the last page.</param>
internal sealed record SessionEventsMeta(long LastVersion, long? NextAfter);

/// <summary>
/// An event as a CloudEvent 1.0 in structured JSON, as it was sent, with two attributes more: when it was stored, and its place in the
/// session. It can be sent again as it is.
/// </summary>
internal sealed record RecordedCloudEvent
{
    /// <summary><c>1.0</c></summary>
    [JsonPropertyName("specversion")]
    public required string SpecVersion { get; init; }

    /// <summary>The event's id.</summary>
    public required Guid Id { get; init; }

    /// <summary>The recorder and its version.</summary>
    public required string Source { get; init; }

    /// <summary>The event's type, such as <c>results.TaskAnswered.v1</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The session.</summary>
    public required Guid Subject { get; init; }

    /// <summary>When it happened, by its producer.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The W3C trace context of its producer; absent where it sent none.</summary>
    [JsonPropertyName("traceparent")]
    public string? TraceParent { get; init; }

    /// <summary>When it was stored, by the database's clock.</summary>
    [JsonPropertyName("recordedtime")]
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset RecordedTime { get; init; }

    /// <summary>The version of the session that the event made.</summary>
    [JsonPropertyName("sessionversion")]
    public required long SessionVersion { get; init; }

    /// <summary>What happened; the type says which members it has.</summary>
    public required JsonElement Data { get; init; }

    public static RecordedCloudEvent Of(Guid session, AppendedEvent e) => new()
    {
        SpecVersion = "1.0",
        Id = e.Id,
        Source = e.Source,
        Type = e.WireType,
        Subject = session,
        Time = e.Time.ToUniversalTime(),
        TraceParent = e.TraceParent,
        RecordedTime = e.Stored,
        SessionVersion = e.Version,
        Data = JsonElement.Parse(e.Data),
    };
}
