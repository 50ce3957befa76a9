using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Npgsql;
using ResultsEs.Commands;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>
/// Builds all documents of a projection anew beside those that are served, and puts them in their place: streams are read in the order of their keys, folded
/// by the fold of the inline projection and copied into a table of their own; then indexed; then what was written meanwhile is caught up; then, in one
/// transaction that keeps writers waiting for its few milliseconds, the last of it, and the names of the tables. Whatever ends the process,
/// the documents before are served as ever, and another can go on where this ended.
/// </summary>
internal sealed class Rebuild(NpgsqlDataSource database, DocumentTable table, RebuildLock held, int parallel, ProgressReport report)
{
    private const int StreamsPerPart = 1_000;
    private const int EventsPerPart = 20_000;
    private const int EventsPerRound = 50_000;
    private const int StreamsPerFold = 200;
    private const int StreamsInSwitch = 500;

    // Writers wait behind the switch while it waits for those before it.
    private const string LockTimeout = "2s";

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private NpgsqlConnection Connection => held.Connection;

    private bool IsOfSessions => table.StreamType == SessionResultTable.StreamType;

    /// <summary>Rebuilds, or goes on with the rebuild that this program has begun.</summary>
    /// <returns>How long the switch kept writers waiting; null when it had been made before.</returns>
    public async Task<TimeSpan?> RunAsync(CancellationToken cancellation)
    {
        var state = await BeginAsync(cancellation);
        TimeSpan? switched = null;
        if (!state.IsSwitched)
        {
            await ScanAsync(state, cancellation);
            report.Phase("indexing");
            await BuildingTable.IndexAsync(Connection, table, cancellation);
            report.Phase("catching up with writers");
            (state, switched) = await SwitchAsync(await CatchUpAsync(state, cancellation), cancellation);
        }

        await BuildingTable.DropAsync(Connection, table, cancellation);
        if (IsOfSessions)
        {
            report.Phase("counting the totals of tests");
            await TestTotalsUpdater.RecountAsync(database, cancellation);
        }

        await RebuildState.DeleteAsync(Connection, table, cancellation);
        return switched;
    }

    /// <summary>Forgets a rebuild that was interrupted, with what it has built.</summary>
    /// <returns>Whether there was one.</returns>
    public static async Task<bool> AbandonAsync(DocumentTable table, RebuildLock held, CancellationToken cancellation)
    {
        var state = await RebuildState.ReadAsync(held.Connection, table, cancellation);
        await RebuildState.DeleteAsync(held.Connection, table, cancellation);
        await BuildingTable.DropAsync(held.Connection, table, cancellation);
        if (table.StreamType == SessionResultTable.StreamType)
            await TestTotalsUpdater.ForgetRebuiltAsync(held.Connection, cancellation);
        return state is not null;
    }

