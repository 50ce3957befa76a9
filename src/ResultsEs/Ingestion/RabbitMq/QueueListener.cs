using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>
/// Listens to the queue of each bound virtual host. A message is acknowledged when its events or its dead letter are stored.
/// Each queue has a connection of its own. When it or its channel ends, for any reason, both are made again the same way.
/// </summary>
internal sealed partial class QueueListener(IOptions<RabbitMqOptions> options, Deliveries deliveries, ILogger<QueueListener> logger)
    : BackgroundService
{
    // RabbitMQ 4 drops a message that came back 20 times, and each restart of a node gives back what it has not acknowledged.
    // A limit of -1 means none, but version 3 refuses it; so many are as good as none.
    private const int DeliveryLimit = 1_000_000_000;

    private const int AttemptsPerWarning = 10;

    private static readonly KeyValuePair<string, object?>[] SpanTags =
    [
        new("messaging.system", "rabbitmq"), new("messaging.operation.type", "process"),
        new("messaging.destination.name", RabbitMqOptions.Queue),
    ];

    // The connection is dropped after two intervals of silence.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private static readonly Backoff BetweenAttempts = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));

    // The host gives all services together 30 s to stop.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(25);

    private readonly Subscription[] _subscriptions =
    [
        .. options.Value.Accounts.Select(binding =>
            new Subscription(binding, binding.HostOr(options.Value.Broker!), new HeldBytes(options.Value.PrefetchBytes))),
    ];

    /// <summary>The reasons why queues are not listened to, by virtual host; empty when all are.</summary>
    public IEnumerable<string> Problems => _subscriptions.Where(subscription => subscription.Problem is not null)
        .Select(subscription => $"virtual host {subscription.VirtualHost}: {subscription.Problem}");

    /// <summary>The bytes of messages that are in hand, of all virtual hosts.</summary>
    internal long HeldBytes => _subscriptions.Sum(subscription => subscription.Held.Held);

    /// <summary>Starts listening. Returns once the first attempt of each queue has succeeded or failed.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAll(_subscriptions.Select(subscription => subscription.Tried.Task)).WaitAsync(cancellationToken);
    }

    /// <summary>Declares the queue: a quorum queue that never drops a message for its number of deliveries.</summary>
    public static Task DeclareAsync(IChannel channel, CancellationToken cancellation) => channel.QueueDeclareAsync(
        RabbitMqOptions.Queue, durable: true, exclusive: false, autoDelete: false,
        new Dictionary<string, object?>(StringComparer.Ordinal) { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = DeliveryLimit },
        cancellationToken: cancellation);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(_subscriptions.Select(subscription => ListenAsync(subscription, stoppingToken)));

    private async Task ListenAsync(Subscription subscription, CancellationToken stopping)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await ListenOnceAsync(subscription, stopping);
                return;
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                // The broker gives messages without acknowledgement to other nodes.
                return;
            }
            catch (Exception e)
            {
                // It had been listening, so the count of attempts begins again.
                if (subscription.Problem is null)
                    attempt = 0;
                subscription.Problem = e.GetBaseException().Message;
                subscription.Tried.TrySetResult();
                if (attempt % AttemptsPerWarning == 0)
                    LogEnded(logger, subscription.VirtualHost, subscription.Problem);
            }

            await Task.Delay(BetweenAttempts.After(attempt + 1), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Returns when the service stops; throws when the connection, the channel or the consumer ends.</summary>
    private async Task ListenOnceAsync(Subscription subscription, CancellationToken stopping)
    {
        // Disposed after the connection.
        using var incoming = new ConnectionDeliveries(subscription.Held);
        var factory = new ConnectionFactory
        {
            Uri = options.Value.Broker!,
            VirtualHost = subscription.VirtualHost,
            ClientProvidedName = "results-es",
            // The client's own recovery ignores a connection that ends during a recovery:
            // https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1871
            AutomaticRecoveryEnabled = false,
            RequestedHeartbeat = Heartbeat,
            MaxInboundMessageBodySize = AmqpCloudEvents.MaxMessageBytes,
        };
        var tls = factory.Ssl.Enabled ? factory.Ssl : null;
        factory.Ssl = new SslOption();
        factory.SocketFactory = family => new BrokerSocket(family, tls, incoming);
        await using var connection = await factory.CreateConnectionAsync(stopping);
        // All messages in flight are handled concurrently; GroupCommit keeps one writer per session.
        var prefetch = options.Value.Prefetch;
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(
                publisherConfirmationsEnabled: false, publisherConfirmationTrackingEnabled: false, consumerDispatchConcurrency: prefetch),
            stopping);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, reason) => End(new InvalidOperationException(reason.ReplyText));

        await DeclareAsync(channel, stopping);
        await channel.BasicQosAsync(prefetchSize: 0, prefetch, global: false, stopping);

        var inFlight = 0;
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.UnregisteredAsync += (_, _) => End(new InvalidOperationException("The queue was deleted."));
        consumer.ReceivedAsync += async (_, message) =>
        {
            if (!incoming.TryBegin(message.Body.Length))
                return;

            Interlocked.Increment(ref inFlight);
            try
            {
                using var span = Instruments.Spans.StartActivity(
                    "process " + RabbitMqOptions.Queue, ActivityKind.Consumer, default(ActivityContext), SpanTags);
                await deliveries.HandleAsync(new SessionEventsDelivery(
                    subscription.Binding, subscription.VirtualHost, subscription.Address,
                    message.BasicProperties, message.Body.ToArray())
                {
                    Part = incoming.PartOf(message.DeliveryTag, message.RoutingKey),
                });
                if (!incoming.IsDone(message.DeliveryTag))
                    return;

                await channel.BasicAckAsync(message.DeliveryTag, multiple: false, CancellationToken.None);
            }
            catch (Exception e)
            {
                // Without an acknowledgement it returns to the queue when the channel is closed.
                await End(e);
            }
            finally
            {
                incoming.End(message.Body.Length);
                Interlocked.Decrement(ref inFlight);
            }
        };
        var tag = await channel.BasicConsumeAsync(RabbitMqOptions.Queue, autoAck: false, consumer, stopping);

        subscription.Problem = null;
        subscription.Tried.TrySetResult();
        LogBegun(logger, subscription.VirtualHost);
        if (await Task.WhenAny(ended.Task, Task.Delay(Timeout.InfiniteTimeSpan, stopping)) == ended.Task)
            await ended.Task;

        // No more messages arrive, and those in flight are finished.
        using var drain = new CancellationTokenSource(DrainTimeout);
        await channel.BasicCancelAsync(tag, noWait: false, drain.Token);
        while (Volatile.Read(ref inFlight) > 0 && channel.IsOpen)
            await Task.Delay(10, drain.Token);

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

    private sealed record Subscription(AccountBinding Binding, string VirtualHost, HeldBytes Held)
    {
        public Uri Address { get; } = RabbitMqOptions.AddressOf(VirtualHost);

        public string? Problem { get; set; } = "not listened to yet";

        public TaskCompletionSource Tried { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
