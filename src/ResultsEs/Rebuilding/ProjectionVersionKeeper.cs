using Marten;
using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>
/// Keeps the documents of this node's version complete. At the start they must exist: in Production an operator builds them, elsewhere the
/// node does. While nodes of another version may write, it folds what those wrote. That is for lists; writes and reads of one session
/// fold what they need themselves.
/// </summary>
internal sealed partial class ProjectionVersionKeeper(
    NpgsqlDataSource database, [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, DocumentRefresh refresh, TestTotals totals,
    OtherVersions others, TimeProvider time, IHostEnvironment environment, ILogger<ProjectionVersionKeeper> logger)
    : PollingService(BetweenLooks)
{
    /// <summary>The name under which it sets streams aside.</summary>
    public const string WorkerName = "catch-up";

    private const int StreamsPerFold = 200;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFolds = TimeSpan.FromMilliseconds(250);

    private static readonly DocumentTable Table = SessionResultTable.Documents;

    private bool _areOthers;
    private long _looked;

    // Sessions that were stale up to this position are folded; null before the first fold.
    private long? _folded;

    // The position up to which the next fold is complete, once it is settled.
    private EventPosition _pending;

    /// <summary>Prepares the tables and the sessions' documents, before anything uses the database.</summary>
    /// <exception cref="StartupException">The database cannot be used, or lacks something in Production; the message says so.</exception>
    public static async Task PrepareDatabaseAsync(IServiceProvider services, CancellationToken cancellation)
    {
        await DatabaseSchema.PrepareTablesAsync(services, cancellation);
        await services.GetRequiredService<ProjectionVersionKeeper>().PrepareAsync(cancellation);
        await ChangeKeeper.PrepareAsync(services.GetRequiredService<NpgsqlDataSource>(), cancellation);
    }

    protected override TimeSpan Interval => _areOthers ? BetweenFolds : BetweenLooks;

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        if (time.GetElapsedTime(_looked) >= BetweenLooks)
            await LookAsync(stoppingToken);

        // What a failed fold leaves out stays stale, and is found again.
        if (_areOthers)
            await FoldAsync(stoppingToken);
        else
            _folded = null;
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    private async Task PrepareAsync(CancellationToken cancellation)
    {
        if (!await ProjectionVersions.IsBuiltAsync(database, Table, cancellation))
            await BuildAsync(cancellation);
        // Nodes of other versions must know of this one before it writes.
        await Task.Delay(await ProjectionVersions.UntilKnownAsync(database, Table, cancellation), cancellation);
        await LookAsync(cancellation);
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var moment = time.GetTimestamp();
        _areOthers = await ProjectionVersions.SeenAsync(database, Table, cancellation);
        others.Note(moment, _areOthers);
        _looked = moment;
    }

    private async Task BuildAsync(CancellationToken cancellation)
    {
        if (environment.IsProduction())
            throw new StartupException(
                $"The sessions have no documents of version {Table.Version} of the projection yet. "
                + "Build them, while nodes of other versions serve: dotnet ResultsEs.dll rebuild session-results");

        LogBuilding(logger, Table.Version);
        await using var held = await AdvisoryLock.TryHoldAsync(locks, Rebuild.LockName, cancellation)
            ?? throw new StartupException("Another process is rebuilding documents. Start again when it is done.");
        await new Rebuild(database, totals, Table, held, parallel: 2, ProgressReport.Silent, logger).RunAsync(cancellation);
    }

    /// <summary>Folds the sessions whose documents are stale: first all of them, then those that were written since.</summary>
    private async Task FoldAsync(CancellationToken cancellation)
    {
        if (_folded is not { } folded)
        {
            _pending = await EventPosition.NowAsync(database, cancellation);
            await _pending.SettleAsync(database, cancellation);
            var last = new StreamKey("", Guid.Empty);
            while (await StreamLog.StaleAfterAsync(database, Table, last, StreamsPerFold, cancellation) is { Count: > 0 } stale)
            {
                await FoldAsync(stale, cancellation);
                last = stale[^1];
            }

            _folded = _pending.Sequence;
            return;
        }

        var isSettled = await _pending.IsSettledAsync(database, cancellation);
        foreach (var some in (await StreamLog.StaleSinceAsync(database, Table, folded, cancellation)).Chunk(StreamsPerFold))
            await FoldAsync(some, cancellation);
        if (isSettled)
            (_folded, _pending) = (_pending.Sequence, await EventPosition.NowAsync(database, cancellation));
    }

    /// <summary>Folds streams. One that cannot be folded is set aside; it stays stale, and so is found when it is appended to.</summary>
    private Task FoldAsync(IReadOnlyList<StreamKey> streams, CancellationToken cancellation) => TakenApart.RunAsync(
        streams,
        async some =>
        {
            await refresh.RefreshAsync(Table, some, cancellation);
            await SetAside.RemoveAsync(database, WorkerName, some, cancellation);
        },
        (stream, failure) => SetAside.AddAsync(database, logger, WorkerName, stream, failure, cancellation));

    [LoggerMessage(1301, LogLevel.Error, "Folding what nodes of another version wrote failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(1302, LogLevel.Information, "Building the sessions' documents of version {Version} of the projection")]
    private static partial void LogBuilding(ILogger logger, int version);
}

internal static class RebuildingSetup
{
    public static WebApplicationBuilder AddProjectionVersions(this WebApplicationBuilder builder)
    {
        builder.Services.ConfigureMarten(options => options.Storage.Add(new RebuildSchema(options.Advanced.Migrator)));
        builder.Services.AddSingleton<ProjectionVersionKeeper>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ProjectionVersionKeeper>());
        builder.Services.AddSingleton(services => new SetAsideWorker(
            ProjectionVersionKeeper.WorkerName,
            (stream, cancellation) => services.GetRequiredService<DocumentRefresh>()
                .RefreshAsync(SessionResultTable.Documents, [stream], cancellation)));
        builder.Services.AddSingleton(services => new SetAsideWorker(
            Rebuild.WorkerName,
            async (stream, cancellation) =>
            {
                // A stream folds into one of the tables, and no other finds it.
                foreach (var table in services.GetRequiredService<DocumentTables>().All)
                    await services.GetRequiredService<DocumentRefresh>().RefreshAsync(table, [stream], cancellation);
            }));
        return builder;
    }
}
