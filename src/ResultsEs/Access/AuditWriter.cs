namespace ResultsEs.Access;

/// <summary>
/// Stores what <see cref="Audit"/> holds, twice a second, logs a part of it, and deletes what is older than it is kept. When the service
/// stops it stores the rest, after the last request has ended.
/// </summary>
internal sealed partial class AuditWriter(
    Audit audit, NpgsqlDataSource database, IOptions<AuditOptions> options, TimeProvider time, ILoggerFactory loggers) : BackgroundService
{
    private const int MaxEntriesAtOnce = 5_000;
    private const int MaxDeletedAtOnce = 10_000;

    private static readonly TimeSpan BetweenWrites = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BetweenDeletions = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxWaitAtStop = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> Entries = Instruments.Meter.CreateCounter<long>(
        "results.audit.entries", "{entry}", "Entries of the audit, by kind and outcome");

    private readonly ILogger _logger = loggers.CreateLogger("ResultsEs.Audit");

    // What was taken and could not be stored yet. The semaphore guards it: a stop may come while a statement is under way.
    private readonly List<AuditEntry> _taken = [];
    private readonly SemaphoreSlim _storing = new(1);

    private int _failures;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(MaxWaitAtStop);
        await TryAsync(() => StoreAsync(patience.Token), CancellationToken.None);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var deleted = long.MinValue;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(BetweenWrites, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
                return;

            await TryAsync(() => StoreAsync(stoppingToken), stoppingToken);
            if (deleted != long.MinValue && time.GetElapsedTime(deleted) < BetweenDeletions)
                continue;

            deleted = time.GetTimestamp();
            await TryAsync(() => DeleteOldAsync(database, options.Value.KeepDays, stoppingToken), stoppingToken);
        }
    }

    /// <summary>Deletes entries that are older than so many days, some at a time.</summary>
    internal static async Task DeleteOldAsync(NpgsqlDataSource database, int days, CancellationToken cancellation)
    {
        // By ix_audit_at.
        const string Sql =
            $"""
            with gone as (
              delete from {Audit.Table} a where a.ctid = any(array(
                select o.ctid from {Audit.Table} o where o.at < clock_timestamp() - make_interval(days => $1) limit $2))
              returning 1)
            select count(*) from gone
            """;
        var deleted = (long)MaxDeletedAtOnce;
        while (deleted == MaxDeletedAtOnce)
        {
            await using var command = database.CreateCommand(Sql);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = days });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MaxDeletedAtOnce });
            deleted = (long)(await command.ExecuteScalarAsync(cancellation))!;
        }
    }

    private async Task StoreAsync(CancellationToken cancellation)
    {
        await _storing.WaitAsync(cancellation);
        try
        {
            do
            {
                while (_taken.Count < MaxEntriesAtOnce && audit.Waiting.TryRead(out var entry))
                    _taken.Add(entry);
                if (_taken.Count > 0)
                    await Audit.CopyAsync(database, _taken, cancellation);
                Tell();
                _taken.Clear();
            }
            while (audit.Waiting.Count > 0);
        }
        finally
        {
            _storing.Release();
        }
    }

    private async Task TryAsync(Func<Task> work, CancellationToken stopping)
    {
        try
        {
            await work();
            _failures = 0;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What was taken is stored when the last request has ended.
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException or IOException)
        {
            // Once a minute of an outage.
            if (_failures++ % 120 == 0)
                LogFailed(_logger, e.Message, _taken.Count + audit.Waiting.Count);
        }
    }

    private void Tell()
    {
        foreach (var entry in _taken)
            Entries.Add(1, new("results.audit.kind", entry.KindText), new("results.outcome", entry.Outcome));
        if (audit.TakeDropped() is > 0 and var dropped)
            LogDropped(_logger, dropped, Audit.MaxWaiting);

        var told = (int)(options.Value.LogsPerSecond * BetweenWrites.TotalSeconds);
        foreach (var entry in _taken.Take(told))
            LogEntry(
                _logger, entry.KindText, entry.Action, entry.Outcome, entry.Account, entry.Client, entry.Subject, entry.Address, entry.At);
        if (_taken.Count > told && options.Value.LogsPerSecond > 0)
            LogMore(_logger, _taken.Count - told);
    }

    [LoggerMessage(
        3701, LogLevel.Information,
        "{Kind}: {Action} by {Client} of account {Account}, of {Subject}, from {Address}, at {At:O}: {Outcome}")]
    private static partial void LogEntry(
        ILogger logger, string kind, string action, string outcome, Guid? account, string? client, string? subject,
        IPAddress? address, DateTime at);

    [LoggerMessage(3702, LogLevel.Information, "{Count} more entries of the audit are in its table alone")]
    private static partial void LogMore(ILogger logger, int count);

    [LoggerMessage(3703, LogLevel.Warning, "{Count} entries are not in the audit, because {Limit} waited to be stored")]
    private static partial void LogDropped(ILogger logger, long count, int limit);

    [LoggerMessage(3704, LogLevel.Error, "The audit cannot be written, and {Count} entries wait: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, int count);
}
