using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>
/// The queue of recounts: sessions whose part of their test's totals may have changed.
/// A session is queued in the transaction that changes it, so no change is missed. Order and repetition do not matter.
/// </summary>
internal sealed class RecountQueue
{
    /// <summary>Sessions that events have changed.</summary>
    public static readonly RecountQueue Written = new("results.test_changes");

    /// <summary>Sessions whose part changes when a rebuild's documents go live.</summary>
    public static readonly RecountQueue Rebuilt = new("results.test_changes_rebuilt");

    private readonly string _table;

    private RecountQueue(string table) => _table = table;

    /// <summary>A statement for Marten's unit of work: queues sessions of an account.</summary>
    public string EnqueueSql => $"insert into {_table} (tenant_id, session_id) select ?, unnest(?::uuid[])";

    /// <summary>Queues sessions, in the transaction of <paramref name="connection"/>.</summary>
    public async Task EnqueueAsync(NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation)
    {
        if (sessions.Count == 0)
            return;

        await using var command = new NpgsqlCommand(
            $"insert into {_table} (tenant_id, session_id) select * from unnest($1, $2)", connection);
        command.Parameters.AddKeys(sessions);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public async Task<bool> IsAnyAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select exists (select 1 from {_table})", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Finds which of the sessions are queued.</summary>
    public async Task<HashSet<StreamKey>> FindAsync(
        NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // No index: the table holds only what is waiting, and inserts cost least without one.
        await using var command = new NpgsqlCommand(
            $"""
            select distinct c.tenant_id, c.session_id from {_table} c
            where (c.tenant_id, c.session_id) in (select * from unnest($1, $2))
            """, connection);
        command.Parameters.AddKeys(sessions);
        return [.. await command.ReadKeysAsync(cancellation)];
    }

    /// <summary>Takes up to <paramref name="limit"/> rows and returns each session once. The caller holds the totals' lock.</summary>
    public async Task<IReadOnlyList<StreamKey>> DequeueAsync(NpgsqlConnection connection, int limit, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"""
            delete from {_table} c
            where c.ctid = any(array(select w.ctid from {_table} w limit $1))
            returning c.tenant_id, c.session_id
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return [.. (await command.ReadKeysAsync(cancellation)).Distinct()];
    }

    public async Task ClearAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"delete from {_table}", connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
