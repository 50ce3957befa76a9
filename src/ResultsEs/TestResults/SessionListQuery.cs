using System.Globalization;
using System.Text;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>
/// A test's sessions that a filter lets pass, in the order in which they are listed, as parts of a statement whose parameters it adds. Both indexes of
/// <see cref="SessionResultTable"/> are walked from the first item of a part to its last and no further, once for each workspace (and status), and hold all that is asked there.
/// </summary>
internal sealed class SessionListQuery
{
    private readonly NpgsqlCommand _command;
    private readonly SessionFilter _filter;
    private readonly string _workspaces;
    private readonly string _test;
    private readonly string _statuses;
    private readonly string _walks;
    private readonly string _walk;

    public SessionListQuery(NpgsqlCommand command, Caller caller, SessionFilter filter)
    {
        (_command, _filter) = (command, filter);
        Account = command.Add(Tenant.Of(caller.Account));
        _workspaces = command.Add(caller.Workspaces);
        _test = command.Add(filter.TestId);
        _statuses = command.Add(filter.Statuses.Select(status => status.ToString()).ToArray());

        var conditions = new StringBuilder();
        if ((filter.FinishedSince ?? filter.FinishedUntil) is not null)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.status <> '{nameof(SessionStatus.InProgress)}'");
        if (filter.FinishedSince is { } since)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.listed_at >= {command.Add(since)}");
        if (filter.FinishedUntil is { } until)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.listed_at < {command.Add(until)}");
        if (filter.UpdatedSince is { } updated)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.{DocumentTable.Modified} >= {command.Add(updated)}");
        if (filter.AudienceId is { } audience)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.audience_id = {command.Add(audience)}");
        if (filter.TaskType is { } type)
            conditions.Append(CultureInfo.InvariantCulture, $" and d.task_types like {command.Add($"%|{type}|%")}");

        // By change the index tells sessions apart by status only after the moment, so it is walked once for all of them.
        _walks = filter.IsByChange
            ? $"unnest({_workspaces}::uuid[]) w(id)"
            : $"unnest({_workspaces}::uuid[]) w(id) cross join unnest({_statuses}::varchar[]) s(status)";
        // Documents written before there was a listed_at have none until they are rebuilt.
        _walk =
            $"""
            from {SessionResultTable.Name} d
            where d.tenant_id = {Account} and d.workspace_id = w.id and d.test_id = {_test} and d.status = {(filter.IsByChange ? $"any({_statuses})" : "s.status")}
              and d.listed_at is not null{conditions}
            """;
    }

    /// <summary>The placeholder of the tenant.</summary>
    public string Account { get; }

    /// <summary>The direction of the order, which is that of a moment and, of the same moment, of ids.</summary>
    public string Direction => _filter.IsByChange ? "asc" : "desc";

    /// <summary>A condition: whether the caller has any session of the test.</summary>
    public string IsKnown =>
        $"""
        exists (
          select 1 from unnest({_workspaces}::uuid[]) w(id)
          cross join lateral ({TestExists.Sql(Account, "w.id", _test)}) one
        )
        """;

    /// <summary>A query of one number: how many sessions there are.</summary>
    public string Count => _filter.IsNarrow
        ? $"select count(*) from {_walks} cross join lateral (select d.id {_walk}) d"
        : SessionCounts.Sql(Account, _workspaces, _test, _statuses);

    /// <summary>A query of the ids of a part and of the moments by which they are in order, in that order.</summary>
    /// <param name="after">The item before the part; null at the begin.</param>
    /// <param name="offset">How many items to leave out.</param>
    /// <param name="limit">How many items at most.</param>
    public string Part(Position? after, int offset, int limit)
    {
        var (key, behind) = _filter.IsByChange ? (DocumentTable.Modified, ">") : ("listed_at", "<");
        var seek = after is { } position
            ? $" and (d.{key}, d.id) {behind} ({_command.Add(new DateTimeOffset(position.Key, TimeSpan.Zero))}, {_command.Add(position.Id)})"
            : "";
        return
            $"""
            select p.id, p.moment
            from {_walks}
            cross join lateral (select d.id, d.{key} as moment {_walk}{seek} order by d.{key} {Direction}, d.id {Direction} limit {_command.Add(offset + limit)}) p
            order by p.moment {Direction}, p.id {Direction}
            offset {_command.Add(offset)} limit {_command.Add(limit)}
            """;
    }
}

/// <summary>Parameters of statements that are put together.</summary>
internal static class Parameters
{
    /// <summary>Adds a parameter.</summary>
    /// <returns>Its placeholder.</returns>
    public static string Add<T>(this NpgsqlCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return string.Create(CultureInfo.InvariantCulture, $"${command.Parameters.Count}");
    }
}
