using Marten;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Rebuilding;

/// <summary>
/// Keeps the documents of this node's version complete. At the start they have to be there: Production says how to build them, and elsewhere they are built. While nodes of
/// another version may write, which store documents of their own, what those wrote is folded: reads of one session and writes see to that themselves, so
/// this is for lists.
/// </summary>
internal sealed partial class ProjectionVersionKeeper(
    NpgsqlDataSource database,
    DocumentRefresh refresh,
    OtherVersions others,
    TimeProvider time,
    IHostEnvironment environment,
    ILogger<ProjectionVersionKeeper> logger)
    : PollingService(BetweenLooks)
{
    private const int StreamsPerFold = 200;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFolds = TimeSpan.FromMilliseconds(250);

    private static readonly DocumentTable Table = SessionResultTable.Documents;

    private Follower _follower = new(database, refresh);
    private bool _areOthers;
    private long _looked;

    /// <summary>Makes sure of the tables and of the sessions' documents; call it before anything asks the database.</summary>
    /// <exception cref="StartupException">The database cannot be used; or Production, and something is not as it must be: the message names it and the command.</exception>
    public static async Task PrepareDatabaseAsync(IServiceProvider services, CancellationToken cancellation)
    {
        await DatabaseSchema.PrepareTablesAsync(services, cancellation);
        await services.GetRequiredService<ProjectionVersionKeeper>().PrepareAsync(cancellation);
    }

    /// <summary>Makes sure of the documents.</summary>
    /// <exception cref="StartupException">Production, and they have to be built; the message names the command.</exception>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        if (!await ProjectionVersions.IsBuiltAsync(database, Table, cancellation))
            await BuildAsync(cancellation);
        // Nodes of other versions have to know of this one before it writes.
        await Task.Delay(await ProjectionVersions.UntilKnownAsync(database, Table, cancellation), cancellation);
        await LookAsync(cancellation);
    }

    /// <inheritdoc/>
    protected override TimeSpan Interval => _areOthers ? BetweenFolds : BetweenLooks;

    /// <inheritdoc/>
    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        if (time.GetElapsedTime(_looked) >= BetweenLooks)
            await LookAsync(stoppingToken);

        // Where folding fails, what was not folded stays stale, and so is found again.
        if (_areOthers)
            await _follower.FollowAsync(stoppingToken);
        else
            _follower = new Follower(database, refresh);
    }

    /// <inheritdoc/>
    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

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
        {
            throw new StartupException(
                $"The sessions have no documents of version {Table.Version} of the projection yet. "
                + "Build them, while nodes of other versions serve: dotnet ResultsEs.dll rebuild session-results");
        }

        LogBuilding(logger, Table.Version);
        await using var held = await AdvisoryLock.TryHoldAsync(database, Rebuild.LockName, cancellation)
            ?? throw new StartupException("Another process is rebuilding documents. Start again when it is done.");
        await new Rebuild(database, Table, held, parallel: 2, ProgressReport.Silent).RunAsync(cancellation);
    }

    [LoggerMessage(1301, LogLevel.Error, "Folding what nodes of another version wrote failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(1302, LogLevel.Information, "Building the sessions' documents of version {Version} of the projection")]
    private static partial void LogBuilding(ILogger logger, int version);

    /// <summary>Folds the sessions whose documents are stale: all of them at first, then those that were written since.</summary>
    private sealed class Follower(NpgsqlDataSource database, DocumentRefresh refresh)
    {
        private long? _settled;
        private EventPosition _pending;

        public async Task FollowAsync(CancellationToken cancellation)
        {
            if (_settled is not { } settled)
            {
                _pending = await EventPosition.NowAsync(database, cancellation);
                await _pending.SettleAsync(database, cancellation);
                await FoldAllAsync(cancellation);
                _settled = _pending.Sequence;
                return;
            }

            var isSettled = await _pending.IsSettledAsync(database, cancellation);
            foreach (var some in (await StreamLog.StaleSinceAsync(database, Table, settled, cancellation)).Chunk(StreamsPerFold))
                await refresh.RefreshAsync(Table, some, cancellation);
            if (isSettled)
                (_settled, _pending) = (_pending.Sequence, await EventPosition.NowAsync(database, cancellation));
        }

        private async Task FoldAllAsync(CancellationToken cancellation)
        {
            var last = new StreamKey("", Guid.Empty);
            while (true)
            {
                var behind = await StreamLog.StaleAfterAsync(database, Table, last, StreamsPerFold, cancellation);
                if (behind.Count == 0)
                    return;

                await refresh.RefreshAsync(Table, behind, cancellation);
                last = behind[^1];
            }
        }
    }
}

/// <summary>Rebuilding's services.</summary>
internal static class RebuildingSetup
{
    /// <summary>Adds what keeps the documents of this version complete.</summary>
    public static WebApplicationBuilder AddProjectionVersions(this WebApplicationBuilder builder)
    {
        builder.Services.ConfigureMarten(options => options.Storage.Add(new RebuildSchema(options.Advanced.Migrator)));
        builder.Services.AddSingleton<ProjectionVersionKeeper>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ProjectionVersionKeeper>());
        return builder;
    }
}
