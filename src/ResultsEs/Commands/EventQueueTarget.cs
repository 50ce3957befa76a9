using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace ResultsEs.Commands;

/// <summary>
/// A RabbitMQ exchange or queue: a message an event, persistent, each confirmed by the broker. A message that no queue takes is an error.
/// </summary>
internal sealed class EventQueueTarget(IConnection connection, IChannel channel, string exchange, string routingKey) : IEventTarget
{
    /// <summary>How an address spells where to send, after the virtual host.</summary>
    public const string Form = "amqp://user:password@host/virtual-host?queue=NAME, or ?exchange=NAME&routing-key=KEY";

    /// <summary>Whether a target is an address of a queue.</summary>
    public static bool IsAddress(string target) =>
        target.StartsWith("amqp://", StringComparison.Ordinal) || target.StartsWith("amqps://", StringComparison.Ordinal);

    /// <summary>Connects to the broker of <paramref name="address"/>.</summary>
    /// <exception cref="FormatException">It does not say where to send.</exception>
    /// <exception cref="BrokerUnreachableException">The broker does not answer.</exception>
    public static async Task<EventQueueTarget> ConnectAsync(Uri address, CancellationToken cancellation)
    {
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(address.Query);
        var (queue, exchange) = ((string?)query.GetValueOrDefault("queue"), (string?)query.GetValueOrDefault("exchange"));
        if (string.IsNullOrEmpty(queue) == string.IsNullOrEmpty(exchange))
            throw new FormatException($"An address of a queue has the form {Form}.");

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

    /// <inheritdoc/>
    public async Task SendAsync(IReadOnlyList<StoredCloudEvent> events, CancellationToken cancellation)
    {
        var confirmations = new List<Task>(events.Count);
        foreach (var e in events)
        {
            var properties = new BasicProperties
            {
                ContentType = "application/cloudevents+json",
                DeliveryMode = DeliveryModes.Persistent,
                MessageId = e.Id.ToString(),
            };
            confirmations.Add(channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, e.Json, cancellation).AsTask());
        }

        await Task.WhenAll(confirmations);
    }

    /// <inheritdoc/>
    public Task CompleteAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }
}
