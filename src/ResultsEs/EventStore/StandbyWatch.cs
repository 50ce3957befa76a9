namespace ResultsEs.EventStore;

/// <summary>
/// Measures the lag of standbys, on nodes that read from them. A standby is as old as the newest remembered position of the primary that
/// it has replayed. Works for an idle primary (its last position is replayed, lag 0) and for a disconnected standby (its position stops,
/// lag grows). Owns the pool to the primary.
/// </summary>
internal sealed partial class StandbyWatch(
    ReadDatabase database, DocumentTables documents, NpgsqlDataSource primary, TimeProvider time, ILogger<StandbyWatch> logger)
    : PollingService(BetweenLooks)
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    // At the first look, a standby of an active primary may be just short of the only remembered position.
    private const int LooksUntilLogged = 2;

    // Reads no row, but takes the tables' locks: it fails where reads would fail, and waits where they would wait (behind the replay of a
    // rebuild's switch, which waits for a statement that still uses the documents).
    private readonly string _tablesSql =
        $"""
        select 1 from results.mt_streams, results.mt_events, {string.Join(", ", documents.All.Select(table => table.QualifiedName))},
          results.test_changes, results.test_sessions, results.test_totals, results.test_group_totals, results.test_group_labels,
          results.test_nps_totals, {SetAside.Table}
        where false
        """;

    private readonly PrimaryPositions _positions = new(time);
    private readonly Dictionary<Standby, int> _unfit = database.Standbys.ToDictionary(standby => standby, _ => 0);

    public override void Dispose()
    {
        primary.Dispose();
        base.Dispose();
    }

    protected override TimeSpan Interval => BetweenLooks;

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        Exception? unknown = null;
        var moment = time.GetTimestamp();
        try
        {
            var look = await Standby.PatientlyAsync(
                async patience =>
                {
                    var completeTo = await ChangeClock.CompleteToAsync(primary, patience);
                    return new PrimaryLook(moment, completeTo, await LogPosition.ReadPrimaryAsync(primary, patience));
                },
                stoppingToken);
            _positions.Add(look);
        }
        catch (Exception e)
        {
            // The remembered positions age, until reads turn to the primary.
            unknown = e;
        }

        // All are asked at once. The answers are handled in turn, because they share the remembered positions.
        var looks = database.Standbys.Select(standby => (standby, Look: AskAsync(standby, stoppingToken))).ToList();
        foreach (var (standby, look) in looks)
        {
            var seen = await look;
            // A look that was cancelled says nothing.
            if (!stoppingToken.IsCancellationRequested)
                Note(standby, seen, unknown);
        }
    }

    private void Note(Standby standby, Look look, Exception? unknown)
    {
        var state = (look.Failure as PostgresException)?.SqlState;
        if (state is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.InsufficientPrivilege)
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
        else if (_positions.ShownBy(look.Position) is { } shown)
        {
            standby.MarkShown(shown);
        }
        else
        {
            standby.MarkUnfit("has not shown yet how far behind it is");
        }

        _unfit[standby] = standby.IsFit ? 0 : _unfit[standby] + 1;
        if (_unfit[standby] >= LooksUntilLogged)
            standby.LogTrouble(look.Failure ?? unknown);
    }

    private async Task<Look> AskAsync(Standby standby, CancellationToken cancellation)
    {
        try
        {
            return await Standby.PatientlyAsync(
                async patience =>
                {
                    await using var tables = standby.Server.Looks.CreateCommand(_tablesSql);
                    await tables.ExecuteNonQueryAsync(patience);
                    return new Look((await LogPosition.ReadAsync(standby.Server.Looks, patience)).Position, Failure: null);
                },
                cancellation);
        }
        catch (Exception e)
        {
            return new Look(default, e);
        }
    }

    [LoggerMessage(1601, LogLevel.Error, "Looking at the standbys failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private readonly record struct Look(LogPosition Position, Exception? Failure);
}
