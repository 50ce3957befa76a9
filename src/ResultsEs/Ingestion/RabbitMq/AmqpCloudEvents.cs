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
        if (delivery.Body.Length > MaxMessageBytes)
            return CloudEvents.Refused($"must have at most {MaxMessageBytes} bytes, not {delivery.Body.Length}");

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

        try
        {
            return CloudEventReader.Read(Structured(delivery), CloudEventShapes.Single);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return CloudEvents.Refused("must be JSON, as the data of a CloudEvent in binary mode");
        }
    }

    /// <summary>The event of a message in binary mode, written in structured mode, so that one reader serves both.</summary>
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
}
