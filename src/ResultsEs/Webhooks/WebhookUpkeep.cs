using ResultsEs.EventStore;

namespace ResultsEs.Webhooks;

/// <summary>Deletes what is old of the log of deliveries, once an hour, on one node at a time.</summary>
internal sealed partial class WebhookUpkeep(
    [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, WebhookLog log, IOptions<WebhookOptions> options,
    TimeProvider time, ILogger<WebhookUpkeep> logger)
    : PollingService(TimeSpan.FromHours(1))
{
    private const string LockName = "results.webhooks.log";

    protected override TimeSpan Interval { get; } = TimeSpan.FromHours(1);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, stoppingToken);
        if (held is not null)
            await log.DeleteOldAsync(time.GetUtcNow().AddDays(-options.Value.KeepDays), stoppingToken);
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(4307, LogLevel.Error, "What is old of the log of webhooks could not be deleted; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
