using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Webhooks;

/// <summary>
/// Sends messages that are due, on every node. Each attempt is a task of its own within <see cref="SendingSlots"/>, so none waits for
/// another's endpoint. State: the attempts under way; the one loop uses it.
/// </summary>
internal sealed partial class WebhookSender(
    WebhookQueue queue, WebhookRights rights, WebhookClient client, SecretSeal seal, ReadDatabase database, WebhookSignal signal,
    IOptions<WebhookOptions> options, TimeProvider time, ILogger<WebhookSender> logger) : BackgroundService
{
    private static readonly Counter<long> Attempts = Instruments.Meter.CreateCounter<long>(
        "results.webhooks.attempts", "{attempt}", "Attempts to deliver messages of webhooks, by whether they were delivered");

    private static readonly Histogram<double> Durations = Instruments.Meter.CreateHistogram<double>(
        "results.webhooks.attempt.duration", "s", "How long attempts to deliver messages of webhooks took");

    // Messages that another node made, or whose pause is over, are found within this time.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(250);

    // The first webhook is found within this time; a message of this node wakes the sender at once.
    private static readonly TimeSpan WithoutWebhooks = TimeSpan.FromSeconds(5);

    private static readonly Backoff AfterFailures = new(BetweenLooks, TimeSpan.FromSeconds(10));

    private readonly ConcurrentDictionary<Task, byte> _running = [];
    private readonly SendingSlots _slots = new();

    // An attempt, the read of its session before and the record of it after.
    private readonly TimeSpan _lease = TimeSpan.FromSeconds(2 * options.Value.TimeoutSeconds);

    /// <summary>Lets attempts under way end, within the time that a stop may take; what does not is sent again.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_running.Keys).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = BetweenLooks;
            try
            {
                if (!await StartDueAsync(stoppingToken))
                    pause = WithoutWebhooks;
                failures = 0;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failures++;
                LogFailed(logger, e);
            }

            if (failures > 0)
                await Task.Delay(AfterFailures.After(failures), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else
                await signal.WaitAsync(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Starts what is due. Returns whether there is a webhook that sends.</summary>
    private async Task<bool> StartDueAsync(CancellationToken cancellation)
    {
        if (await queue.DueAsync(rights, cancellation) is not { } due)
            return false;

        var slots = _slots.Take(due);
        if (slots.Count == 0)
            return true;

        List<ClaimedDelivery> claimed;
        try
        {
            claimed = await queue.ClaimAsync(slots, _lease, cancellation);
        }
        catch
        {
            foreach (var (webhook, count) in slots)
                _slots.Return(webhook, count);
            throw;
        }

        foreach (var (webhook, count) in slots)
        {
            var own = claimed.FindAll(delivery => delivery.Webhook == webhook.Id);
            _slots.Return(webhook, count - own.Count);
            foreach (var delivery in own)
                Start(webhook, delivery);
        }

        return true;
    }

    private void Start(DueWebhook webhook, ClaimedDelivery delivery)
    {
        var task = Task.Run(() => AttemptAsync(webhook, delivery), CancellationToken.None);
        _running[task] = 0;
        _ = task.ContinueWith(
            done => _running.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task AttemptAsync(DueWebhook webhook, ClaimedDelivery delivery)
    {
        try
        {
            // A stop does not break it off; the lease bounds it.
            using var lease = new CancellationTokenSource(_lease);
            await AttemptAsync(delivery, lease.Token);
        }
        catch (Exception e)
        {
            // It comes again when its lease is over.
            LogAttemptFailed(logger, delivery.Id, delivery.Webhook, e);
        }
        finally
        {
            _slots.Return(webhook, 1);
            signal.Raise();
        }
    }

    private async Task AttemptAsync(ClaimedDelivery delivery, CancellationToken cancellation)
    {
        var workspaces = rights.WorkspacesOf(delivery.Account, delivery.ClientId);
        if (workspaces is null)
            return;
        if (!workspaces.Contains(delivery.Workspace))
        {
            await queue.DropAsync(delivery, cancellation);
            return;
        }

        var (began, clock) = (time.GetUtcNow(), Stopwatch.GetTimestamp());
        var outcome = await SendAsync(delivery, began, cancellation);
        var took = Stopwatch.GetElapsedTime(clock);
        var word = outcome.IsDelivered ? "delivered" : "failed";
        Attempts.Add(1, new KeyValuePair<string, object?>("results.outcome", word));
        Durations.Record(took.TotalSeconds, new KeyValuePair<string, object?>("results.outcome", word));
        if (await queue.RecordAsync(delivery, began, took, outcome, cancellation) is { } reason)
            LogDisabled(logger, delivery.Webhook, reason);
    }

    private async Task<SendOutcome> SendAsync(ClaimedDelivery delivery, DateTimeOffset now, CancellationToken cancellation)
    {
        var secrets = new[] { delivery.Secret, delivery.FormerSecret }.OfType<byte[]>()
            .Select(secret => seal.Open(delivery.Webhook, secret)).OfType<byte[]>().ToList();
        if (secrets.Count == 0)
            return new SendOutcome(null, "The secret was sealed by another signing key; make another secret.");

        var (session, isLeftOut) = delivery is { Content: WebhookContent.Session, Kind: not WebhookKind.Removed }
            ? await SessionAsync(delivery, cancellation)
            : (null, false);
        var (body, timestamp) = (WebhookMessage.Write(delivery, session, isLeftOut), now.ToUnixTimeSeconds());
        var signature = WebhookSecret.Sign(secrets, delivery.Id.ToString(), timestamp, body);
        return await client.SendAsync(delivery.Url, delivery.Id, timestamp, signature, body, cancellation);
    }

    /// <summary>Reads the session as it is. One that cannot be given, or is large, is left out: who is told may ask for it.</summary>
    private async Task<(byte[]? Session, bool IsLeftOut)> SessionAsync(ClaimedDelivery delivery, CancellationToken cancellation)
    {
        try
        {
            // From the primary: a standby may not have the change yet.
            var session = await database.ReadDocumentAsync(
                GetSessionResultV3.Query, new StreamKey(delivery.Account, delivery.Session), [delivery.Workspace],
                reader => reader.IsDBNull(1) ? null : reader.GetFieldValue<byte[]>(1), cancellation, onPrimary: true);
            return session?.Length > WebhookMessage.MaxSessionBytes ? (null, true) : (session, false);
        }
        catch (Exception e) when (TakenApart.IsItemsOwn(e))
        {
            LogNotGiven(logger, delivery.Session, e);
            return (null, true);
        }
    }

    [LoggerMessage(4303, LogLevel.Error, "Messages of webhooks cannot be sent; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(4304, LogLevel.Warning, "The attempt to deliver {Delivery} of webhook {Webhook} failed; it comes again")]
    private static partial void LogAttemptFailed(ILogger logger, Guid delivery, Guid webhook, Exception exception);

    [LoggerMessage(4306, LogLevel.Error, "Session {Session} is left out of a webhook's message, because its result cannot be made")]
    private static partial void LogNotGiven(ILogger logger, Guid session, Exception exception);

    [LoggerMessage(4305, LogLevel.Warning, "Webhook {Webhook} is disabled: {Reason}")]
    private static partial void LogDisabled(ILogger logger, Guid webhook, string reason);
}
