using System.Diagnostics;
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
internal sealed partial class ProjectionVersionKeeper(NpgsqlDataSource database, IHostEnvironment environment, ILogger<ProjectionVersionKeeper> logger)
    : PollingService(BetweenLooks)
{
    private const int StreamsPerFold = 200;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenFolds = TimeSpan.FromMilliseconds(250);

    private static readonly DocumentTable Table = SessionResultTable.Documents;

    private Follower _follower = new(database);
    private bool _areOthers;
    private long? _looked;

    /// <summary>Makes sure of the documents.</summary>
    /// <exception cref="StartupException">Production, and they have to be built; the message names the command.</exception>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        if (await ProjectionVersions.IsBuiltAsync(database, Table, cancellation))
            return;

        if (environment.IsProduction())
            throw new StartupException($"The sessions have no documents of version {Table.Version} of the projection yet. Build them, while nodes of other versions serve: dotnet ResultsEs.dll rebuild session-results");

        await BuildAsync(cancellation);
    }

    /// <inheritdoc/>
    protected override TimeSpan Interval => _areOthers ? BetweenFolds : BetweenLooks;

    /// <inheritdoc/>
    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        if (_looked is not { } looked || Stopwatch.GetElapsedTime(looked) >= BetweenLooks)
        {
            _areOthers = await ProjectionVersions.SeenAsync(database, Table, stoppingToken);
            _looked = Stopwatch.GetTimestamp();
        }

        // Where folding fails, what was not folded stays stale, and so is found again.
        if (_areOthers)
            await _follower.FollowAsync(stoppingToken);
        else
            _follower = new Follower(database);
    }

    /// <inheritdoc/>
    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    private async Task BuildAsync(CancellationToken cancellation)
    {
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
    private sealed class Follower(NpgsqlDataSource database)
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
            foreach (var some in (await WrittenAsync(settled, cancellation)).Chunk(StreamsPerFold))
                await Refolding.RefoldAsync(database, Table, some, cancellation);
            if (isSettled)
                (_settled, _pending) = (_pending.Sequence, await EventPosition.NowAsync(database, cancellation));
        }

        private async Task FoldAllAsync(CancellationToken cancellation)
        {
            var last = new StreamKey("", Guid.Empty);
            while (true)
            {
                // The primary keys (tenant_id, id), in their order.
                await using var command = database.CreateCommand(
                    $"""
                    select s.tenant_id, s.id
                    from results.mt_streams s
                    left join {SessionResultTable.Name} d on d.tenant_id = s.tenant_id and d.id = s.id
                    where (s.tenant_id, s.id) > ($1, $2) and s.type = '{Table.StreamType}' and {DocumentTable.IsStale}
                    order by s.tenant_id, s.id
                    limit {StreamsPerFold}
                    """);
                command.CommandTimeout = 0;
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = last.Account });
                command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = last.Id });
                var behind = await command.ReadKeysAsync(cancellation);
                if (behind.Count == 0)
                    return;

                await Refolding.RefoldAsync(database, Table, behind, cancellation);
                last = behind[^1];
            }
        }

        private async Task<IReadOnlyList<StreamKey>> WrittenAsync(long after, CancellationToken cancellation)
        {
            // The primary key of events (seq_id), then those of streams and documents (tenant_id, id).
            await using var command = database.CreateCommand(
                $"""
                select distinct s.tenant_id, s.id
                from results.mt_events e
                join results.mt_streams s on s.tenant_id = e.tenant_id and s.id = e.stream_id
                left join {SessionResultTable.Name} d on d.tenant_id = s.tenant_id and d.id = s.id
                where e.seq_id > $1 and s.type = '{Table.StreamType}' and {DocumentTable.IsStale}
                """);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
            return await command.ReadKeysAsync(cancellation);
        }
    }
}

/// <summary>Rebuilding's services.</summary>
internal static class RebuildingSetup
{
    /// <summary>Adds what keeps the documents of this version complete.</summary>
    public static WebApplicationBuilder AddProjectionVersions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ProjectionVersionKeeper>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ProjectionVersionKeeper>());
        return builder;
    }
}
