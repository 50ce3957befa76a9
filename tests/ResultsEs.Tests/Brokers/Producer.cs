using System.Text;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Tests.Brokers;

/// <summary>Publishes to the queue of a virtual host; returns when the broker has confirmed.</summary>
internal sealed class Producer : IAsyncDisposable
{
    public const string Single = "application/cloudevents+json";

    private readonly IConnection _connection;
    private readonly IChannel _channel;

    private Producer(IConnection connection, IChannel channel) => (_connection, _channel) = (connection, channel);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<Producer> ConnectAsync(Uri address)
    {
        var connection = await new ConnectionFactory { Uri = address, AutomaticRecoveryEnabled = false }.CreateConnectionAsync(Cancelled);
        return new Producer(connection, await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Cancelled));
    }

    /// <summary>Messages that no consumer has in hand.</summary>
    public Task<uint> ReadyAsync() => _channel.MessageCountAsync(RabbitMqOptions.Queue, Cancelled);

    public ValueTask PublishAsync(string body, string? contentType, IDictionary<string, object?>? headers = null) =>
        PublishAsync(Encoding.UTF8.GetBytes(body), contentType, headers);

    public ValueTask PublishAsync(byte[] body, string? contentType, IDictionary<string, object?>? headers = null)
    {
        var properties = new BasicProperties { Persistent = true, Headers = headers };
        if (contentType is not null)
            properties.ContentType = contentType;
        return _channel.BasicPublishAsync("", RabbitMqOptions.Queue, mandatory: true, properties, body, Cancelled);
    }

    /// <summary>All of a session's events in one message.</summary>
    public ValueTask PublishAsync(SessionBuilder session) => PublishAsync(session.Json(), Recorder.Batch);

    /// <summary>An event in binary mode.</summary>
    public ValueTask PublishBinaryAsync(JsonObject sent, string prefix)
    {
        var headers = sent.Where(member => member.Key != "data").ToDictionary(
            member => prefix + member.Key, member => (object?)(string)member.Value!, StringComparer.Ordinal);
        return PublishAsync(sent["data"]!.ToJsonString(), "application/json", headers);
    }

    /// <summary>Lets go of a connection that is broken, or may be.</summary>
    public Task AbandonAsync() => _connection.AbortAsync(TimeSpan.FromSeconds(1));

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
