using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>
/// The queue of recounts: sessions whose part of their test's totals may have changed.
/// A session is queued in the transaction that changes it, so no change is missed. Order and repetition do not matter.
/// </summary>
internal sealed class RecountQueue(string table)
{
    /// <summary>Sessions that events have changed.</summary>
    public static readonly RecountQueue Written = new("results.test_changes");

    /// <summary>Sessions whose part changes when a rebuild's documents go live.</summary>
    public static readonly RecountQueue Rebuilt = new("results.test_changes_rebuilt");

    /// <summary>A statement for Marten's unit of work: queues sessions of an account.</summary>
    public string EnqueueSql => $"insert into {table} (tenant_id, session_id) select ?, unnest(?::uuid[])";

    /// <summary>Queues sessions, in the transaction of <paramref name="connection"/>.</summary>
    public Task EnqueueAsync(NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation) =>
        sessions.Count == 0 ? Task.CompletedTask : connection.ExecuteAsync(
            $"insert into {table} (tenant_id, session_id) select * from unnest($1, $2)", sessions.ToParameters(), cancellation);

    public Task<bool> IsAnyAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        new NpgsqlCommand($"select exists (select 1 from {table})", connection).ReadValueAsync<bool>([], cancellation);

    public async Task<HashSet<StreamKey>> FindAsync(
        NpgsqlConnection connection, IEnumerable<StreamKey> sessions, CancellationToken cancellation)
    {
        // No index: the table holds only what is waiting, and inserts cost least without one.
        var found = await new NpgsqlCommand(
            $"""
            select distinct c.tenant_id, c.session_id from {table} c
            where (c.tenant_id, c.session_id) in (select * from unnest($1, $2))
            """, connection).ReadKeysAsync(sessions.ToParameters(), cancellation);
        return [.. found];
    }

    /// <summary>Takes up to <paramref name="limit"/> rows and returns each session once. The caller holds the totals' lock.</summary>
    public async Task<IReadOnlyList<StreamKey>> DequeueAsync(NpgsqlConnection connection, int limit, CancellationToken cancellation)
    {
        var taken = await new NpgsqlCommand(
            $"""
            delete from {table} c
            where c.ctid = any(array(select w.ctid from {table} w limit $1))
            returning c.tenant_id, c.session_id
            """, connection).ReadKeysAsync([limit], cancellation);
        return [.. taken.Distinct()];
    }

    public Task ClearAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        connection.ExecuteAsync($"delete from {table}", [], cancellation);
}
