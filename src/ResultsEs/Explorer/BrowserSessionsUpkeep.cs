using ResultsEs.EventStore;

namespace ResultsEs.Explorer;

/// <summary>Deletes browser sessions that are over, every ten minutes, on one node at a time.</summary>
internal sealed partial class BrowserSessionsUpkeep(
    [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, BrowserSessions sessions, ILogger<BrowserSessionsUpkeep> logger)
    : PollingService(TimeSpan.FromMinutes(10))
{
    private const string LockName = "results.explorer.sessions";

    protected override TimeSpan Interval { get; } = TimeSpan.FromMinutes(10);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, stoppingToken);
        if (held is not null)
            await sessions.SweepAsync(held.Connection, stoppingToken);
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(4803, LogLevel.Error, "Browser sessions that are over could not be deleted; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
