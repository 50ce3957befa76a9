using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace ResultsEs.Commands;

/// <summary>Publishes events to a RabbitMQ exchange or queue, persistent and confirmed. A message without a queue is an error.</summary>
internal sealed class EventQueueTarget(IConnection connection, IChannel channel, string exchange, string routingKey) : IEventTarget
{
    public static bool IsAddress(string target) =>
        target.StartsWith("amqp://", StringComparison.Ordinal) || target.StartsWith("amqps://", StringComparison.Ordinal);

    /// <summary>Connects to a broker. The query of its address names the queue or the exchange.</summary>
    /// <exception cref="FormatException">The address names neither, or both.</exception>
    /// <exception cref="BrokerUnreachableException">The broker does not answer.</exception>
    public static async Task<EventQueueTarget> ConnectAsync(Uri address, CancellationToken cancellation)
    {
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query);
        var (queue, exchange) = ((string?)query.GetValueOrDefault("queue"), (string?)query.GetValueOrDefault("exchange"));
        if (string.IsNullOrEmpty(queue) == string.IsNullOrEmpty(exchange))
            throw new FormatException("An address of a queue has the form "
                + "amqp://user:password@host/virtual-host?queue=NAME, or ?exchange=NAME&routing-key=KEY.");

        var factory = new ConnectionFactory { Uri = new UriBuilder(address) { Query = "" }.Uri, ClientProvidedName = "results-es replay" };
        var connection = await factory.CreateConnectionAsync(cancellation);
        try
        {
            var confirmed = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);
            var channel = await connection.CreateChannelAsync(confirmed, cancellation);
            var key = queue ?? (string?)query.GetValueOrDefault("routing-key") ?? "";
            return new EventQueueTarget(connection, channel, exchange ?? "", key);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation) => Task.WhenAll(events.Select(e =>
    {
        var properties = new BasicProperties
        {
            ContentType = "application/cloudevents+json",
            DeliveryMode = DeliveryModes.Persistent,
            MessageId = e.Id.ToString(),
        };
        return channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, e.Json, cancellation).AsTask();
    }));

    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }
}
