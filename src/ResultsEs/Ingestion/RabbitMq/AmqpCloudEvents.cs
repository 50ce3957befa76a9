namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>Reads CloudEvents from AMQP messages in structured, batched and binary mode (AMQP Protocol Binding 1.0.2, 3).</summary>
internal static class AmqpCloudEvents
{
    public const int MaxMessageBytes = PostEventsEndpoint.MaxRequestBytes;

    // The headers that hold the attributes in binary mode.
    public static bool IsAttribute(string header) =>
        header.StartsWith("cloudEvents:", StringComparison.Ordinal) || header.StartsWith("cloudEvents_", StringComparison.Ordinal);

    public static CloudEvents Read(SessionEventsDelivery delivery)
    {
        if (delivery.Part is { } part)
            return CloudEvents.Refused(
                $"must have at most {MaxMessageBytes} bytes, not {part.Bytes}; this is part {part.Number} of {part.Count}");
        // Dead letters of before hold larger ones.
        if (delivery.Body.Length > MaxMessageBytes)
            return CloudEvents.Refused($"must have at most {MaxMessageBytes} bytes, not {delivery.Body.Length}");

        // No JSON begins like gzip (RFC 1952, 2.3.1), and few producers say that they pack.
        return delivery.Body is [0x1F, 0x8B, ..] ? ReadPacked(delivery) : ReadPlain(delivery);
    }

    /// <summary>The message's body without its packing; as it is when it cannot be unpacked.</summary>
    public static byte[] Unpacked(SessionEventsDelivery delivery)
    {
        if (delivery.Body is not [0x1F, 0x8B, ..])
            return delivery.Body;

        try
        {
            using var body = RequestBody.Unpack(delivery.Body, delivery.Body.Length);
            return body?.Bytes.ToArray() ?? delivery.Body;
        }
        catch (InvalidDataException)
        {
            return delivery.Body;
        }
    }

    private static CloudEvents ReadPacked(SessionEventsDelivery delivery)
    {
        try
        {
            using var body = RequestBody.Unpack(delivery.Body, delivery.Body.Length);
            return body is null
                ? CloudEvents.Refused($"must have at most {MaxMessageBytes} bytes when it is unpacked")
                : ReadPlain(delivery with { Body = body.Bytes.ToArray() });
        }
        catch (InvalidDataException)
        {
            return CloudEvents.Refused("must be whole gzip, which it begins as");
        }
    }

    private static CloudEvents ReadPlain(SessionEventsDelivery delivery)
    {
        var shapes = CloudEventReader.ShapesOf(delivery.ContentType);
        if (shapes is CloudEventShapes.Single or CloudEventShapes.Batch || delivery.Headers.Count == 0)
        {
            // A message without a content type is read as JSON, because many AMQP libraries send none by default.
            if (string.IsNullOrEmpty(delivery.ContentType))
                shapes = CloudEventShapes.Single | CloudEventShapes.Batch;
            return shapes == CloudEventShapes.None
                ? CloudEvents.Refused("must have the content type application/cloudevents+json, application/cloudevents-batch+json "
                    + "or application/json, in UTF-8")
                : CloudEventReader.Read(delivery.Body, shapes);
        }

        var attributes = delivery.Headers.Select(header => KeyValuePair.Create(header.Key["cloudEvents:".Length..], header.Value));
        return BinaryCloudEvents.Read(attributes, delivery.ContentType, delivery.Body);
    }
}
