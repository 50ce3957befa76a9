using Npgsql;
using ResultsEs.Common;

namespace ResultsEs.EventStore;

/// <summary>
/// Looks how far behind the standbys are: it remembers when the primary stood where, and what a standby shows is as old as the newest of those places that it has replayed. So
/// neither a primary where nothing happens nor a standby that is cut off is mistaken: the one's place stays and is replayed, the other's ages. On the nodes that read from standbys.
/// </summary>
/// <param name="database">What is watched.</param>
/// <param name="documents">The tables of documents, which reads ask.</param>
/// <param name="primary">The primary, over connections that no work takes.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told what no standby is to blame for.</param>
internal sealed partial class StandbyWatch(
    ReadDatabase database, DocumentTables documents, NpgsqlDataSource primary, TimeProvider time, ILogger<StandbyWatch> logger)
    : PollingService(BetweenLooks)
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    // On an active primary the first look may find a standby a moment short of the one place that is known.
    private const int LooksUntilTold = 2;

    // Reads no row, but fails as reads would, and waits where they would: as long as the replay of a rebuild's switch waits for a statement that holds the documents, others wait behind it.
    private readonly string _tablesSql =
        $"""
        select 1 from results.mt_streams, results.mt_events, {string.Join(", ", documents.All.Select(table => table.QualifiedName))},
          results.test_changes, results.test_sessions, results.test_totals
        where false
        """;

    private readonly PrimaryPositions _positions = new(time);
    private readonly Dictionary<Standby, int> _unfit = database.Standbys.ToDictionary(standby => standby, _ => 0);

    /// <inheritdoc/>
    public override void Dispose()
    {
        primary.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override TimeSpan Interval => BetweenLooks;

    /// <inheritdoc/>
    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    /// <inheritdoc/>
    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        Exception? unknown = null;
        var moment = time.GetTimestamp();
        try
        {
            _positions.Add(moment, await Standby.PatientlyAsync(patience => LogPosition.ReadPrimaryAsync(primary, patience), stoppingToken));
        }
        catch (Exception e)
        {
            // What is remembered grows old, and in the end reads turn to the primary.
            unknown = e;
        }

        // In turn what they come to: they share what is remembered.
        var looks = database.Standbys.Select(standby => (standby, Look: AskAsync(standby, stoppingToken))).ToList();
        foreach (var (standby, look) in looks)
        {
            var seen = await look;
            // One that was cut short says nothing.
            if (!stoppingToken.IsCancellationRequested)
                Note(standby, seen, unknown);
        }
    }

    private void Note(Standby standby, Look look, Exception? unknown)
    {
        if (look.Failure is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.InsufficientPrivilege })
        {
            standby.MarkUnfit("lacks a table, or the right to read it");
        }
        else if (look.Failure is not null)
        {
            standby.MarkUnfit("does not answer");
            standby.Forget();
        }
        else if (_positions.Follows(look.Position) == false)
        {
            standby.MarkUnfit("does not follow the primary");
        }
        else if (_positions.ShownBy(look.Position) is { } moment)
        {
            standby.MarkShown(moment);
        }
        else
        {
            standby.MarkUnfit("has not shown yet how far behind it is");
        }

        _unfit[standby] = standby.IsFit ? 0 : _unfit[standby] + 1;
        if (_unfit[standby] >= LooksUntilTold)
            standby.LogTrouble(look.Failure ?? unknown);
    }

    private async Task<Look> AskAsync(Standby standby, CancellationToken cancellation)
    {
        try
        {
            return new Look(await Standby.PatientlyAsync(patience => PositionAsync(standby.Server.Looks, patience), cancellation), Failure: null);
        }
        catch (Exception e)
        {
            return new Look(default, e);
        }
    }

    private async Task<LogPosition> PositionAsync(NpgsqlDataSource server, CancellationToken cancellation)
    {
        await using var tables = server.CreateCommand(_tablesSql);
        await tables.ExecuteNonQueryAsync(cancellation);
        return await LogPosition.ReadAsync(server, cancellation);
    }

    [LoggerMessage(1601, LogLevel.Error, "Looking at the standbys failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private readonly record struct Look(LogPosition Position, Exception? Failure);
}
