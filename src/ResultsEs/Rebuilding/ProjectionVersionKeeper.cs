using Marten;
using Npgsql;
using ResultsEs.Commands;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>
/// Keeps the documents of this node's version complete. At the start they have to be there: Production says how to build them, and elsewhere they are built. While nodes of
/// another version may write, which store documents of their own, what those wrote is folded: reads of one session and writes see to that themselves, so
/// this is for lists.
/// </summary>
internal sealed partial class ProjectionVersionKeeper(NpgsqlDataSource database, DocumentRefresh refresh, OtherVersions others, TimeProvider time, IHostEnvironment environment, ILogger<ProjectionVersionKeeper> logger) : BackgroundService
{
    private const int StreamsPerFold = 200;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFolds = TimeSpan.FromMilliseconds(250);

    private static readonly DocumentTable Table = SessionResultTable.Documents;

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

    private async Task<bool> LookAsync(CancellationToken cancellation)
    {
        var moment = time.GetTimestamp();
        var areOthers = await ProjectionVersions.SeenAsync(database, Table, cancellation);
        others.Note(moment, areOthers);
        return areOthers;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var follower = new Follower(database, refresh);
        var nextLook = TimeSpan.Zero;
        var areOthers = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (nextLook <= TimeSpan.Zero)
                {
                    areOthers = await LookAsync(stoppingToken);
                    nextLook = BetweenLooks;
                }

                if (areOthers)
                    await follower.FollowAsync(stoppingToken);
                else
                    follower = new Follower(database, refresh);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // What was not folded stays stale, and so is found again.
                LogFailed(logger, e);
            }

            var pause = areOthers ? BetweenFolds : BetweenLooks;
            nextLook -= pause;
            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
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
        await using var held = await RebuildLock.TryTakeAsync(database, cancellation)
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
