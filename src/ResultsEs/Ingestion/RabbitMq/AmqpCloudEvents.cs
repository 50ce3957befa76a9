using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using Wolverine;
using Wolverine.RabbitMQ.Internal;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>
/// CloudEvents in AMQP messages, in structured, batched and binary mode (CloudEvents AMQP Protocol Binding 1.0.2, 3). Headers
/// with attributes may begin with <c>cloudEvents:</c> or <c>cloudEvents_</c>.
/// </summary>
internal static class AmqpCloudEvents
{
    /// <summary>A message's size in bytes; the same as an HTTP request's.</summary>
    public const int MaxMessageBytes = PostEventsEndpoint.MaxRequestBytes;

    /// <summary>Whether a header holds an attribute of a CloudEvent.</summary>
    public static bool IsAttribute(string header) =>
        header.StartsWith("cloudEvents:", StringComparison.Ordinal) || header.StartsWith("cloudEvents_", StringComparison.Ordinal);

    /// <summary>Reads the message's events, or what is wrong with them.</summary>
    public static CloudEvents Read(SessionEventsDelivery delivery)
    {
        if (delivery.Body.Length > MaxMessageBytes)
            return Refused(FormattableString.Invariant($"must have at most {MaxMessageBytes} bytes, not {delivery.Body.Length}"));

        var shapes = CloudEventReader.ShapesOf(delivery.ContentType);
        if (shapes is CloudEventShapes.Single or CloudEventShapes.Batch || delivery.Headers.Count == 0)
        {
            // A message without a content type is taken for JSON: many AMQP libraries send none unless told.
            if (string.IsNullOrEmpty(delivery.ContentType))
                shapes = CloudEventShapes.Single | CloudEventShapes.Batch;
            return shapes == CloudEventShapes.None
                ? Refused("must have the content type application/cloudevents+json, application/cloudevents-batch+json or application/json, in UTF-8")
                : CloudEventReader.Read(delivery.Body, shapes);
        }

        try
        {
            return CloudEventReader.Read(Structured(delivery), CloudEventShapes.Single);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return Refused("must be JSON, as the data of a CloudEvent in binary mode");
        }
    }

    /// <summary>The event of a message in binary mode as the structured mode spells it: one reader for both.</summary>
    private static ReadOnlySpan<byte> Structured(SessionEventsDelivery delivery)
    {
        var json = new ArrayBufferWriter<byte>(delivery.Body.Length + 1_024);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (var (header, value) in delivery.Headers)
                writer.WriteString(header["cloudEvents:".Length..], value);
            if (!string.IsNullOrEmpty(delivery.ContentType))
                writer.WriteString("datacontenttype", delivery.ContentType);
            writer.WritePropertyName("data");
            writer.WriteRawValue(delivery.Body);
            writer.WriteEndObject();
        }

        return json.WrittenSpan;
    }

    private static CloudEvents Refused(string problem) => new([], [new EventProblem(-1, null, "", problem)], 0);
}

/// <summary>From an AMQP message to Wolverine's envelope, and back when a stopping node returns a message to the queue.</summary>
internal sealed class SessionEventsMapper(AccountBinding binding) : IRabbitMqEnvelopeMapper
{
    /// <inheritdoc/>
    public void MapIncomingToEnvelope(Envelope envelope, IReadOnlyBasicProperties incoming)
    {
        var headers = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (name, value) in incoming.Headers ?? new Dictionary<string, object?>(StringComparer.Ordinal))
        {
            if (AmqpCloudEvents.IsAttribute(name))
                envelope.Headers[name] = headers[name] = value is byte[] text ? Encoding.UTF8.GetString(text) : Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture);
        }

        var body = envelope.Data ?? [];
        envelope.ContentType = incoming.ContentType;
        envelope.TenantId = Tenant.Of(binding.Account);
        envelope.MessageType = SessionEventsDelivery.Name;
        envelope.Id = IdOf(binding.Account, incoming.ContentType, headers, body);
        envelope.Message = new SessionEventsDelivery(binding.Account, binding.Workspaces, incoming.ContentType, headers, body);
    }

    /// <inheritdoc/>
    public void MapEnvelopeToOutgoing(Envelope envelope, IBasicProperties outgoing)
    {
        outgoing.Persistent = true;
        if (!string.IsNullOrEmpty(envelope.ContentType))
            outgoing.ContentType = envelope.ContentType;
        outgoing.Headers = envelope.Headers.Where(header => AmqpCloudEvents.IsAttribute(header.Key))
            .ToDictionary(header => header.Key, header => (object?)header.Value, StringComparer.Ordinal);
    }

    /// <summary>
    /// An id made of the message itself: a message that comes again is one dead letter, and no two messages share one whatever
    /// message ids their producers give them.
    /// </summary>
    private static Guid IdOf(Guid account, string? contentType, Dictionary<string, string?> headers, byte[] body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(account.ToByteArray());
        Append(contentType ?? "");
        foreach (var (name, value) in headers.OrderBy(header => header.Key, StringComparer.Ordinal))
        {
            Append(name);
            Append(value ?? "");
        }

        hash.AppendData(body);
        var id = hash.GetHashAndReset().AsSpan(0, 16);
        // RFC 9562, 5.8: version 8, made by a rule of one's own.
        id[6] = (byte)((id[6] & 0x0f) | 0x80);
        id[8] = (byte)((id[8] & 0x3f) | 0x80);
        return new Guid(id, bigEndian: true);

        void Append(string text)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(text));
            hash.AppendData([0]);
        }
    }
}
