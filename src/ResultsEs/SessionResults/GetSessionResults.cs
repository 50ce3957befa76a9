using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authorization;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Api;
using ResultsEs.Lists;
using ResultsEs.Postgres;
using Wolverine.Http;

namespace ResultsEs.SessionResults;

/// <summary><c>GET /api/v2/sessionResults</c>: summaries of a test's sessions.</summary>
public static class GetSessionResults
{
    internal static readonly Operation Description = new(HttpMethods.Get, "/api/v2/sessionResults", "listSessionResults")
    {
        Tag = ApiDescription.Sessions,
        Summary = "Summaries of a test's sessions",
        Text = "Completed sessions, the newest first, unless `status` asks for others; sessions that run stand where they began. With `updatedSince` the list goes from the oldest change to the newest.",
        Scope = Scopes.StudiesRead,
        Query =
        [
            new("testId", "The test.", QueryParameter.Uuid) { IsRequired = true, Example = SampleAnswers.TestId.ToString() },
            .. Paging.Query,
            new("status", "Where the session stands; may be there several times. Default: `COMPLETE`.", $$"""{ "type": "array", "items": {{QueryParameter.OneOf(WireEnumConverter<SessionStatus>.AllNames)}} }"""),
            new("finishedSince", "Ended at this moment or later.", QueryParameter.Time),
            new("finishedUntil", "Ended before this moment.", QueryParameter.Time),
            new("updatedSince", "Something of the session was stored at this moment or later.", QueryParameter.Time),
            new("audienceId", "The audience the participant was recruited from.", QueryParameter.Uuid),
            new("taskType", "A task of this type was answered or skipped; `SKIPPED`: some task was skipped.", QueryParameter.OneOf(SessionFilter.TaskTypeNames)),
        ],
        Replies = [Reply.Ok<SessionResultsPage>("A part of the list.", ("thinkOutLoud", SampleAnswers.SessionList))],
        Refusals = [400, 404],
    };

    /// <summary>Sends a part of the list.</summary>
    [WolverineGet("/api/v2/sessionResults")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var filter = SessionFilter.Read(parameters);
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

/// <summary>Which sessions of a test are asked for.</summary>
internal sealed record SessionFilter
{
    public required Guid TestId { get; init; }

    /// <summary>One or more; by default the completed ones (results-api.md).</summary>
    public required IReadOnlyList<SessionStatus> Statuses { get; init; }

    /// <summary>Ended at this moment or later.</summary>
    public DateTimeOffset? FinishedSince { get; init; }

    /// <summary>Ended before this moment.</summary>
    public DateTimeOffset? FinishedUntil { get; init; }

    /// <summary>Changed at this moment or later; such a list goes from the oldest change to the newest, so that what changes meanwhile comes last.</summary>
    public DateTimeOffset? UpdatedSince { get; init; }

    public Guid? AudienceId { get; init; }

    /// <summary>A task of this type was answered or skipped; <c>SKIPPED</c>: some task was skipped.</summary>
    public string? TaskType { get; init; }

    /// <summary>The types that can be asked for.</summary>
    public static IReadOnlyCollection<string> TaskTypeNames { get; } =
        [.. TaskTypes.TaskType.All.Select(type => type.Name), TaskTypes.TaskType.Skipped, TaskTypes.TaskType.Unrecognized];

    /// <summary>Whether it tells sessions apart by anything but test and status.</summary>
    public bool IsNarrow => (FinishedSince ?? FinishedUntil ?? UpdatedSince) is not null || AudienceId is not null || TaskType is not null;

    /// <summary>Tells this list from every other.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"sessionResults {TestId} {string.Join(',', Statuses)} {FinishedSince?.UtcTicks} {FinishedUntil?.UtcTicks} {UpdatedSince?.UtcTicks} {AudienceId} {TaskType}");

    public static SessionFilter Read(RequestParameters parameters)
    {
        var statuses = parameters.Words("status", WireEnumConverter<SessionStatus>.AllNames).Select(WireEnumConverter<SessionStatus>.Value).Order().ToList();
        var filter = new SessionFilter
        {
            TestId = parameters.RequiredUuid("testId"),
            Statuses = statuses.Count > 0 ? statuses : [SessionStatus.Complete],
            FinishedSince = parameters.Time("finishedSince"),
            FinishedUntil = parameters.Time("finishedUntil"),
            UpdatedSince = parameters.Time("updatedSince"),
            AudienceId = parameters.UuidOrNull("audienceId"),
            TaskType = parameters.Word("taskType", TaskTypeNames),
        };
        if (filter.FinishedUntil < filter.FinishedSince)
            parameters.Refuse("finishedUntil", "must not be before finishedSince");
        return filter;
    }
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
            last = new Position((filter.UpdatedSince is null ? listed : updated).UtcTicks, reader.GetGuid(2), default, totalCount);
        }

        return new SessionResultsPage(filter.TestId, sessions, ListMeta.Of(paging, totalCount, isMore ? last!.Value.Write(filter.Name) : null));
    }

