using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>
/// The work on the totals of tests. In one transaction it takes sessions from the queue of recounts and replaces the counted part of each
/// by that of its document, so neither order nor repetition matters. One node at a time does this, by a lock that ends with the
/// transaction. Accounts take turns. A session that cannot be counted is set aside, and the others of its batch are counted.
/// </summary>
internal sealed class TestTotals(
    [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, DocumentRefresh refresh, ILogger<TestTotals> logger)
{
    /// <summary>The name under which sessions are set aside.</summary>
    public const string WorkerName = "test-totals";

    private const int SessionsPerTransaction = 1_000;
    // What these hold is in memory at once.
    private const int SessionsAtOnce = 500;
    private const string LockName = "results.test_totals";

    // Where the next batch goes on among the accounts. The node's only updater writes it, under the lock of no other.
    private string _lastAccount = "";

    /// <summary>
    /// Counts all sessions again, in one transaction. Until it ends readers see the old totals, and changes stay queued. It waits while
    /// another node counts, and other nodes wait for it.
    /// </summary>
    /// <returns>The number of sessions, and of those among them that are set aside.</returns>
    public async Task<(long Sessions, long SetAside)> RebuildAsync(CancellationToken cancellation)
    {
        await using var connection = await locks.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await AdvisoryLock.WaitInTransactionAsync(connection, LockName, cancellation);
        await TestTotalsStore.ClearAsync(connection, cancellation);

        var (last, sessions, setAside) = (new StreamKey("", Guid.Empty), 0L, 0L);
        while (await NextAsync(connection, last, cancellation) is { Count: > 0 } some)
        {
            setAside += await CountOrSetAsideAsync(transaction, some, catchesUp: false, cancellation);
            (last, sessions) = (some[^1], sessions + some.Count);
        }

        await transaction.CommitAsync(cancellation);
        return (sessions, setAside);
    }

    /// <summary>Empties the queue of recounts, unless another node does, and returns the number of sessions it looked at.</summary>
    public async Task<int> UpdateAsync(CancellationToken cancellation)
    {
        var sessions = 0;
        while (true)
        {
            var began = Stopwatch.GetTimestamp();
            if (await UpdateSomeAsync(cancellation) is not (> 0 and var some))
                return sessions;

            sessions += some;
            await Rest.AfterAsync(began, cancellation);
        }
    }

    /// <summary>Counts the sessions that a rebuild queued, batch by batch, once its documents are live. Readers see each batch.</summary>
    public async Task RecountAsync(CancellationToken cancellation)
    {
        while (await RecountSomeAsync(cancellation) > 0)
        {
            // The queue of what is written takes turns with it, because no node gets the lock in between.
            await UpdateSomeAsync(cancellation);
        }
    }

    /// <summary>Counts sessions that a node of the version before counted last, unless another node does.</summary>
    public async Task RecountOfVersionBeforeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await using var connection = await locks.OpenConnectionAsync(cancellation);
            if (await CountedSessionStore.OfVersionBeforeAsync(connection, limit: 1, cancellation) is [])
                return;

            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            if (!await AdvisoryLock.TryInTransactionAsync(connection, LockName, cancellation))
                return;

            var some = await CountedSessionStore.OfVersionBeforeAsync(connection, SessionsPerTransaction, cancellation);
            await CountOrSetAsideAsync(transaction, some, catchesUp: true, cancellation);
            await transaction.CommitAsync(cancellation);
        }
    }

    /// <summary>Counts a session now; throws when it cannot be counted. It waits while another node counts.</summary>
    public async Task RetryAsync(StreamKey session, CancellationToken cancellation)
    {
        await using var connection = await locks.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await AdvisoryLock.WaitInTransactionAsync(connection, LockName, cancellation);
        await CountAsync(connection, [session], catchesUp: true, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>
    /// Finds sessions that are counted for something other than <paramref name="sessions"/> says, or that wait for a recount.
    /// Events written after the call began may change either.
    /// </summary>
    public static async Task<IReadOnlyList<StreamKey>> DifferingAsync(
        NpgsqlConnection connection, IReadOnlyDictionary<StreamKey, CountedSession?> sessions, CancellationToken cancellation)
    {
        // The queue is read first: the recount of a session that left the queue before this read is then seen in its counted part.
        var waiting = await RecountQueue.Written.FindAsync(connection, sessions.Keys, cancellation);
        var counted = await CountedSessionStore.CountedAsync(connection, sessions.Keys, cancellation);
        return sessions
            .Where(session => waiting.Contains(session.Key)
                || !CountedSession.Same(counted.GetValueOrDefault(session.Key), session.Value))
            .Select(session => session.Key).ToList();
    }

    private async Task<int> UpdateSomeAsync(CancellationToken cancellation)
    {
        await using var connection = await locks.OpenConnectionAsync(cancellation);
        if (!await RecountQueue.Written.IsAnyAsync(connection, cancellation))
            return 0;

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (!await AdvisoryLock.TryInTransactionAsync(connection, LockName, cancellation))
            return 0;

        // Groups the statements into one trace.
        using var span = Instruments.Spans.StartActivity("update totals");
        var changed = await RecountQueue.Written.DequeueAsync(connection, _lastAccount, SessionsPerTransaction, cancellation);
        if (changed.Count == 0 && _lastAccount.Length > 0)
            changed = await RecountQueue.Written.DequeueAsync(connection, after: "", SessionsPerTransaction, cancellation);
        if (changed.Count == 0)
            return 0;

        await CountOrSetAsideAsync(transaction, changed, catchesUp: true, cancellation);
        await transaction.CommitAsync(cancellation);
        var accounts = changed.Select(session => session.Account).Distinct(StringComparer.Ordinal).ToList();
        _lastAccount = accounts.Count < RecountQueue.MaxAccounts ? "" : accounts.Max(StringComparer.Ordinal)!;
        return changed.Count;
    }

    private async Task<int> RecountSomeAsync(CancellationToken cancellation)
    {
        await using var connection = await locks.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await AdvisoryLock.WaitInTransactionAsync(connection, LockName, cancellation);
        var some = await RecountQueue.Rebuilt.DequeueAsync(connection, after: "", SessionsPerTransaction, cancellation);
        await CountOrSetAsideAsync(transaction, some, catchesUp: false, cancellation);
        await transaction.CommitAsync(cancellation);
        return some.Count;
    }

    /// <summary>Counts sessions, and sets those aside that cannot be counted.</summary>
    /// <returns>The number of sessions set aside.</returns>
    private async Task<int> CountOrSetAsideAsync(
        NpgsqlTransaction transaction, IReadOnlyList<StreamKey> sessions, bool catchesUp, CancellationToken cancellation)
    {
        const string Savepoint = "uncounted";
        var (connection, setAside) = (transaction.Connection!, 0);
        foreach (var chunk in sessions.Chunk(SessionsAtOnce))
            await TakenApart.RunAsync(
                chunk,
                async some =>
                {
                    await transaction.SaveAsync(Savepoint, cancellation);
                    try
                    {
                        await CountAsync(connection, some, catchesUp, cancellation);
                        await transaction.ReleaseAsync(Savepoint, cancellation);
                    }
                    catch (Exception e) when (TakenApart.IsItemsOwn(e))
                    {
                        await transaction.RollbackAsync(Savepoint, cancellation);
                        throw;
                    }
                },
                async (session, failure) =>
                {
                    setAside++;
                    await SetAside.AddAsync(connection, logger, WorkerName, session, failure, cancellation);
                });
        return setAside;
    }

    /// <summary>Replaces the counted part of each session by that of its document.</summary>
    private async Task CountAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> changed, bool catchesUp, CancellationToken cancellation)
    {
        if (catchesUp)
        {
            // Documents first catch up with what nodes of another version appended, and complete ones with events that wait: they count.
            var stale = await StreamLog.StaleAsync(connection, SessionResultTable.Documents, changed, cancellation);
            stale.AddRange((await CountedSessionStore.LaggingAsync(connection, changed, cancellation)).Except(stale));
            await refresh.RefreshAsync(SessionResultTable.Documents, stale, cancellation);
        }

        // These reads come after the dequeue, so they see every change that queued a session.
        var before = await CountedSessionStore.CountedAsync(connection, changed, cancellation);
        var now = await CountedSessionStore.CurrentAsync(connection, changed, cancellation);
        var moved = changed
            .Where(session => before.GetValueOrDefault(session) is { IsOfVersionBefore: true }
                || !CountedSession.Same(before.GetValueOrDefault(session), now.GetValueOrDefault(session)))
            .ToList();
        var touched = TouchedTotals.Of(moved.SelectMany(session => Parts(before, session).Concat(Parts(now, session))));
        var totals = moved.Count == 0 ? [] : await TestTotalsStore.TotalsAsync(connection, touched, cancellation);
        // First what comes, then what goes: a sum that is 0 in between would lose what is to be added to its stored labels.
        foreach (var session in moved)
        {
            if (now.TryGetValue(session, out var current))
                totals[current.TestOf(session)] = totals[current.TestOf(session)].With(current.Part);
        }

        foreach (var session in moved)
        {
            if (before.TryGetValue(session, out var old))
                totals[old.TestOf(session)] = totals[old.TestOf(session)].Without(old.Part);
        }

        await using var batch = new NpgsqlBatch(connection);
        if (moved.Count > 0)
        {
            TestTotalsStore.AddSave(batch, touched, totals);
            CountedSessionStore.AddSave(batch, moved.ToDictionary(session => session, now.GetValueOrDefault));
            TestTotalsStore.AddFirstSessions(batch, touched);
        }

        SetAside.AddRemove(batch, WorkerName, changed);
        await batch.ExecuteNonQueryAsync(cancellation);

        static IEnumerable<(TestKey, SessionPart)> Parts(Dictionary<StreamKey, CountedSession> sessions, StreamKey session) =>
            sessions.TryGetValue(session, out var counted) ? [(counted.TestOf(session), counted.Part)] : [];
    }

    private static Task<List<StreamKey>> NextAsync(NpgsqlConnection connection, StreamKey last, CancellationToken cancellation) =>
        // The primary key (tenant_id, id), in its order.
        new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id from {SessionResultTable.Name} d
            where (d.tenant_id, d.id) > ($1, $2) order by d.tenant_id, d.id limit $3
            """, connection).ReadKeysAsync([last.Account, last.Id, SessionsPerTransaction], cancellation);
}
