using System.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using ResultsEs.Common;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>
/// Listens to the queue of each bound virtual host, on a connection of its own that is made anew whenever it or its channel ends, for whatever reason: there is one way to
/// begin listening, and no other to go on. A message is acknowledged when its events are committed, or when it is in the dead-letter store.
/// </summary>
internal sealed partial class QueueListener(Uri broker, RabbitMqOptions settings, Deliveries deliveries, ILogger<QueueListener> logger) : BackgroundService
{
    // RabbitMQ 4 drops a message that came back 20 times, and each restart of a node gives back what it has in hand. A limit
    // of -1 is none, but version 3 refuses it; this many are as good as none.
    private const int DeliveryLimit = 1_000_000_000;

    // What RabbitMQ 3 takes at most by itself. What is larger than ours is a dead letter, and that must be able to get here.
    private const uint MaxMessageBytes = 128 * 1024 * 1024;

    private static readonly KeyValuePair<string, object?>[] SpanTags =
        [new("messaging.system", "rabbitmq"), new("messaging.operation.type", "process"), new("messaging.destination.name", RabbitMqOptions.Queue)];

    private const int AttemptsUnsaid = 10;

    // Two of them without a sign of life, and the other side is taken for gone.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private static readonly Backoff BetweenAttempts = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));

    // The host gives all services together 30 s to stop.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(25);

    private readonly Subscription[] _subscriptions = [.. settings.Accounts.Select(binding => new Subscription(binding, binding.HostOr(broker)))];

    /// <summary>What keeps queues from being listened to, by virtual host; empty when all are.</summary>
    public IEnumerable<string> Problems => _subscriptions.Where(subscription => subscription.Problem is not null)
        .Select(subscription => $"virtual host {subscription.VirtualHost}: {subscription.Problem}");

    /// <summary>Begins to listen; returns once each queue is listened to, or could not be at the first attempt.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAll(_subscriptions.Select(subscription => subscription.Tried.Task)).WaitAsync(cancellationToken);
    }

    /// <summary>Declares the queue: a quorum queue that drops nothing for having come back.</summary>
    public static Task DeclareAsync(IChannel channel, CancellationToken cancellation) => channel.QueueDeclareAsync(
        RabbitMqOptions.Queue,
        durable: true,
        exclusive: false,
        autoDelete: false,
        new Dictionary<string, object?>(StringComparer.Ordinal) { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = DeliveryLimit },
        cancellationToken: cancellation);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(_subscriptions.Select(subscription => ListenAsync(subscription, stoppingToken)));

    private async Task ListenAsync(Subscription subscription, CancellationToken stopping)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await ListenOnceAsync(subscription, () => attempt = 0, stopping);
                return;
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                // What was not acknowledged, the broker gives to others.
                return;
            }
            catch (Exception e)
            {
                subscription.Problem = e.GetBaseException().Message;
                subscription.Tried.TrySetResult();
                if (attempt % AttemptsUnsaid == 0)
                    LogEnded(logger, subscription.VirtualHost, subscription.Problem);
            }

            await Task.Delay(BetweenAttempts.After(attempt + 1), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Returns when the service stops; throws when the connection, the channel or the consumer ends.</summary>
    private async Task ListenOnceAsync(Subscription subscription, Action begun, CancellationToken stopping)
    {
        var factory = new ConnectionFactory
        {
            Uri = broker,
            VirtualHost = subscription.VirtualHost,
            ClientProvidedName = "results-es",
            // The client's own recovery ignores a connection that ends while one is recovered (https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1871).
            AutomaticRecoveryEnabled = false,
            RequestedHeartbeat = Heartbeat,
            MaxInboundMessageBodySize = MaxMessageBytes,
        };
        await using var connection = await factory.CreateConnectionAsync(stopping);
        // One lane per session is GroupCommit's work; here as many messages as may be in hand are worked on at once.
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: false, publisherConfirmationTrackingEnabled: false, consumerDispatchConcurrency: settings.Prefetch), stopping);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, reason) => End(new InvalidOperationException(reason.ReplyText));

        await DeclareAsync(channel, stopping);
        await channel.BasicQosAsync(prefetchSize: 0, settings.Prefetch, global: false, stopping);

        var inHand = 0;
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.UnregisteredAsync += (_, _) => End(new InvalidOperationException("The queue was deleted."));
        consumer.ReceivedAsync += async (_, message) =>
        {
            Interlocked.Increment(ref inHand);
            try
            {
                using var span = Instruments.Spans.StartActivity("process " + RabbitMqOptions.Queue, ActivityKind.Consumer, default(ActivityContext), SpanTags);
                await deliveries.HandleAsync(new SessionEventsDelivery(subscription.Binding, subscription.Address, message.BasicProperties, message.Body.ToArray()));
                await channel.BasicAckAsync(message.DeliveryTag, multiple: false, CancellationToken.None);
            }
            catch (Exception e)
            {
                // Not acknowledged, it goes back to the queue when the channel is closed.
                await End(e);
            }
            finally
            {
                Interlocked.Decrement(ref inHand);
            }
        };
        var tag = await channel.BasicConsumeAsync(RabbitMqOptions.Queue, autoAck: false, consumer, stopping);

        begun();
        subscription.Problem = null;
        subscription.Tried.TrySetResult();
        LogBegun(logger, subscription.VirtualHost);
        if (await Task.WhenAny(ended.Task, Task.Delay(Timeout.InfiniteTimeSpan, stopping)) == ended.Task)
            await ended.Task;

        // No more messages, and those in hand are brought to their end.
        using var patience = new CancellationTokenSource(DrainTimeout);
        await channel.BasicCancelAsync(tag, noWait: false, patience.Token);
        while (Volatile.Read(ref inHand) > 0 && channel.IsOpen)
            await Task.Delay(10, patience.Token);

        Task End(Exception reason)
        {
            ended.TrySetException(reason);
            return Task.CompletedTask;
        }
    }

    [LoggerMessage(211, LogLevel.Information, "Listening to the queue of virtual host {VirtualHost}")]
    private static partial void LogBegun(ILogger logger, string virtualHost);

    [LoggerMessage(212, LogLevel.Warning, "The queue of virtual host {VirtualHost} is not listened to, which is tried again: {Reason}")]
    private static partial void LogEnded(ILogger logger, string virtualHost, string reason);

    private sealed class Subscription(AccountBinding binding, string virtualHost)
    {
        public AccountBinding Binding => binding;

        public string VirtualHost => virtualHost;

        public Uri Address { get; } = RabbitMqOptions.AddressOf(virtualHost);

        public string? Problem { get; set; } = "not listened to yet";

        public TaskCompletionSource Tried { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
