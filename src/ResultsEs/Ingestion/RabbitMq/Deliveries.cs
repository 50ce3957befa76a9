using ResultsEs.Http;
using Wolverine.Persistence.Durability;
using Wolverine.Runtime;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>Handles the messages of the queue: records their events, or keeps the message as a dead letter.</summary>
internal sealed partial class Deliveries(
    IWolverineRuntime runtime, IMessageStore messages, ErasedLetters erased, IHostApplicationLifetime lifetime, ILogger<Deliveries> logger)
{
    private const int AttemptsPerWarning = 10;

    // Errors that are neither the message's nor the database's may pass, so they are tried again.
    private const int MaxAttempts = 3;

    // The most characters that a dead letter repeats of an exception's text.
    private const int MaxFailure = 1_000;

    private static readonly Backoff BetweenAttempts = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));

    /// <summary>Records a message or stores its dead letter, however long the database is unavailable.</summary>
    /// <exception cref="OperationCanceledException">The service stops while the database is unavailable.</exception>
    public async Task HandleAsync(SessionEventsDelivery delivery)
    {
        for (var (attempt, failures) = (1, 0); ; attempt++)
        {
            try
            {
                if (await TryRecordAsync(delivery, RecordAsync) is { } refusal)
                    await StoreDeadLetterAsync(delivery, refusal);
                return;
            }
            catch (Exception e) when (!Failures.IsTransient(e) && ++failures >= MaxAttempts)
            {
                LogFailure(logger, e, delivery.Id, delivery.Account);
                var reason = $"failed: {e.GetType().Name}: {Printable.Excerpt(e.Message, MaxFailure)}";
                await StoreDeadLetterAsync(delivery, new RefusedDeliveryException(reason));
                return;
            }
            catch (Exception e)
            {
                LogAttempt(e, attempt, delivery);
                await WaitAsync(attempt);
            }
        }

        Task<RecordResult> RecordAsync(RecordEvents command) =>
            new MessageBus(runtime).InvokeAsync<RecordResult>(command, CancellationToken.None);
    }

    /// <summary>Records a message's events, all or none. Returns the permanent reason for a refusal; null when they are stored.</summary>
    public async Task<RefusedDeliveryException?> TryRecordAsync(
        SessionEventsDelivery delivery, Func<RecordEvents, Task<RecordResult>> record)
    {
        var read = AmqpCloudEvents.Read(delivery);
        if (read.Count > CloudEventReader.MaxEvents)
            return new($"invalid: a message may have at most {CloudEventReader.MaxEvents} events, not {read.Count}");
        if (read.Problems.Count > 0)
        {
            Telemetry.Rejected(read.Events, read.Count - read.Events.Count);
            return RefusedDeliveryException.Of("invalid", read.Problems);
        }

        var command = new RecordEvents(delivery.Account, delivery.Workspaces, delivery.Sender, read.Events)
        {
            Bytes = delivery.Body.Length,
        };
        for (var attempt = 1; ; attempt++)
        {
            var result = await record(command);
            if (result is RecordResult.Stored)
                return null;
            if (result is RecordResult.Refused refused)
                return RefusedDeliveryException.Of(KindOf(refused), refused.Problems);
            await WaitAsync(attempt);
        }
    }

    private static string KindOf(RecordResult.Refused refused) => refused switch
    {
        RecordResult.Conflicting => "conflict",
        RecordResult.Full => "full",
        _ => "forbidden",
    };

    private async Task StoreDeadLetterAsync(SessionEventsDelivery delivery, RefusedDeliveryException refusal)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var left = await erased.WithoutErasedAsync(delivery, CancellationToken.None);
                var reason = ReferenceEquals(left, delivery) ? refusal : ErasedLetters.ReasonOf(refusal.Message);
                if (left?.ToEnvelope() is { } letter)
                {
                    await messages.Inbox.MoveToDeadLetterStorageAsync(letter, reason);
                    LogKept(logger, letter.Id, delivery.Account, reason.Message);
                    // An erasure that began meanwhile may have looked before the letter was there.
                    if (await messages.DeadLetters.DeadLetterEnvelopeByIdAsync(letter.Id) is { } kept)
                        await erased.SweepAsync(kept, CancellationToken.None);
                }
                else
                {
                    LogErased(logger, delivery.Id, delivery.Account);
                }

                return;
            }
            catch (Exception e)
            {
                // Whatever failed: the broker keeps the message until the store has it.
                LogAttempt(e, attempt, delivery);
                await WaitAsync(attempt);
            }
        }
    }

    private Task WaitAsync(int attempt) => Task.Delay(BetweenAttempts.After(attempt), lifetime.ApplicationStopping);

    // A short outage concerns nobody; a long one is a warning now and then.
    private void LogAttempt(Exception e, int attempt, SessionEventsDelivery delivery)
    {
        var level = attempt % AttemptsPerWarning == 0 ? LogLevel.Warning : LogLevel.Debug;
        if (logger.IsEnabled(level))
            LogRetry(
                logger, level, level == LogLevel.Debug ? e : null, delivery.Id, delivery.Account, attempt, e.GetBaseException().Message);
    }

    [LoggerMessage(201, LogLevel.Warning, "Dead letter {Id} of account {Account}: {Reason}")]
    private static partial void LogKept(ILogger logger, Guid id, Guid account, string reason);

    [LoggerMessage(3601, LogLevel.Information, "Message {Id} of account {Account} was refused and not kept: all it holds is erased")]
    private static partial void LogErased(ILogger logger, Guid id, Guid account);

    [LoggerMessage(EventId = 202, Message = "Message {Id} of account {Account} waits, after {Attempts} attempts: {Reason}")]
    private static partial void LogRetry(
        ILogger logger, LogLevel level, Exception? exception, Guid id, Guid account, int attempts, string reason);

    [LoggerMessage(203, LogLevel.Error, "Message {Id} of account {Account} cannot be recorded")]
    private static partial void LogFailure(ILogger logger, Exception exception, Guid id, Guid account);
}

/// <summary>
/// The reason for a dead letter. Begins with <c>invalid</c>, <c>conflict</c>, <c>full</c>, <c>forbidden</c> or <c>failed</c>.
/// </summary>
internal sealed class RefusedDeliveryException(string reason) : Exception(reason)
{
    public static RefusedDeliveryException Of(string kind, IReadOnlyList<EventProblem> problems)
    {
        var told = ToldProblems.Of(problems, ToldProblems.LineBytes);
        var texts = told.Named.Select(problem => $"{problem.Key} {problem.Message}");
        return new($"{kind}: {string.Join("; ", told.Rest is { } rest ? texts.Append(rest) : texts)}");
    }
}
