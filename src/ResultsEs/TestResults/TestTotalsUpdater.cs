using JasperFx.Events.Projections;
using Marten;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>
/// A background service that keeps the totals of tests. In one transaction it takes sessions from the queue of recounts
/// and replaces the counted part of each by that of its document, so neither order nor repetition matters.
/// One node at a time does this, by a lock that ends with the transaction.
/// </summary>
internal sealed partial class TestTotalsUpdater(NpgsqlDataSource database, DocumentRefresh refresh, ILogger<TestTotalsUpdater> logger)
    : PollingService(LongestPause)
{
    private const int SessionsPerTransaction = 1_000;
    private const string LockName = "results.test_totals";

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // The most that totals lag behind in normal operation.
    protected override TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Counts all sessions again, in one transaction, and returns their number. Until it ends readers see the old totals, and
    /// changes stay queued. It waits while another node counts, and other nodes wait for it.
    /// </summary>
    public static async Task<long> RebuildAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await AdvisoryLock.WaitInTransactionAsync(connection, LockName, cancellation);
        await TestTotalsStore.ClearAsync(connection, cancellation);

        var (last, sessions) = (new StreamKey("", Guid.Empty), 0L);
        while (await NextAsync(connection, last, cancellation) is { Count: > 0 } some)
        {
            await CountAsync(connection, some, cancellation);
            (last, sessions) = (some[^1], sessions + some.Count);
        }

        await transaction.CommitAsync(cancellation);
        return sessions;
    }

    /// <summary>Empties the queue of recounts, unless another node does, and returns the number of sessions it looked at.</summary>
    public static async Task<int> UpdateAsync(NpgsqlDataSource database, DocumentRefresh refresh, CancellationToken cancellation)
    {
        var sessions = 0;
        while (await UpdateSomeAsync(database, refresh, cancellation) is > 0 and var some)
            sessions += some;
        return sessions;
    }

    /// <summary>Counts the sessions that a rebuild queued, batch by batch, once its documents are live. Readers see each batch.</summary>
    public static async Task RecountAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        while (true)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            await AdvisoryLock.WaitInTransactionAsync(connection, LockName, cancellation);
            var some = await RecountQueue.Rebuilt.DequeueAsync(connection, SessionsPerTransaction, cancellation);
            if (some.Count == 0)
                return;

            await CountAsync(connection, some, cancellation);
            await transaction.CommitAsync(cancellation);
        }
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
        var counted = await TestTotalsStore.CountedAsync(connection, sessions.Keys, cancellation);
        return sessions
            .Where(session => waiting.Contains(session.Key)
                || !CountedSession.Same(counted.GetValueOrDefault(session.Key), session.Value))
            .Select(session => session.Key).ToList();
    }

    protected override Task PollAsync(CancellationToken stoppingToken) => UpdateAsync(database, refresh, stoppingToken);

    // No session is lost: each stays queued until it is counted.
    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    private static async Task<int> UpdateSomeAsync(NpgsqlDataSource database, DocumentRefresh refresh, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        if (!await RecountQueue.Written.IsAnyAsync(connection, cancellation))
            return 0;

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (!await AdvisoryLock.TryInTransactionAsync(connection, LockName, cancellation))
            return 0;

        // Groups the statements into one trace.
        using var span = Instruments.Spans.StartActivity("update totals");
        var changed = await RecountQueue.Written.DequeueAsync(connection, SessionsPerTransaction, cancellation);
        if (changed.Count == 0)
            return 0;

        // Documents first catch up with what nodes of another version appended, and complete ones with events that wait: they count.
        var stale = await StreamLog.StaleAsync(connection, SessionResultTable.Documents, changed, cancellation);
        stale.AddRange((await TestTotalsStore.LaggingAsync(connection, changed, cancellation)).Except(stale));
        await refresh.RefreshAsync(SessionResultTable.Documents, stale, cancellation);
        await CountAsync(connection, changed, cancellation);
        await transaction.CommitAsync(cancellation);
        return changed.Count;
    }

    /// <summary>Replaces the counted part of each session by that of its document.</summary>
    private static async Task CountAsync(NpgsqlConnection connection, IReadOnlyList<StreamKey> changed, CancellationToken cancellation)
    {
        // These reads come after the dequeue, so they see every change that queued a session.
        var before = await TestTotalsStore.CountedAsync(connection, changed, cancellation);
        var now = await TestTotalsStore.CurrentAsync(connection, changed, cancellation);
        var moved = changed
            .Where(session => !CountedSession.Same(before.GetValueOrDefault(session), now.GetValueOrDefault(session)))
            .ToList();
        var tests = moved.SelectMany(session => Tests(before, session).Concat(Tests(now, session))).Distinct();
        var totals = await TestTotalsStore.TotalsAsync(connection, [.. tests], cancellation);
        foreach (var session in moved)
        {
            if (before.TryGetValue(session, out var old))
                totals[old.TestOf(session)] = totals[old.TestOf(session)].Without(old.Part);
            if (now.TryGetValue(session, out var current))
                totals[current.TestOf(session)] = totals[current.TestOf(session)].With(current.Part);
        }

        await TestTotalsStore.SaveAsync(connection, totals, moved.ToDictionary(session => session, now.GetValueOrDefault), cancellation);

        static IEnumerable<TestKey> Tests(Dictionary<StreamKey, CountedSession> sessions, StreamKey session) =>
            sessions.TryGetValue(session, out var counted) ? [counted.TestOf(session)] : [];
    }

    private static Task<List<StreamKey>> NextAsync(NpgsqlConnection connection, StreamKey last, CancellationToken cancellation) =>
        // The primary key (tenant_id, id), in its order.
        new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id from {SessionResultTable.Name} d
            where (d.tenant_id, d.id) > ($1, $2) order by d.tenant_id, d.id limit $3
            """, connection).ReadKeysAsync([last.Account, last.Id, SessionsPerTransaction], cancellation);

    [LoggerMessage(1201, LogLevel.Error, "Updating the totals of tests failed; the changed sessions stay named and are tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

internal static class TestTotalsSetup
{
    /// <summary>Adds the definitions of tests, and the tables, the queue and the updater of their totals.</summary>
    public static WebApplicationBuilder AddTestTotals(this WebApplicationBuilder builder)
    {
        builder.Services.AddDocuments(TestDefinitionTable.Documents);
        builder.Services.AddHostedService<TestTotalsUpdater>();
        builder.Services.ConfigureMarten(options =>
        {
            options.Storage.Add(new TestTotalsSchema(options.Advanced.Migrator));
            options.Projections.Add(new RecountProjection(), ProjectionLifecycle.Inline);
        });
        builder.Services.AddSingleton<DocumentsChanged>((connection, table, changed, cancellation) =>
            table == SessionResultTable.Documents
                ? RecountQueue.Written.EnqueueAsync(connection, changed, cancellation)
                : Task.CompletedTask);
        return builder;
    }
}