    private async Task<RebuildState> BeginAsync(CancellationToken cancellation)
    {
        if (await RebuildState.ReadAsync(Connection, table, cancellation) is { } state)
        {
            var isOurs = state.Build == RebuildState.ThisBuild && state.Version == table.Version;
            if (state.IsSwitched || (isOurs && await BuildingTable.ExistsAsync(Connection, table, cancellation)))
            {
                report.Line(string.Create(CultureInfo.InvariantCulture, $"Going on with the rebuild that began {state.Began:yyyy-MM-ddTHH:mm:ssZ}."));
                return state;
            }

            report.Line(string.Create(CultureInfo.InvariantCulture, $"Another program began a rebuild {state.Began:yyyy-MM-ddTHH:mm:ssZ} and did not end it; beginning anew."));
        }

        await AbandonAsync(table, held, cancellation);
        var position = await EventPosition.NowAsync(database, cancellation);
        await BuildingTable.CreateAsync(Connection, table, cancellation);
        // What is read from here on holds every event up to there.
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
            async (keys, stop) =>
            {
                var part = await FoldAsync(state, keys, stop);
                report.Done(Interlocked.Add(ref events, part.Events), state.Events, "events");
            });
    }

    /// <summary>What lies between the parts that are done, in new parts: each a run of keys, streams of other kinds left out.</summary>
    private async IAsyncEnumerable<IReadOnlyDictionary<StreamKey, DateTime>> RemainingAsync(
        IReadOnlyList<RebuildPart> done, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var after = new StreamKey("", Guid.Empty);
        foreach (var part in done.Append(default))
        {
            while (await StreamLog.BetweenAsync(database, table, after, part.First, StreamsPerPart, EventsPerPart, cancellation) is { Count: > 0 } keys)
            {
                after = keys[^1].Key;
                yield return keys.ToDictionary(stream => stream.Key, stream => stream.Appended);
            }

            after = part.Last;
        }
    }

    /// <summary>Folds a part, and notes it as done, in one transaction. One connection reads while the other writes, so that one document at a time is held.</summary>
    private async Task<RebuildPart> FoldAsync(RebuildState state, IReadOnlyDictionary<StreamKey, DateTime> keys, CancellationToken cancellation)
    {
        await using var reading = await database.OpenConnectionAsync(cancellation);
        await using var writing = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await writing.BeginTransactionAsync(cancellation);
        var part = new RebuildPart(keys.Keys.First(), keys.Keys.Last(), 0, 0);
        var sessions = new Dictionary<StreamKey, CountedSession?>();
        await using (var copy = await writing.BeginBinaryImportAsync($"copy results.{BuildingTable.NameFor(table)} ({table.AllColumns}) from stdin (format binary)", cancellation))
        {
            await foreach (var stream in StoredStreams.ReadRangeAsync(reading, table, part.First, part.Last, keys, cancellation))
            {
                var row = table.Fold(stream);
                await table.WriteAsync(copy, stream.Key, stream.Version, stream.Appended, row, cancellation);
                if (row.Document is SessionResult session)
                    sessions.Add(stream.Key, CountedSession.Of(session));
                part = part with { Streams = part.Streams + 1, Events = part.Events + stream.Version };
            }

            await copy.CompleteAsync(cancellation);
        }

        await state.AddAsync(writing, part, cancellation);
        if (IsOfSessions)
            await TestTotalsUpdater.TellRebuiltAsync(writing, await TestTotalsUpdater.DifferingAsync(writing, sessions, cancellation), cancellation);
        await transaction.CommitAsync(cancellation);
        return part;
    }

    /// <summary>Folds again what was written since the rebuild's position, until little is left.</summary>
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
                    await StoreAsync(some, cancellation);
                state = await state.WithAsync(Connection, end, isSwitched: false, cancellation);
                folded += written.Count;
            }

            if (folded <= StreamsInSwitch)
                return state;
        }
    }

    private async Task<(RebuildState State, TimeSpan Took)> SwitchAsync(RebuildState state, CancellationToken cancellation)
    {
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var watch = Stopwatch.StartNew();
                await using var transaction = await Connection.BeginTransactionAsync(cancellation);
                // Writers lock their streams before anything else: those that have are waited for, and the others wait.
                await ExecuteAsync($"set local lock_timeout = '{LockTimeout}'; {StoredStreams.LockAll}", cancellation);
                await StoreAsync(await StreamLog.AppendedBetweenAsync(Connection, state.Position, long.MaxValue, cancellation), cancellation);
                await BuildingTable.SwitchAsync(Connection, table, cancellation);
                await ProjectionVersions.BuiltAsync(Connection, table, cancellation);
                var switched = await state.WithAsync(Connection, state.Position, isSwitched: true, cancellation);
                await transaction.CommitAsync(cancellation);
                return (switched, watch.Elapsed);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                report.Phase("waiting for a long transaction to end before the switch");
            }

            await Task.Delay(pause, cancellation);
            state = await CatchUpAsync(state, cancellation);
        }
    }

    private async Task StoreAsync(IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation)
    {
        if (IsOfSessions)
            await TestTotalsUpdater.TellRebuiltAsync(Connection, streams, cancellation);
        // Not locked: what is appended while this reads comes after the position, and so again.
        var appended = await DocumentRefresh.AppendedAsync(Connection, table, streams, isLocked: false, cancellation);
        await DocumentRefresh.StoreAsync(Connection, table, BuildingTable.NameFor(table), appended, cancellation);
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, Connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
