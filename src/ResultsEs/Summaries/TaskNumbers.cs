using ResultsEs.EventStore;

namespace ResultsEs.Summaries;

/// <summary>An item with the rows of the filtered sessions that have it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Data">What it holds.</param>
/// <param name="There">How often it was there: answered, chosen, ranked.</param>
/// <param name="NotThere">How often it was not: skipped, not chosen.</param>
/// <param name="OfKind">How often any of its kind was there, those that are not listed among them.</param>
internal sealed record ItemNumbers(SummaryItemKind Kind, SummaryItemData Data, long There, long NotThere, long OfKind);

/// <summary>What is counted over the answers to a task. Each is one statement over an index that holds all it needs.</summary>
internal static class TaskNumbers
{
    // ux_summary_items_digest (test_key, part_id): at most ItemUses.MaxItems of a task.
    internal static readonly string HeadsSql =
        $"""
        select i.data, i.uses from {SummaryTable.Items} i
        where i.test_key = any($1) and i.part_id = $2 and i.kind = {(short)SummaryItemKind.Task}
        """;

    /// <summary>Reads what participants read of a task, each with the sessions that did, whatever the filters are.</summary>
    public static Task<List<(SummaryItemData Read, long Sessions)>> HeadsAsync(
        NpgsqlConnection connection, long[] tests, Guid task, CancellationToken cancellation) =>
        new NpgsqlCommand(HeadsSql, connection).ReadAllAsync(
            [tests, task], reader => (TestNumbers.Data(reader, 0), reader.GetInt64(1)), cancellation);

    /// <summary>Counts sessions.</summary>
    public static async Task<long> SessionsAsync(
        NpgsqlConnection connection, SummaryCondition condition, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        // ux_summary_sessions.
        command.CommandText = $"select count(*) from {SummaryTable.Sessions} s where {condition.OfSessions(command, "s")}";
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Counts the items of a task's rows: the most frequent of each kind, in the order in which they came first.</summary>
    public static async Task<IReadOnlyList<ItemNumbers>> ItemsAsync(
        NpgsqlConnection connection, SummaryCondition condition, Guid task, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        BuildItems(command, condition, task);
        return await command.ReadAllAsync(
            reader => new ItemNumbers(
                (SummaryItemKind)reader.GetInt16(0), TestNumbers.Data(reader, 1), reader.GetInt64(2), reader.GetInt64(3),
                reader.GetInt64(4)),
            cancellation);
    }

    /// <summary>Measures how long the answers took; null when there is none.</summary>
    public static async Task<TaskDurations?> DurationsAsync(
        NpgsqlConnection connection, SummaryCondition condition, Guid task, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        BuildDurations(command, condition, task);
        var rows = await command.ReadAllAsync(
            reader => reader.GetInt64(0) == 0 || reader.GetFieldValue<long[]>(3) is not [var p25, var median, var p75, var p95]
                ? null
                : new TaskDurations(
                    reader.GetInt64(0), reader.GetInt64(1), p25, median, p75, p95, reader.GetInt64(2),
                    Whole(Math.Round(reader.GetDecimal(4), 2, MidpointRounding.AwayFromZero))),
            cancellation);
        return rows[0];
    }

    /// <summary>A number without zeros at its end.</summary>
    private static decimal Whole(decimal number) => number / 1.0000000000000000000000000000m;

    internal static void BuildItems(NpgsqlCommand command, SummaryCondition condition, Guid task)
    {
        var ofTask = command.Add(task);
        // ux_summary_tasks, then ux_summary_items_digest (test_key, part_id), at most ItemUses.MaxItems of a task. Equal answers are
        // counted before they are taken apart: that is half the work, and never much more.
        command.CommandText =
            $"""
            with counted as materialized (
              select u.test_key, u.item, sum(u.n) as n
              from (
                select a.test_key, unnest(a.items) as item, a.n
                from (
                  select t.test_key, t.items, count(*) as n
                  from {SummaryTable.Tasks} t where t.task_id = {ofTask} and {condition.OfSessionsRows(command, "t")}
                  group by t.test_key, t.items
                ) a
              ) u
              group by u.test_key, u.item
            ), merged as (
              select i.kind, i.data, min(i.item) as first,
                coalesce(sum(c.n) filter (where c.item > 0), 0)::bigint as there,
                coalesce(sum(c.n) filter (where c.item < 0), 0)::bigint as not_there
              from counted c
              join {SummaryTable.Items} i on i.test_key = c.test_key and i.item = abs(c.item)
              where i.test_key = any({command.Add(condition.Tests)}) and i.part_id = {ofTask}
              group by i.kind, i.digest, i.data
            ), placed as (
              select m.*, row_number() over (partition by m.kind order by m.there desc, m.first) as place,
                (sum(m.there) over (partition by m.kind))::bigint as of_kind
              from merged m
            )
            select p.kind, p.data, p.there, p.not_there, p.of_kind
            from placed p
            where p.place <= case p.kind
              when {(short)SummaryItemKind.Path} then {GetTaskSummary.MaxPaths}
              when {(short)SummaryItemKind.Task} then {ItemUses.MaxItems + GetTaskSummary.MaxListed}
              else {GetTaskSummary.MaxListed} end
            order by p.kind, p.first
            """;
    }

    internal static void BuildDurations(NpgsqlCommand command, SummaryCondition condition, Guid task) =>
        // ux_summary_tasks.
        command.CommandText =
            $"""
            select count(*), min(t.duration_ms), max(t.duration_ms),
              percentile_disc(array[0.25, 0.5, 0.75, 0.95]) within group (order by t.duration_ms), round(avg(t.duration_ms), 10)
            from {SummaryTable.Tasks} t
            where t.task_id = {command.Add(task)} and t.duration_ms is not null and {condition.OfSessionsRows(command, "t")}
            """;
}
