using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>
/// A rebuild of a projection's documents while they are served. The fold of all streams, in key order, fills a shadow table, which is
/// then indexed. Catch-up folds what was written meanwhile. The switch, one transaction for which writers wait some milliseconds, folds
/// the last of it and renames the tables. The old documents are served until then, and another process can resume.
/// A stream that cannot be folded is set aside: it keeps the document that it has, if it has one.
/// </summary>
internal sealed class Rebuild(
    NpgsqlDataSource database, TestTotals totals, DocumentTable table, AdvisoryLock held, int parallel, ProgressReport report,
    ILogger logger)
{
    /// <summary>The name under which it sets streams aside.</summary>
    public const string WorkerName = "rebuild";

    /// <summary>The name of the advisory lock that a database's only rebuild holds.</summary>
    public const string LockName = "results.rebuild";

    /// <summary>The connections of the general pool that a part takes while it is folded.</summary>
    public const int ConnectionsPerPart = 2;

    private const int StreamsPerPart = 1_000;
    private const int EventsPerPart = 20_000;
    private const int EventsPerRound = 50_000;
    private const int StreamsPerFold = 200;
    private const int StreamsInSwitch = 500;

    // While the switch waits for a lock, writers wait behind it.
    private const string LockTimeout = "2s";

    private static readonly Backoff BetweenSwitches = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(30));

    // Streams that this process has set aside. The switch does not try them again.
    private readonly ConcurrentDictionary<StreamKey, byte> _setAside = new();

    private NpgsqlConnection Connection => held.Connection;

    private bool IsOfSessions => table.StreamType == SessionResultTable.StreamType;

    /// <summary>Runs or resumes the rebuild. Returns how long the switch kept writers waiting; null when it was made before.</summary>
    public async Task<TimeSpan?> RunAsync(CancellationToken cancellation)
    {
        var state = await BeginAsync(cancellation);
        TimeSpan? switched = null;
        if (!state.IsSwitched)
        {
            await ScanAsync(state, cancellation);
            report.Phase("indexing");
            await ShadowTable.IndexAsync(Connection, table, cancellation);
            report.Phase("catching up with writers");
            switched = await SwitchAsync(await CatchUpAsync(state, cancellation), cancellation);
        }

        await ShadowTable.DropAsync(Connection, table, cancellation);
        if (IsOfSessions)
        {
            report.Phase("counting the totals of tests");
            await totals.RecountAsync(cancellation);
        }

        await RebuildState.DeleteAsync(Connection, table, cancellation);
        return switched;
    }

    /// <summary>Reads which streams of this table rebuilds have set aside.</summary>
    public static async Task<IReadOnlyList<SetAsideItem>> SetAsideAsync(
        NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation)
    {
        var items = await SetAside.ListAsync(database, WorkerName, cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var ours = await DocumentRefresh.AppendedAsync(
            connection, table, [.. items.Select(item => item.Stream)], isLocked: false, cancellation);
        return [.. items.Where(item => ours.ContainsKey(item.Stream))];
    }

    /// <summary>Abandons an interrupted rebuild, and drops what it has built. False when there was none.</summary>
    public static async Task<bool> AbandonAsync(DocumentTable table, AdvisoryLock held, CancellationToken cancellation)
    {
        var state = await RebuildState.ReadAsync(held.Connection, table, cancellation);
        await RebuildState.DeleteAsync(held.Connection, table, cancellation);
        await ShadowTable.DropAsync(held.Connection, table, cancellation);
        if (table.StreamType == SessionResultTable.StreamType)
            await RecountQueue.Rebuilt.ClearAsync(held.Connection, cancellation);
        return state is not null;
    }

    private async Task<RebuildState> BeginAsync(CancellationToken cancellation)
    {
        if (await RebuildState.ReadAsync(Connection, table, cancellation) is { } state)
        {
            var isOurs = state.Build == RebuildState.ThisBuild && state.Version == table.Version;
            if (state.IsSwitched || (isOurs && await ShadowTable.ExistsAsync(Connection, table, cancellation)))
            {
                report.Line($"Going on with the rebuild that began {state.Began:yyyy-MM-ddTHH:mm:ssZ}.");
                return state;
            }

            report.Line($"Another program began a rebuild {state.Began:yyyy-MM-ddTHH:mm:ssZ} and did not end it; beginning anew.");
        }

        await AbandonAsync(table, held, cancellation);
        var before = await SetAsideAsync(database, table, cancellation);
        await SetAside.RemoveAsync(database, WorkerName, [.. before.Select(item => item.Stream)], cancellation);
        var position = await EventPosition.NowAsync(database, cancellation);
        await ShadowTable.CreateAsync(Connection, table, cancellation);
        // Once the position is settled, every read holds all events up to it.
        await position.SettleAsync(database, cancellation);
        await RebuildState.BeginAsync(Connection, table, position.Sequence, cancellation);
        return (await RebuildState.ReadAsync(Connection, table, cancellation))!;
    }

    private async Task ScanAsync(RebuildState state, CancellationToken cancellation)
    {
        var parts = await state.PartsAsync(Connection, cancellation);
        var events = parts.Sum(part => part.Events);
        report.Phase("folding", events);
        await Parallel.ForEachAsync(
            RemainingAsync(parts, cancellation),
            new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellation },
            (keys, stop) => new ValueTask(TakenApart.RunAsync(
                [.. keys],
                async some =>
                {
                    var part = await FoldAsync(state, some.ToDictionary(), stop);
                    report.Done(Interlocked.Add(ref events, part.Events), state.Events, "events");
                },
                (stream, failure) => SetAsideAsync(stream.Key, failure, state, stop))));
    }

    /// <summary>Reads the parts that are still to be folded: runs of keys between folded parts, without streams of other types.</summary>
    private async IAsyncEnumerable<IReadOnlyDictionary<StreamKey, DateTime>> RemainingAsync(
        IReadOnlyList<RebuildPart> done, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var after = new StreamKey("", Guid.Empty);
        foreach (var part in done.Append(default))
        {
            while (await StreamLog.BetweenAsync(database, table, after, part.First, StreamsPerPart, EventsPerPart, cancellation)
                is { Count: > 0 } keys)
            {
                after = keys[^1].Key;
                yield return keys.ToDictionary(stream => stream.Key, stream => stream.Appended);
            }

            after = part.Last;
        }
    }

    /// <summary>
    /// Folds and records a part in one transaction, with <see cref="ConnectionsPerPart"/> connections: one reads and another writes, one
    /// document at a time.
    /// </summary>
    private async Task<RebuildPart> FoldAsync(
        RebuildState state, IReadOnlyDictionary<StreamKey, DateTime> keys, CancellationToken cancellation)
    {
        await using var reading = await database.OpenConnectionAsync(cancellation);
        await using var writing = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await writing.BeginTransactionAsync(cancellation);
        var part = new RebuildPart(keys.Keys.First(), keys.Keys.Last(), 0, 0);
        var sessions = new Dictionary<StreamKey, CountedSession?>();
        var copySql = $"copy results.{ShadowTable.NameFor(table)} ({table.AllColumns}) from stdin (format binary)";
        await using (var copy = await writing.BeginBinaryImportAsync(copySql, cancellation))
        {
            await foreach (var stream in StoredStreams.ReadRangeAsync(reading, table, part.First, part.Last, keys, cancellation))
            {
                var row = table.Fold(stream);
                foreach (var (key, one) in row.WithOthers(stream.Key))
                {
                    await table.WriteAsync(copy, key, stream.Version, stream.Appended, one, cancellation);
                    if (one.Document is SessionResult session)
                        sessions.Add(key, CountedSession.Of(session));
                }

                part = part with { Streams = part.Streams + 1, Events = part.Events + stream.Version };
            }

            await copy.CompleteAsync(cancellation);
        }

        await state.AddAsync(writing, part, cancellation);
        if (IsOfSessions)
        {
            var differing = await TestTotals.DifferingAsync(writing, sessions, cancellation);
            await RecountQueue.Rebuilt.EnqueueAsync(writing, differing, cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return part;
    }

    /// <summary>Folds what was written since the rebuild's position, until little is left.</summary>
    private async Task<RebuildState> CatchUpAsync(RebuildState state, CancellationToken cancellation)
    {
        while (true)
        {
            var position = await EventPosition.NowAsync(database, cancellation);
            await position.SettleAsync(database, cancellation);
            var folded = 0;
            while (state.Position < position.Sequence)
            {
                var end = Math.Min(state.Position + EventsPerRound, position.Sequence);
                var written = await StreamLog.AppendedBetweenAsync(Connection, state.Position, end, cancellation);
                foreach (var some in written.Chunk(StreamsPerFold))
                    await TakenApart.RunAsync(
                        some,
                        part => StoreAsync(part, cancellation),
                        (stream, failure) => SetAsideAsync(stream, failure, state: null, cancellation));
                state = await state.WithAsync(Connection, end, isSwitched: false, cancellation);
                folded += written.Count;
            }

            if (folded <= StreamsInSwitch)
                return state;
        }
    }

    private async Task<TimeSpan> SwitchAsync(RebuildState state, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var watch = Stopwatch.StartNew();
                await using var transaction = await Connection.BeginTransactionAsync(cancellation);
                // Writers lock their streams first: the lock waits for those that have begun, and the others wait for it.
                await Connection.ExecuteAsync($"set local lock_timeout = '{LockTimeout}'; {StoredStreams.LockAll}", [], cancellation);
                var last = await StreamLog.AppendedBetweenAsync(Connection, state.Position, long.MaxValue, cancellation);
                // Erasures change events that are stored, and no position.
                last.AddRange((await Erased.SinceAsync(Connection, state.Began, cancellation)).Except(last));
                await StoreAsync([.. last.Where(stream => !_setAside.ContainsKey(stream))], cancellation);
                foreach (var stream in last.Where(_setAside.ContainsKey))
                    await ShadowTable.KeepAsync(Connection, table, stream, isIndexed: true, cancellation);
                await ShadowTable.ForgetRemovedAsync(Connection, table, state.Began, cancellation);
                await ShadowTable.SwitchAsync(Connection, table, cancellation);
                await ProjectionVersions.BuiltAsync(Connection, table, cancellation);
                await state.WithAsync(Connection, state.Position, isSwitched: true, cancellation);
                await transaction.CommitAsync(cancellation);
                return watch.Elapsed;
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                report.Phase("waiting for a long transaction to end before the switch");
            }
            catch (Exception e) when (TakenApart.IsItemsOwn(e))
            {
                // What was written last cannot all be folded. Catching up takes it apart.
            }

            await Task.Delay(BetweenSwitches.After(attempt), cancellation);
            state = await CatchUpAsync(state, cancellation);
        }
    }

    /// <summary>
    /// Sets a stream aside, with the document that it has. That document is complete: writers fold each event onto it, for which they read
    /// no event of before. The state is that of a scan; a catch-up has none.
    /// </summary>
    private async Task SetAsideAsync(StreamKey stream, Exception failure, RebuildState? state, CancellationToken cancellation)
    {
        await using var writing = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await writing.BeginTransactionAsync(cancellation);
        await ShadowTable.KeepAsync(writing, table, stream, isIndexed: state is null, cancellation);
        if (state is not null)
            await state.AddAsync(writing, new RebuildPart(stream, stream, Streams: 1, Events: 0), cancellation);
        await SetAside.AddAsync(writing, logger, WorkerName, stream, failure, cancellation);
        await transaction.CommitAsync(cancellation);
        _setAside.TryAdd(stream, 0);
    }

    private async Task StoreAsync(IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation)
    {
        if (IsOfSessions)
            await RecountQueue.Rebuilt.EnqueueAsync(Connection, streams, cancellation);
        // No lock: an event that is appended during the read lies above the position, so its stream is folded again.
        var appended = await DocumentRefresh.AppendedAsync(Connection, table, streams, isLocked: false, cancellation);
        var changed = await DocumentRefresh.StoreAsync(Connection, table, ShadowTable.NameFor(table), appended, cancellation);
        if (IsOfSessions)
            await RecountQueue.Rebuilt.EnqueueAsync(Connection, [.. changed.Except(streams)], cancellation);
    }
}
