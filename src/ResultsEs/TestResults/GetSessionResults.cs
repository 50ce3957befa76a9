using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v2/sessionResults</c>: summaries of a test's sessions.</summary>
public static class GetSessionResults
{
    internal static readonly Operation Description = new("listSessionResults", ApiTag.Sessions, "Summaries of a test's sessions")
    {
        Text = "Completed sessions, the newest first, unless `status` asks for others. A session is listed at its end, or at its start "
            + "while it runs. With `updatedSince` the list goes from the oldest change to the newest. "
            + "What is stored after a walk began is found with `updatedSince` set to the walk's `asOf`.",
        Query =
        [
            new("testId", "The test.", QueryParameter.Uuid, IsRequired: true),
            .. Paging.Query,
            .. SessionFilter.Query,
        ],
        Replies = [Reply.Ok<SessionResultsPage>("A page of the list.")],
    };

    /// <summary>Sends a page of the list.</summary>
    [WolverineGet("/api/v2/sessionResults")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var filter = SessionFilter.Read(parameters, parameters.RequiredUuid("testId"));
        var paging = Paging.Read(parameters, filter.Name);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var page = await database.ReadChangesAsync(
            paging.AsOf, (source, asOf, stop) => ReadAsync(source, caller, filter, paging, asOf, stop), cancellation);
        return page is null ? Problems.NotFound() : JsonBody.Of(page, Json.Of<SessionResultsPage>());
    }

    // One statement, so of one snapshot: whether the test is known, the count, and the page. Rows are looked up for the page alone.
    internal static void Build(NpgsqlCommand command, Caller caller, SessionFilter filter, Paging paging)
    {
        var query = new SessionListQuery(command, caller, filter);
        var count = paging.After is { } cursor ? "select " + command.Add(cursor.TotalCount) : query.Count;
        command.CommandText =
            $"""
            with part as materialized (
              {query.Page(paging.After, paging.Offset, paging.Limit + 1)}
            ), counted as (
              select {query.IsKnown} as known, ({count})::bigint as sessions
            )
            select c.known, c.sessions, d.id, d.status, d.listed_at, d.audience_id, d.start_time, d.{DocumentTable.Modified},
              coalesce(d.{DocumentTable.Stream}, d.id)
            from counted c
            left join part p on true
            left join {SessionResultTable.Name} d on d.tenant_id = {query.Account} and d.id = p.id
            order by p.moment {query.Direction}, p.id {query.Direction}
            """;
    }

    /// <summary>Reads a page of the list; null when the caller has no session of the test.</summary>
    private static async Task<SessionResultsPage?> ReadAsync(
        NpgsqlDataSource database, Caller caller, SessionFilter filter, Paging paging, DateTimeOffset asOf, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand();
        Build(command, caller, filter, paging);
        // There is always a row, for the first two columns.
        var rows = await command.ReadAllAsync(
            reader => (IsKnown: reader.GetBoolean(0), Count: reader.GetInt64(1), Row: reader.IsDBNull(2) ? null : Row(reader)),
            cancellation);
        if (!rows[0].IsKnown)
            return null;

        var (totalCount, sessions) = (rows[0].Count, rows.Select(row => row.Row).OfType<SessionRow>().ToList());
        var shown = sessions.Take(paging.Limit).ToList();
        var next = sessions.Count > paging.Limit ? CursorAfter(shown[^1]).Write(filter.Name) : null;
        return new SessionResultsPage(
            filter.TestId, [.. shown.Select(row => row.Session)], SessionListMeta.Of(paging, totalCount, next, asOf));

        // A session that runs is listed at its start.
        Cursor CursorAfter(SessionRow last) => new(
            (filter.IsByChange ? last.Session.UpdatedTime : last.Session.FinishTime ?? last.Session.StartTime).UtcTicks,
            last.Key,
            default,
            totalCount,
            asOf.UtcTicks);
    }

    private static SessionRow Row(NpgsqlDataReader reader)
    {
        var status = Enum.Parse<SessionStatus>(reader.GetString(3));
        return new SessionRow(reader.GetGuid(2), new SessionSummary
        {
            SessionId = reader.GetGuid(8),
            AudienceId = reader.IsDBNull(5) ? null : reader.GetGuid(5),
            Status = status,
            StartTime = reader.GetFieldValue<DateTimeOffset>(6),
            FinishTime = status == SessionStatus.InProgress ? null : reader.GetFieldValue<DateTimeOffset>(4),
            UpdatedTime = reader.GetFieldValue<DateTimeOffset>(7),
        });
    }

    /// <summary>A session with the key of its document, by which the list is ordered.</summary>
    private sealed record SessionRow(Guid Key, SessionSummary Session);
}

/// <summary>A page of a test's sessions.</summary>
internal sealed record SessionResultsPage(Guid TestId, IReadOnlyList<SessionSummary> Sessions, SessionListMeta Meta);

/// <summary>What a list of sessions says of itself.</summary>
/// <param name="Pagination">Which part of the list this is.</param>
/// <param name="AsOf">
/// The time, by the database's clock, before which the walk shows all changes; the same in all parts behind one another's cursors. Absent
/// behind a cursor of a version of the service that did not tell it.
/// </param>
internal sealed record SessionListMeta(
    Pagination Pagination, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset? AsOf)
{
    public static SessionListMeta Of(Paging paging, long totalCount, string? nextCursor, DateTimeOffset asOf) =>
        new(ListMeta.Of(paging, totalCount, nextCursor).Pagination, asOf == DateTimeOffset.MinValue ? null : asOf);
}

/// <summary>The summary of a session.</summary>
internal sealed record SessionSummary
{
    public required Guid SessionId { get; init; }

    public Guid? AudienceId { get; init; }

    public required SessionStatus Status { get; init; }

    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset StartTime { get; init; }

    /// <summary>When the session ended; absent while it runs.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? FinishTime { get; init; }

    /// <summary>When something of the session was last stored, by the database's clock.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset UpdatedTime { get; init; }
}
