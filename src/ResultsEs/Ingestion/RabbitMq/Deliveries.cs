using ResultsEs.Common;
using ResultsEs.Http;
using Wolverine.Persistence.Durability;
using Wolverine.Runtime;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>What becomes of the messages of the queue: their events are recorded, or the message is kept as a dead letter.</summary>
internal sealed partial class Deliveries(IWolverineRuntime runtime, IMessageStore messages, IHostApplicationLifetime lifetime, ILogger<Deliveries> logger)
{
    private const int AttemptsUnsaid = 10;

    // An error that is neither the message's nor the database's is tried again, because it may pass.
    private const int MaxAttempts = 3;

    private static readonly Backoff BetweenAttempts = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));

    /// <summary>
    /// Does not return before the message is dealt with for good, however long the database is away: as many messages as
    /// the broker gives at a time wait here, the others wait there.
    /// </summary>
    /// <exception cref="OperationCanceledException">The service stops, and the database does not answer.</exception>
    public async Task HandleAsync(SessionEventsDelivery delivery)
    {
        for (var (attempt, failures) = (1, 0); ; attempt++)
        {
            try
            {
                if (await TryRecordAsync(delivery, command => new MessageBus(runtime).InvokeAsync<RecordResult>(command, CancellationToken.None)) is not { } refusal)
                    return;

                await StoreDeadLetterAsync(delivery, refusal);
                return;
            }
            catch (Exception e) when (!Failures.IsTransient(e) && ++failures >= MaxAttempts)
            {
                LogFailure(logger, e, delivery.Id, delivery.Account);
                await StoreDeadLetterAsync(delivery, new RefusedDeliveryException($"failed: {e.GetType().Name}: {e.Message}"));
                return;
            }
            catch (Exception e)
            {
                LogAttempt(e, attempt, delivery);
                await WaitAsync(attempt);
            }
        }
    }

    /// <summary>Records the message's events, all or none; null when they are stored, otherwise why they never will be as they are.</summary>
    public async Task<RefusedDeliveryException?> TryRecordAsync(SessionEventsDelivery delivery, Func<RecordEvents, Task<RecordResult>> record)
    {
        var read = AmqpCloudEvents.Read(delivery);
        if (read.Count > CloudEventReader.MaxEvents)
            return new RefusedDeliveryException(FormattableString.Invariant($"invalid: a message may have at most {CloudEventReader.MaxEvents} events, not {read.Count}"));
        if (read.Problems.Count > 0)
        {
            Telemetry.Rejected(read.Events, read.Count - read.Events.Count);
            return RefusedDeliveryException.Of("invalid", read.Problems);
        }

        var command = new RecordEvents(delivery.Account, delivery.Workspaces, read.Events);
        for (var attempt = 1; ; attempt++)
        {
            switch (await record(command))
            {
                case RecordResult.Stored:
                    return null;
                case RecordResult.Conflicting conflicting:
                    return RefusedDeliveryException.Of("conflict", conflicting.Problems);
                case RecordResult.Forbidden forbidden:
                    return RefusedDeliveryException.Of("forbidden", forbidden.Problems);
                default:
                    await WaitAsync(attempt);
                    break;
            }
        }
    }

    private async Task StoreDeadLetterAsync(SessionEventsDelivery delivery, RefusedDeliveryException refusal)
    {
        var letter = delivery.ToEnvelope();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await messages.Inbox.MoveToDeadLetterStorageAsync(letter, refusal);
                LogKept(logger, letter.Id, delivery.Account, refusal.Message);
                return;
            }
            catch (Exception e)
            {
                // Whatever it is: only the store or the broker may hold the message, and the store does not yet.
                LogAttempt(e, attempt, delivery);
                await WaitAsync(attempt);
            }
        }
    }

    private Task WaitAsync(int attempt) => Task.Delay(BetweenAttempts.After(attempt), lifetime.ApplicationStopping);

    private void LogAttempt(Exception e, int attempt, SessionEventsDelivery delivery)
    {
        // A short outage is nobody's business; a long one is said now and then.
        var level = attempt % AttemptsUnsaid == 0 ? LogLevel.Warning : LogLevel.Debug;
        if (logger.IsEnabled(level))
            LogRetry(logger, level, level == LogLevel.Debug ? e : null, delivery.Id, delivery.Account, attempt, e.GetBaseException().Message);
    }

    [LoggerMessage(201, LogLevel.Warning, "Dead letter {Id} of account {Account}: {Reason}")]
    private static partial void LogKept(ILogger logger, Guid id, Guid account, string reason);

    [LoggerMessage(EventId = 202, Message = "Message {Id} of account {Account} waits, after {Attempts} attempts: {Reason}")]
    private static partial void LogRetry(ILogger logger, LogLevel level, Exception? exception, Guid id, Guid account, int attempts, string reason);

    [LoggerMessage(203, LogLevel.Error, "Message {Id} of account {Account} cannot be recorded")]
    private static partial void LogFailure(ILogger logger, Exception exception, Guid id, Guid account);
}

/// <summary>Why a message's events are not stored. The message begins with <c>invalid</c>, <c>conflict</c>, <c>forbidden</c> or <c>failed</c>.</summary>
internal sealed class RefusedDeliveryException(string reason) : Exception(reason)
{
    private const int MaxProblems = 100;

    /// <summary>A refusal that names what is wrong and where.</summary>
    public static RefusedDeliveryException Of(string kind, IReadOnlyList<EventProblem> problems)
    {
        var named = problems.Take(MaxProblems).Select(problem => $"{problem.Key} {problem.Message}");
        var rest = problems.Count > MaxProblems ? FormattableString.Invariant($"; and {problems.Count - MaxProblems} more") : "";
        return new($"{kind}: {string.Join("; ", named)}{rest}");
    }
}