    /// <summary>
    /// Whether the test is known, how many sessions there are, and the part of them, in one statement and so of one moment. Both
    /// indexes of <see cref="SessionResultColumns"/> are walked from the first item to the last of the part and no further, once
    /// for each workspace (and status), and hold all that is asked there; rows are looked up for the part alone.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Caller caller, SessionFilter filter, Paging paging)
    {
        var account = Add(command, Tenant.Of(caller.Account));
        var workspaces = Add(command, caller.Workspaces);
        var test = Add(command, filter.TestId);
        var statuses = Add(command, filter.Statuses.Select(status => status.ToString()).ToArray());
        var byChange = filter.UpdatedSince is not null;
        var (key, direction, behind) = byChange ? ("mt_last_modified", "asc", ">") : ("listed_at", "desc", "<");

        var conditions = new StringBuilder();
        if ((filter.FinishedSince ?? filter.FinishedUntil) is not null)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.status <> '{nameof(SessionStatus.InProgress)}'");
        if (filter.FinishedSince is { } since)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.listed_at >= {Add(command, since)}");
        if (filter.FinishedUntil is { } until)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.listed_at < {Add(command, until)}");
        if (filter.UpdatedSince is { } updated)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.mt_last_modified >= {Add(command, updated)}");
        if (filter.AudienceId is { } audience)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.audience_id = {Add(command, audience)}");
        if (filter.TaskType is { } type)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.task_types like {Add(command, $"%|{type}|%")}");

        // By change the index tells sessions apart by status only after the moment, so it is walked once for all of them.
        var walks = byChange
            ? $"unnest({workspaces}::uuid[]) w(id)"
            : $"unnest({workspaces}::uuid[]) w(id) cross join unnest({statuses}::varchar[]) s(status)";
        // Documents written before there was a listed_at have none until they are rebuilt.
        var walk =
            $"""
            from {SessionResultTable.Name} d
            where d.tenant_id = {account} and d.workspace_id = w.id and d.test_id = {test} and d.status = {(byChange ? $"any({statuses})" : "s.status")}
              and d.listed_at is not null{conditions}
            """;
        var count = paging.After is { } after
            ? "select " + Add(command, after.TotalCount)
            : filter.IsNarrow
            ? $"select count(*) from {walks} cross join lateral (select d.id {walk}) d"
            : TestTotals.SessionCounts.Sql(account, workspaces, test, statuses);
        var seek = paging.After is { } position
            ? $" and (d.{key}, d.id) {behind} ({Add(command, new DateTimeOffset(position.Key, TimeSpan.Zero))}, {Add(command, position.Id)})"
            : "";
        var take = Add(command, paging.Offset + paging.Limit + 1);

        command.CommandText =
            $"""
            with part as materialized (
              select p.id, p.moment
              from {walks}
              cross join lateral (select d.id, d.{key} as moment {walk}{seek} order by d.{key} {direction}, d.id {direction} limit {take}) p
              order by p.moment {direction}, p.id {direction}
              offset {Add(command, paging.Offset)} limit {Add(command, paging.Limit + 1)}
            ), counted as (
              select
                exists (
                  select 1 from unnest({workspaces}::uuid[]) w(id)
                  cross join lateral ({KnownTest.Sql(account, "w.id", test)}) one
                ) as known,
                ({count})::bigint as sessions
            )
            select c.known, c.sessions, d.id, d.status, d.listed_at, d.audience_id, d.start_time, d.mt_last_modified
            from counted c
            left join part p on true
            left join {SessionResultTable.Name} d on d.tenant_id = {account} and d.id = p.id
            order by p.moment {direction}, p.id {direction}
            """;
    }

    private static string Add<T>(NpgsqlCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return string.Create(CultureInfo.InvariantCulture, $"${command.Parameters.Count}");
    }
}
