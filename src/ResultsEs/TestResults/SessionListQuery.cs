using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>
/// The sessions of a test that pass a filter, in list order, as parts of a SQL statement. It adds their parameters.
/// A page walks an index of <see cref="SessionResultTable"/> from its first item to its last, once per workspace (and status).
/// Each index holds every column that is asked for, so no row is looked up.
/// </summary>
internal sealed class SessionListQuery
{
    private readonly NpgsqlCommand _command;
    private readonly SessionFilter _filter;
    private readonly string _workspaces;
    private readonly string _test;
    private readonly string _statuses;
    private readonly string _ranges;
    private readonly string _fromRange;

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

        // In the index of changes the status comes after the time, so one range holds all statuses.
        _ranges = filter.IsByChange
            ? $"unnest({_workspaces}::uuid[]) w(id)"
            : $"unnest({_workspaces}::uuid[]) w(id) cross join unnest({_statuses}::varchar[]) s(status)";
        var ofStatus = filter.IsByChange ? $"any({_statuses})" : "s.status";
        // A document written before the column existed has no listed_at until it is rebuilt.
        _fromRange =
            $"""
            from {SessionResultTable.Name} d
            where d.tenant_id = {Account} and d.workspace_id = w.id and d.test_id = {_test} and d.status = {ofStatus}
              and d.listed_at is not null{conditions}
            """;
    }

    /// <summary>The placeholder of the tenant.</summary>
    public string Account { get; }

    /// <summary>The sort direction, of the time and of the ids within one time.</summary>
    public string Direction => _filter.IsByChange ? "asc" : "desc";

    /// <summary>A condition: the caller has a session of the test.</summary>
    public string IsKnown =>
        $"""
        exists (
          select 1 from unnest({_workspaces}::uuid[]) w(id)
          cross join lateral ({TestExists.Sql(Account, "w.id", _test)}) one
        )
        """;

    /// <summary>A query of one number: the count of the sessions.</summary>
    public string Count => _filter.IsNarrow
        ? $"select count(*) from {_ranges} cross join lateral (select d.id {_fromRange}) d"
        : SessionCounts.Sql(Account, _workspaces, _test, _statuses);

    /// <summary>A query of the ids and times of a page, in list order. It skips up to a cursor (null: none), and an offset.</summary>
    public string Page(Cursor? after, int offset, int limit)
    {
        var (key, comparison) = _filter.IsByChange ? (DocumentTable.Modified, ">") : ("listed_at", "<");
        var seek = "";
        if (after is { } cursor)
        {
            var time = _command.Add(new DateTimeOffset(cursor.Key, TimeSpan.Zero));
            seek = $" and (d.{key}, d.id) {comparison} ({time}, {_command.Add(cursor.Id)})";
        }

        return
            $"""
            select p.id, p.moment
            from {_ranges}
            cross join lateral (
              select d.id, d.{key} as moment {_fromRange}{seek}
              order by d.{key} {Direction}, d.id {Direction} limit {_command.Add(offset + limit)}) p
            order by p.moment {Direction}, p.id {Direction}
            offset {_command.Add(offset)} limit {_command.Add(limit)}
            """;
    }
}
