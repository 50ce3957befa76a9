using System.Buffers;

namespace ResultsEs.Contracts;

/// <summary>
/// A CloudEvent 1.0 in structured JSON: an event with its attributes, as recorders send it. Keep it, or its JSON, until the service has
/// answered. Sent again with the same id, it is stored once.
/// </summary>
public sealed record CloudEvent
{
    /// <summary>The content type of one event.</summary>
    public const string MediaType = "application/cloudevents+json";

    /// <summary>The content type of an array of events.</summary>
    public const string BatchMediaType = "application/cloudevents-batch+json";

    /// <summary>The idempotency key: a UUID that the recorder makes, unique in the account for ever.</summary>
    public required Guid Id { get; init; }

    /// <summary>The recorder and its version, such as <c>/recorder/web/4.2.0</c>; 1–2,048 characters.</summary>
    public required string Source { get; init; }

    /// <summary>The session; of an event of a highlight reel or of a test, that one.</summary>
    public required Guid Subject { get; init; }

    /// <summary>The time of the event at the recorder. Of two events about the same thing, the later one counts.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The W3C trace context of the recorder; null without tracing.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The event itself.</summary>
    public required StreamEvent Data { get; init; }

    /// <summary>The wire name of the event, such as <c>results.TaskAnswered.v1</c>.</summary>
    public string Type => EventTypes.NameOf(Data.GetType());

    /// <summary>Writes the event as UTF-8 JSON, a body of type <see cref="MediaType"/>.</summary>
    public byte[] ToJson() => Write(WriteTo);

    /// <summary>Writes events as a UTF-8 JSON array, a body of type <see cref="BatchMediaType"/>.</summary>
    public static byte[] ToJson(IEnumerable<CloudEvent> events) => Write(writer =>
    {
        writer.WriteStartArray();
        foreach (var e in events)
            e.WriteTo(writer);
        writer.WriteEndArray();
    });

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = EventJson.Options.Encoder }))
            write(writer);
        return bytes.WrittenSpan.ToArray();
    }

    private void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("specversion"u8, "1.0"u8);
        writer.WriteString("id"u8, Id);
        writer.WriteString("source"u8, Source);
        writer.WriteString("type"u8, Type);
        writer.WriteString("subject"u8, Subject);
        writer.WriteString("time"u8, Time.UtcDateTime);
        if (TraceParent is not null)
            writer.WriteString("traceparent"u8, TraceParent);
        writer.WritePropertyName("data"u8);
        JsonSerializer.Serialize(writer, Data, EventJson.Options.GetTypeInfo(Data.GetType()));
        writer.WriteEndObject();
    }
}
