using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Summaries;

/// <summary><c>GET /api/v3/testResults/{testId}/sessions</c>: the sessions behind a summary's numbers.</summary>
public static class ListTestSessions
{
    private const int MaxLimit = 100;

    internal static readonly Operation Description = new("listTestSessions", ApiTag.Tests, "The sessions behind a summary's numbers")
    {
        Text = "The sessions that pass the filters, the one that started last first. `listSessionResults` lists sessions by their end, or "
            + "by change.",
        Query =
        [
            .. SummaryFilter.Query,
            new("limit", "The page size: how many sessions at most.", Paging.Integer(1, MaxLimit, Paging.DefaultLimit)),
            new("after", "The `nextAfter` of the page before, with the same filters.", """{ "type": "string" }"""),
        ],
        Replies = [Reply.Ok<SummarizedSessionsPage>("A page of the sessions.")],
    };

    /// <summary>Sends a page of the sessions.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/sessions")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (test, filter) = (parameters.Id("testId"), SummaryFilter.Read(parameters));
        var limit = parameters.Number("limit", 1, MaxLimit, Paging.DefaultLimit);
        var list = $"sessions of {test} {filter.Name}";
        var after = parameters.CursorOrNull("after", list, "must be a nextAfter of this list, with the same filters");
        return SummaryReader.SendAsync(
            http, database, parameters, test,
            async (connection, _, found, stop) =>
            {
                var condition = await SummaryCondition.OfAsync(connection, filter, found.Keys, stop);
                return await ReadAsync(connection, condition, after, limit, list, stop);
            },
            cancellation);
    }

    private static async Task<SummarizedSessionsPage?> ReadAsync(
        NpgsqlConnection connection, SummaryCondition condition, Cursor? after, int limit, string list, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        Build(command, condition, after, limit);
        var rows = await command.ReadAllAsync(
            reader => (
                Key: new Cursor(reader.GetDateTime(0).Ticks, reader.GetGuid(1), default, TotalCount: 0),
                Session: new ListedSession(
                    reader.GetGuid(2), (SessionStatus)reader.GetInt16(3), reader.GetFieldValue<DateTimeOffset>(0),
                    reader.IsDBNull(4) ? null : reader.GetGuid(4), reader.GetInt64(5), reader.GetInt64(6))),
            cancellation);
        return rows.Count > limit
            ? new SummarizedSessionsPage([.. rows.Take(limit).Select(row => row.Session)], rows[limit - 1].Key.Write(list))
            : new SummarizedSessionsPage([.. rows.Select(row => row.Session)], NextAfter: null);
    }

    /// <summary>Builds the statement: one session more than asked for.</summary>
    internal static void Build(NpgsqlCommand command, SummaryCondition condition, Cursor? after, int limit)
    {
        var behind = after is { } place
            ? $" and (s.start_time, s.document_id) < ({command.Add(new DateTime(place.Key, DateTimeKind.Utc))}, {command.Add(place.Id)})"
            : "";
        // ux_summary_sessions backwards, once for each test: it holds what is asked for, so only what is listed is read from the table.
        // Then the primary key of items, trait by trait: "offset 0" keeps the planner from reading all items of the test.
        command.CommandText =
            $"""
            with listed as materialized (
              select p.* from unnest({command.Add(condition.Tests)}) k(test_key)
              cross join lateral (
                select s.test_key, s.start_time, s.document_id, s.status, s.traits, s.tasks from {SummaryTable.Sessions} s
                where s.test_key = k.test_key and {condition.OfSessions(command, "s")}{behind}
                order by s.start_time desc, s.document_id desc limit {limit + 1}
              ) p
              order by p.start_time desc, p.document_id desc limit {limit + 1}
            )
            select l.start_time, l.document_id, s.session_id, l.status,
              (select (i.data ->> 'id')::uuid from unnest(l.traits) a(item)
               cross join lateral (
                 select i.kind, i.data from {SummaryTable.Items} i where i.test_key = l.test_key and i.item = a.item offset 0) i
               where i.kind = {(short)SummaryItemKind.Audience} limit 1),
              (select count(*) from unnest(l.tasks) t(item) where t.item > 0),
              (select count(*) from unnest(l.tasks) t(item) where t.item < 0)
            from listed l
            join {SummaryTable.Sessions} s
              on s.test_key = l.test_key and s.start_time = l.start_time and s.document_id = l.document_id
            order by l.start_time desc, l.document_id desc
            """;
    }
}

/// <summary>A page of the sessions of a test.</summary>
/// <param name="Sessions">The sessions, the one that started last first.</param>
/// <param name="NextAfter">Where the next page begins; absent in the last page.</param>
internal sealed record SummarizedSessionsPage(IReadOnlyList<ListedSession> Sessions, string? NextAfter);

/// <summary>A session of a test.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Status">Its status.</param>
/// <param name="StartTime">When it began.</param>
/// <param name="AudienceId">The audience that its participant was recruited from; null when unknown.</param>
/// <param name="Answered">How many tasks it answered.</param>
/// <param name="Skipped">How many it skipped.</param>
internal sealed record ListedSession(
    Guid SessionId,
    SessionStatus Status,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset StartTime,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Guid? AudienceId,
    long Answered,
    long Skipped);
