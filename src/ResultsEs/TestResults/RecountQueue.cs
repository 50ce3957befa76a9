using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>
/// The queue of recounts: sessions whose part of their test's totals may have changed.
/// A session is queued in the transaction that changes it, so no change is missed. Order and repetition do not matter.
/// </summary>
internal sealed class RecountQueue(string table)
{
    /// <summary>The number of accounts that share a batch.</summary>
    public const int MaxAccounts = 100;

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
        // The table holds only what is waiting.
        var found = await new NpgsqlCommand(
            $"""
            select distinct c.tenant_id, c.session_id from {table} c
            where (c.tenant_id, c.session_id) in (select * from unnest($1, $2))
            """, connection).ReadKeysAsync(sessions.ToParameters(), cancellation);
        return [.. found];
    }

    /// <summary>
    /// Takes up to <paramref name="limit"/> rows and returns each session once. The caller holds the totals' lock. The first
    /// <see cref="MaxAccounts"/> accounts after <paramref name="after"/> get equal shares, so none waits for another's flood.
    /// </summary>
    public async Task<IReadOnlyList<StreamKey>> DequeueAsync(
        NpgsqlConnection connection, string after, int limit, CancellationToken cancellation)
    {
        // The index on tenant_id finds the next account, and the first rows of each, which are the oldest.
        var taken = await new NpgsqlCommand(
            $"""
            with recursive accounts(tenant_id, n) as (
              (select c.tenant_id, 1 from {table} c where c.tenant_id > $1 order by c.tenant_id limit 1)
              union all
              select (select c.tenant_id from {table} c where c.tenant_id > a.tenant_id order by c.tenant_id limit 1), a.n + 1
              from accounts a where a.tenant_id is not null and a.n < {MaxAccounts}
            ), shares as materialized (
              select a.tenant_id, greatest(1, $2 / count(*) over ()) as share from accounts a where a.tenant_id is not null
            )
            delete from {table} c
            where c.ctid = any(array(
              select w.ctid from shares s
              cross join lateral (select q.ctid from {table} q where q.tenant_id = s.tenant_id limit s.share) w))
            returning c.tenant_id, c.session_id
            """, connection).ReadKeysAsync([after, limit], cancellation);
        return [.. taken.Distinct()];
    }

    /// <summary>Takes a session's rows, so that it waits no longer.</summary>
    public Task DequeueAsync(NpgsqlConnection connection, StreamKey session, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"delete from {table} c where c.tenant_id = $1 and c.session_id = $2", [session.Account, session.Id], cancellation);

    public Task ClearAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        connection.ExecuteAsync($"delete from {table}", [], cancellation);
}
