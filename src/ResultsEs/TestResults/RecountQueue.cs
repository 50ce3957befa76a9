using Npgsql;
using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>
/// The queue of recounts: sessions whose part in the totals of their test may have changed. They are queued in the transaction that
/// changes them, so no change is overtaken; in no order, and
/// perhaps twice, which does no harm. A second queue keeps those that a rebuild changes until its documents are served.
/// </summary>
internal sealed class RecountQueue
{
    /// <summary>Sessions that were written.</summary>
    public static readonly RecountQueue Written = new("results.test_changes");

    /// <summary>Sessions whose part changes when the documents that a rebuild has made are served.</summary>
    public static readonly RecountQueue Rebuilt = new("results.test_changes_rebuilt");

    private readonly string _table;

    private RecountQueue(string table) => _table = table;

    /// <summary>A statement of Marten's unit of work that queues sessions of an account.</summary>
    public string EnqueueSql => $"insert into {_table} (tenant_id, session_id) select ?, unnest(?::uuid[])";

    /// <summary>Queues sessions, in the transaction of <paramref name="connection"/>.</summary>
    public async Task EnqueueAsync(NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation)
    {
        if (sessions.Count == 0)
            return;

        await using var command = new NpgsqlCommand($"insert into {_table} (tenant_id, session_id) select * from unnest($1, $2)", connection);
        command.Parameters.AddKeys(sessions);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Whether there are any.</summary>
    public async Task<bool> IsAnyAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select exists (select 1 from {_table})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Those of the sessions that are queued.</summary>
    public async Task<HashSet<StreamKey>> FindAsync(NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // No index: the table holds what is waiting and no more.
        await using var command = new NpgsqlCommand(
            $"select distinct c.tenant_id, c.session_id from {_table} c where (c.tenant_id, c.session_id) in (select * from unnest($1, $2))", connection);
        command.Parameters.AddKeys(sessions);
        return [.. await command.ReadKeysAsync(cancellation)];
    }

    /// <summary>Takes some out of the queue, each once. Its caller holds the lock of the totals, so nobody else takes any.</summary>
    public async Task<IReadOnlyList<StreamKey>> DequeueAsync(NpgsqlConnection connection, int most, CancellationToken cancellation)
    {
        // The table holds what is waiting and no more: no index, so that queueing a session costs least.
        await using var command = new NpgsqlCommand(
            $"""
            delete from {_table} c
            where c.ctid = any(array(select w.ctid from {_table} w limit $1))
            returning c.tenant_id, c.session_id
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        return [.. (await command.ReadKeysAsync(cancellation)).Distinct()];
    }

    /// <summary>Deletes all that are queued.</summary>
    public async Task ClearAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"delete from {_table}", connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
