using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authorization;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;
using Wolverine.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v2/sessionResults</c>: summaries of a test's sessions.</summary>
public static class GetSessionResults
{
    internal static readonly Operation Description = new("listSessionResults", ApiTag.Sessions, "Summaries of a test's sessions")
    {
        Text = "Completed sessions, the newest first, unless `status` asks for others; sessions that run stand where they began. With `updatedSince` the list goes from the oldest change to the newest.",
        Query =
        [
            new("testId", "The test.", QueryParameter.Uuid, IsRequired: true),
            .. Paging.Query,
            .. SessionFilter.Query,
        ],
        Replies = [Reply.Ok<SessionResultsPage>("A part of the list.")],
    };

    /// <summary>Sends a part of the list.</summary>
    [WolverineGet("/api/v2/sessionResults")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var filter = SessionFilter.Read(parameters, parameters.RequiredUuid("testId"));
        var paging = Paging.Read(parameters, filter.Name);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        return await database.ReadAsync((source, stop) => SessionList.ReadAsync(source, caller, filter, paging, stop), cancellation) is { } page
            ? TypedResults.Json(page, Json.Of<SessionResultsPage>())
            : Problems.NotFound();
    }
}

/// <summary>A part of the list of a test's sessions.</summary>
internal sealed record SessionResultsPage(Guid TestId, IReadOnlyList<SessionSummary> Sessions, ListMeta Meta);

/// <summary>A session in a list.</summary>
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

    /// <summary>When this service last stored something of the session.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset UpdatedTime { get; init; }
}

/// <summary>The one statement behind the list.</summary>
internal static class SessionList
{
    /// <summary>The part of the list; null when the caller has no session of that test.</summary>
    public static async Task<SessionResultsPage?> ReadAsync(
        NpgsqlDataSource database, Caller caller, SessionFilter filter, Paging paging, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand();
        Build(command, caller, filter, paging);
        await using var reader = await command.ExecuteReaderAsync(cancellation);

        var sessions = new List<SessionSummary>();
        Position? last = null;
        var isMore = false;
        long totalCount = 0;
        while (await reader.ReadAsync(cancellation))
        {
            if (!reader.GetBoolean(0))
                return null;

            totalCount = reader.GetInt64(1);
            if (reader.IsDBNull(2))
                break;

            if (sessions.Count == paging.Limit)
            {
                isMore = true;
                break;
            }

            var status = Enum.Parse<SessionStatus>(reader.GetString(3));
            var (listed, updated) = (reader.GetFieldValue<DateTimeOffset>(4), reader.GetFieldValue<DateTimeOffset>(7));
            sessions.Add(new SessionSummary
            {
                SessionId = reader.GetGuid(2),
                AudienceId = reader.IsDBNull(5) ? null : reader.GetGuid(5),
                Status = status,
                StartTime = reader.GetFieldValue<DateTimeOffset>(6),
                FinishTime = status == SessionStatus.InProgress ? null : listed,
                UpdatedTime = updated,
            });
            last = new Position((filter.IsByChange ? updated : listed).UtcTicks, reader.GetGuid(2), default, totalCount);
        }

        return new SessionResultsPage(filter.TestId, sessions, ListMeta.Of(paging, totalCount, isMore ? last!.Value.Write(filter.Name) : null));
    }

    /// <summary>
    /// Whether the test is known, how many sessions there are, and the part of them, in one statement and so of one moment. Rows are looked up for the part alone.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Caller caller, SessionFilter filter, Paging paging)
    {
        var walk = new SessionListQuery(command, caller, filter);
        var count = paging.After is { } after ? "select " + command.Add(after.TotalCount) : walk.Count;
        command.CommandText =
            $"""
            with part as materialized (
              {walk.Part(paging.After, paging.Offset, paging.Limit + 1)}
            ), counted as (
              select {walk.IsKnown} as known, ({count})::bigint as sessions
            )
            select c.known, c.sessions, d.id, d.status, d.listed_at, d.audience_id, d.start_time, d.{DocumentTable.Modified}
            from counted c
            left join part p on true
            left join {SessionResultTable.Name} d on d.tenant_id = {walk.Account} and d.id = p.id
            order by p.moment {walk.Direction}, p.id {walk.Direction}
            """;
    }
}
