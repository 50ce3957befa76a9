using ResultsEs.EventStore;

namespace ResultsEs.Summaries;

/// <summary>The rows that are stored of sessions, by what finds them.</summary>
internal sealed class StoredRows
{
    private readonly List<Row> _sessions;
    private readonly List<(Row Session, Guid Task)> _tasks;
    private readonly List<(Row Session, Guid Group)> _scores;

    private StoredRows(List<Row> sessions, List<(Row Session, Guid Task)> tasks, List<(Row Session, Guid Group)> scores) =>
        (_sessions, _tasks, _scores) = (sessions, tasks, scores);

    public bool IsEmpty => _sessions.Count == 0;

    /// <summary>The tests that they are in.</summary>
    public long[] Tests => [.. _sessions.Select(session => session.Test).Distinct()];

    public static async Task<StoredRows> ReadAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, CancellationToken cancellation)
    {
        // ix_summary_sessions_session, and the primary key of items (test_key, item).
        var rows = await new NpgsqlCommand(
            $"""
            select s.test_key, s.start_time, s.document_id, s.traits, p.tasks, p.groups
            from {SummaryTable.Sessions} s
            cross join lateral (
              select
                array(select i.part_id from unnest(s.tasks) t(item)
                  join {SummaryTable.Items} i on i.test_key = s.test_key and i.item = abs(t.item)) as tasks,
                array(select i.part_id from unnest(s.labels) l(item)
                  join {SummaryTable.Items} i on i.test_key = s.test_key and i.item = l.item) as groups
            ) p
            where s.tenant_id = $1 and s.session_id = any($2)
            """, connection).ReadAllAsync(
            [account, sessions],
            reader => (
                Session: new Row(
                    reader.GetInt64(0), reader.GetDateTime(1), reader.GetGuid(2), reader.GetFieldValue<int[]>(3)),
                Tasks: reader.GetFieldValue<Guid[]>(4),
                Groups: reader.GetFieldValue<Guid[]>(5)),
            cancellation);
        return new StoredRows(
            [.. rows.Select(row => row.Session)],
            [.. rows.SelectMany(row => row.Tasks.Select(task => (row.Session, task)))],
            [.. rows.SelectMany(row => row.Groups.Select(group => (row.Session, group)))]);
    }

    /// <summary>Deletes them, and counts what they used.</summary>
    public async Task DeleteAsync(NpgsqlConnection connection, ItemUses uses, CancellationToken cancellation)
    {
        if (IsEmpty)
            return;

        foreach (var session in _sessions)
            uses.Add(session.Test, session.Traits, -1);
        // By ux_summary_tasks, ux_summary_scores and ux_summary_sessions, row by row.
        await connection.ExecuteAsync("set local enable_seqscan = off", [], cancellation);
        var tasks = await new NpgsqlCommand(
            $"""
            delete from {SummaryTable.Tasks} t using unnest($1, $2, $3, $4) k(test_key, start_time, document_id, task_id)
            where t.test_key = k.test_key and t.task_id = k.task_id and t.start_time = k.start_time and t.document_id = k.document_id
            returning t.test_key, t.items
            """, connection).ReadAllAsync(
            [.. Keys(_tasks.Select(row => row.Session)), _tasks.Select(row => row.Task).ToArray()],
            reader => (Test: reader.GetInt64(0), Items: reader.GetFieldValue<int[]>(1)), cancellation);
        foreach (var (test, items) in tasks)
            uses.Add(test, items, -1);
        var scores = await new NpgsqlCommand(
            $"""
            delete from {SummaryTable.Scores} c using unnest($1, $2, $3, $4) k(test_key, start_time, document_id, group_id)
            where c.test_key = k.test_key and c.group_id = k.group_id and c.start_time = k.start_time and c.document_id = k.document_id
            returning c.test_key, c.label
            """, connection).ReadAllAsync(
            [.. Keys(_scores.Select(row => row.Session)), _scores.Select(row => row.Group).ToArray()],
            reader => (Test: reader.GetInt64(0), Label: reader.GetInt32(1)), cancellation);
        foreach (var (test, label) in scores)
            uses.Add(test, [label], -1);
        await connection.ExecuteAsync(
            $"""
            delete from {SummaryTable.Sessions} s using unnest($1, $2, $3) k(test_key, start_time, document_id)
            where s.test_key = k.test_key and s.start_time = k.start_time and s.document_id = k.document_id
            """, [.. Keys(_sessions)], cancellation);
    }

    private static object[] Keys(IEnumerable<Row> rows)
    {
        var keys = rows.ToList();
        return
        [
            keys.Select(row => row.Test).ToArray(), keys.Select(row => row.Start).ToArray(), keys.Select(row => row.Document).ToArray(),
        ];
    }

    private sealed record Row(long Test, DateTime Start, Guid Document, int[] Traits);
}
