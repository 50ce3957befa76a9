using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>
/// The locks of what a worker keeps of sessions. Whoever makes or takes it holds the session's lock, so that what is erased while it is
/// made goes: the worker reads documents after it has the lock, and an erasure deletes after it has it.
/// </summary>
/// <param name="lockClass">A key of advisory locks beside those of others; the second is a hash of the session.</param>
internal sealed class SessionLocks(int lockClass)
{
    /// <summary>Takes the locks until the transaction ends, in the order of the keys: none waits in a ring.</summary>
    public Task TakeAsync(NpgsqlConnection connection, string account, Guid[] sessions, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"""
            select pg_advisory_xact_lock({lockClass}, l.key)
            from (select distinct hashtext($1 || ' ' || s.id) as key from unnest($2) s(id) order by 1 offset 0) l
            """, [account, sessions], cancellation);

    /// <summary>
    /// Finds the sessions of changed documents that are erased or removed, and takes their locks, in the transaction that erases them.
    /// Other changes come with the feed.
    /// </summary>
    public async Task<IReadOnlyList<(string Account, Guid[] Sessions)>> TakeErasedAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> changed, CancellationToken cancellation)
    {
        var erased = new List<(string Account, Guid[] Sessions)>();
        foreach (var account in changed.GroupBy(key => key.Account, key => key.Id, StringComparer.Ordinal))
        {
            // The primary keys of documents (tenant_id, id) and of what is erased (tenant_id, subject). A removed one has its stream's id.
            var sessions = await new NpgsqlCommand(
                $"""
                select distinct coalesce(d.{DocumentTable.Stream}, k.id)
                from unnest($2) k(id)
                left join {SessionResultTable.Name} d on d.tenant_id = $1 and d.id = k.id
                where exists (
                  select 1 from results.erased e where e.tenant_id = $1 and e.subject = coalesce(d.{DocumentTable.Stream}, k.id))
                """, connection).ReadAllAsync([account.Key, account.ToArray()], reader => reader.GetGuid(0), cancellation);
            if (sessions.Count == 0)
                continue;

            await TakeAsync(connection, account.Key, [.. sessions], cancellation);
            erased.Add((account.Key, [.. sessions]));
        }

        return erased;
    }
}
