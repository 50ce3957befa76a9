using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Webhooks;

/// <summary>
/// Follows the feed of changes for all webhooks, on one node at a time: an account whose webhooks have much to tell does not hold up the
/// others. State: who follows which account; the one loop uses it.
/// </summary>
internal sealed partial class WebhookDispatcher(
    NpgsqlDataSource database, [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, ChangeFeed feed, WebhookDispatch dispatch,
    ILogger<WebhookDispatcher> logger)
    : PollingService(TimeSpan.FromSeconds(10))
{
    private const string LockName = "results.webhooks";

    // New webhooks are seen within this time, and a webhook that was full goes on.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    // Reads of the feed under way.
    private readonly SemaphoreSlim _reads = new(4);

    protected override TimeSpan Interval { get; } = BetweenLooks;

    public override void Dispose()
    {
        _reads.Dispose();
        base.Dispose();
    }

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        // The lock takes a connection for as long as there are webhooks.
        if ((await ReadAsync(account: null, stoppingToken)).Count == 0)
            return;

        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, stoppingToken);
        if (held is null)
            return;

        // Whoever loses the lock's connection stops to follow, because another node has begun.
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var accounts = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            List<Following> following;
            while ((following = await WebhookDispatch.FollowingAsync(held.Connection, account: null, stoppingToken)).Count > 0)
            {
                foreach (var account in following.Select(webhook => webhook.Account).Distinct(StringComparer.Ordinal))
                {
                    if (!accounts.TryGetValue(account, out var task) || task.IsCompleted)
                        accounts[account] = FollowAsync(account, lost.Token);
                }

                await Task.Delay(BetweenLooks, stoppingToken);
            }
        }
        finally
        {
            await lost.CancelAsync();
            await Task.WhenAll(accounts.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    /// <summary>Makes the messages of an account's webhooks until it has none. A failure is tried again by the next look.</summary>
    private async Task FollowAsync(string account, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var following = await ReadAsync(account, cancellation);
                if (following.Count == 0)
                    return;

                var least = long.MaxValue;
                foreach (var webhook in following)
                {
                    await _reads.WaitAsync(cancellation);
                    try
                    {
                        least = Math.Min(least, await dispatch.DispatchAsync(webhook, cancellation) ?? long.MaxValue);
                    }
                    finally
                    {
                        _reads.Release();
                    }
                }

                await feed.WaitAsync(account, least, BetweenLooks, cancellation);
            }
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogAccountFailed(logger, account, e);
        }
    }

    private async Task<List<Following>> ReadAsync(string? account, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await WebhookDispatch.FollowingAsync(connection, account, cancellation);
    }

    [LoggerMessage(4301, LogLevel.Error, "Following the feed for webhooks failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(4302, LogLevel.Error, "Following the feed for webhooks of account {Account} failed; it is tried again")]
    private static partial void LogAccountFailed(ILogger logger, string account, Exception exception);
}
