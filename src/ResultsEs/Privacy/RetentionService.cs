using ResultsEs.EventStore;

namespace ResultsEs.Privacy;

/// <summary>Applies retention once an hour, on one node at a time.</summary>
internal sealed partial class RetentionService(
    [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, Retention retention, IOptions<RetentionOptions> options,
    ILogger<RetentionService> logger)
    : PollingService(TimeSpan.FromHours(1))
{
    /// <summary>The name of the lock that whoever applies it holds.</summary>
    internal const string LockName = "results.retention";

    protected override TimeSpan Interval { get; } = TimeSpan.FromHours(1);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Rules.Count == 0)
            return;

        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, stoppingToken);
        if (held is null)
            return;

        foreach (var line in await retention.RunAsync(isDry: false, stoppingToken))
            LogApplied(logger, line);
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(3604, LogLevel.Information, "Retention: {Line}")]
    private static partial void LogApplied(ILogger logger, string line);

    [LoggerMessage(3605, LogLevel.Error, "Retention failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
