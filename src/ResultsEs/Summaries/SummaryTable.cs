using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Summaries;

/// <summary>Writes to the tables of summaries.</summary>
internal static class SummaryTable
{
    public const string Tests = "results.summary_tests";
    public const string Items = "results.summary_items";
    public const string Sessions = "results.summary_sessions";
    public const string Tasks = "results.summary_tasks";
    public const string Scores = "results.summary_scores";

    /// <summary>The column of scores that may be null.</summary>
    public const string Behavioral = "behavioral";

    /// <summary>The columns of a score's values, in their order.</summary>
    public static readonly string[] ScoreColumns =
        ["score", Behavioral, "attitudinal", "usability", "trust", "appearance", "loyalty"];

    /// <summary>How far each account's summaries are.</summary>
    public static readonly FeedProgress Progress = new("results.summary_progress");

    /// <summary>The locks of sessions' rows.</summary>
    public static readonly SessionLocks Locks = new(1398101325);

    /// <summary>
    /// Takes sessions that are erased or removed out of the summaries, in the transaction that does it. Other changes come with the feed.
    /// </summary>
    public static async Task RemoveErasedAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> changed, CancellationToken cancellation)
    {
        foreach (var (account, sessions) in await Locks.TakeErasedAsync(connection, changed, cancellation))
            await ReplaceAsync(connection, account, sessions, [], cancellation);
    }

    /// <summary>
    /// Puts sessions in the place of what is stored of them. Callers hold the sessions' locks. The rows of tests are locked in the order
    /// of their keys, so that nobody else counts their items meanwhile.
    /// </summary>
    public static async Task ReplaceAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, IReadOnlyList<SummarizedSession> documents,
        CancellationToken cancellation)
    {
        var stored = await StoredRows.ReadAsync(connection, account, sessions, cancellation);
        if (stored.IsEmpty && documents.Count == 0)
            return;

        var tests = await TestKeysAsync(connection, account, stored.Tests, documents, cancellation);
        var uses = new ItemUses(tests);
        await stored.DeleteAsync(connection, uses, cancellation);
        await uses.NumberAsync(connection, documents, cancellation);
        await InsertAsync(connection, account, tests, uses, documents, cancellation);
        await uses.StoreAsync(connection, documents, cancellation);
    }

    /// <summary>Deletes the summaries of an account (null: of all).</summary>
    public static async Task DeleteAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation)
    {
        // Whoever counts in one of these tests has ended then. Tests that others add meanwhile stay, whole.
        await using var locked = new NpgsqlCommand(
            $"""
            select t.test_key from {Tests} t where $1::varchar is null or t.tenant_id = $1 order by t.test_key for update
            """, connection);
        locked.CommandTimeout = 0;
        locked.Parameters.AddAll(account);
        var keys = await locked.ReadAllAsync(reader => reader.GetInt64(0), cancellation);
        foreach (var table in new[] { Sessions, Tasks, Scores, Items, Tests })
        {
            await using var command = new NpgsqlCommand($"delete from {table} t where t.test_key = any($1)", connection);
            command.CommandTimeout = 0;
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. keys] });
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }

    /// <summary>Finds or makes the rows of tests, and locks them in the order of their keys.</summary>
    internal static async Task<TestKeys> TestKeysAsync(
        NpgsqlConnection connection, string account, long[] stored, IReadOnlyList<SummarizedSession> documents,
        CancellationToken cancellation)
    {
        var places = documents.Select(document => (document.Workspace, document.Test)).Distinct().ToList();
        object[] named = [account, places.Select(place => place.Workspace).ToArray(), places.Select(place => place.Test).ToArray()];
        if (places.Count > 0)
            await connection.ExecuteAsync(
                $"""
                insert into {Tests} (test_key, tenant_id, workspace_id, test_id, next_item, last_stored_at)
                select nextval('results.summary_test_key'), $1, k.workspace_id, k.test_id, 1, 'epoch'
                from unnest($2, $3) k(workspace_id, test_id)
                where not exists (
                  select 1 from {Tests} t where t.tenant_id = $1 and t.workspace_id = k.workspace_id and t.test_id = k.test_id)
                on conflict do nothing
                """, named, cancellation);
        var rows = await new NpgsqlCommand(
            $"""
            select t.test_key, t.workspace_id, t.test_id, t.next_item from {Tests} t
            where t.test_key = any($4) or t.test_key in (
              select n.test_key from unnest($2, $3) k(workspace_id, test_id)
              join {Tests} n on n.tenant_id = $1 and n.workspace_id = k.workspace_id and n.test_id = k.test_id)
            order by t.test_key for update of t
            """, connection).ReadAllAsync(
            [.. named, stored],
            reader => (Key: reader.GetInt64(0), Place: (reader.GetGuid(1), reader.GetGuid(2)), Next: reader.GetInt32(3)), cancellation);
        return new TestKeys(rows.ToDictionary(row => row.Place, row => row.Key), rows.ToDictionary(row => row.Key, row => row.Next));
    }

    private static async Task InsertAsync(
        NpgsqlConnection connection, string account, TestKeys tests, ItemUses uses, IReadOnlyList<SummarizedSession> documents,
        CancellationToken cancellation)
    {
        if (documents.Count == 0)
            return;

        var keys = documents.Select(tests.Of).ToArray();
        var tasks = documents.SelectMany((document, at) => document.Tasks.Select(task => (Key: keys[at], Document: document, Task: task)))
            .ToList();
        var scores = documents
            .SelectMany((document, at) => document.Scores.Select(score => (Key: keys[at], Document: document, Score: score)))
            .ToList();
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(
            $"""
            insert into {Sessions} (test_key, tenant_id, start_time, document_id, session_id, status, traits, tasks, labels)
            select v.test_key, $1, v.start_time, v.document_id, v.session_id, v.status,
              v.traits::integer[], v.tasks::integer[], v.labels::integer[]
            from unnest($2, $3, $4, $5, $6, $7, $8, $9)
              v(test_key, start_time, document_id, session_id, status, traits, tasks, labels)
            """,
            [
                account,
                keys,
                documents.Select(document => document.Start.UtcDateTime).ToArray(),
                documents.Select(document => document.Key).ToArray(),
                documents.Select(document => document.Session).ToArray(),
                documents.Select(document => (short)document.Status).ToArray(),
                documents.Select((document, at) => uses.Numbers(keys[at], document.Traits.Select(trait => new CountedItem(trait))))
                    .ToArray(),
                documents.Select((document, at) => uses.Numbers(keys[at], document.Tasks.Select(task => task.Items[0]))).ToArray(),
                documents.Select((document, at) => uses.Numbers(keys[at], document.Scores.Select(score => new CountedItem(score.Label))))
                    .ToArray(),
            ]);
        if (tasks.Count > 0)
            batch.Add(
                $"""
                insert into {Tasks} (test_key, task_id, start_time, document_id, duration_ms, items, words)
                select v.test_key, v.task_id, v.start_time, v.document_id, v.duration_ms, v.items::integer[], v.words
                from unnest($1, $2, $3, $4, $5, $6, $7) v(test_key, task_id, start_time, document_id, duration_ms, items, words)
                """,
                [
                    tasks.Select(row => row.Key).ToArray(),
                    tasks.Select(row => row.Task.Id).ToArray(),
                    tasks.Select(row => row.Document.Start.UtcDateTime).ToArray(),
                    tasks.Select(row => row.Document.Key).ToArray(),
                    tasks.Select(row => row.Task.DurationMs).ToArray(),
                    tasks.Select(row => uses.Numbers(row.Key, row.Task.Items)).ToArray(),
                    tasks.Select(row => row.Task.Words).ToArray(),
                ]);
        if (scores.Count > 0)
            batch.Add(
                $"""
                insert into {Scores} (
                  test_key, group_id, start_time, document_id, label, {string.Join(", ", ScoreColumns)}, behavioral_values)
                select v.test_key, v.group_id, v.start_time, v.document_id, v.label,
                  {string.Join(", ", ScoreColumns.Select(column => "v." + column))}, v.behavioral_values::integer[]
                from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                  v(test_key, group_id, start_time, document_id, label, {string.Join(", ", ScoreColumns)}, behavioral_values)
                """,
                [
                    scores.Select(row => row.Key).ToArray(),
                    scores.Select(row => row.Score.Group).ToArray(),
                    scores.Select(row => row.Document.Start.UtcDateTime).ToArray(),
                    scores.Select(row => row.Document.Key).ToArray(),
                    scores.Select(row => uses.Number(row.Key, row.Score.Label)).ToArray(),
                    .. Enumerable.Range(0, ScoreColumns.Length).Select(column => scores.Select(row => row.Score.Values[column]).ToArray()),
                    scores.Select(row => $"{{{string.Join(',', row.Score.Behavioral)}}}").ToArray(),
                ]);
        await batch.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>The numbers of tests, by workspace and test, and the number of each one's next item.</summary>
internal sealed record TestKeys(IReadOnlyDictionary<(Guid Workspace, Guid Test), long> ByPlace, Dictionary<long, int> NextItems)
{
    public long Of(SummarizedSession session) => ByPlace[(session.Workspace, session.Test)];
}
