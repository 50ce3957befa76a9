using System.Buffers;
using System.Text.Json;

namespace ResultsEs.Contracts;

/// <summary>
/// A CloudEvent 1.0 in structured JSON: an event with its attributes, as recorders send it. Keep it, or its JSON, until the
/// service has answered: sent again with the same id it is stored once.
/// </summary>
public sealed record CloudEvent
{
    /// <summary>The content type of one event.</summary>
    public const string MediaType = "application/cloudevents+json";

    /// <summary>The content type of several events, an array.</summary>
    public const string BatchMediaType = "application/cloudevents-batch+json";

    /// <summary>The event's id, a UUID that the recorder makes: the key of idempotency, for ever, within the account.</summary>
    public required Guid Id { get; init; }

    /// <summary>The recorder and its version, such as <c>/recorder/web/4.2.0</c>; 1–2,048 characters.</summary>
    public required string Source { get; init; }

    /// <summary>The session; of an event of a highlight reel the reel.</summary>
    public required Guid Subject { get; init; }

    /// <summary>When it happened at the recorder. Of two events that say the same thing the later holds.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The W3C trace context of the recorder; absent where it does not trace.</summary>
    public string? TraceParent { get; init; }

    /// <summary>What happened.</summary>
    public required StreamEvent Data { get; init; }

    /// <summary>The event's name on the wire, such as <c>results.TaskAnswered.v1</c>.</summary>
    public string Type => EventTypes.NameOf(Data.GetType());

    /// <summary>The JSON of one event, in UTF-8; a body of the type <see cref="MediaType"/>.</summary>
    public byte[] ToJson() => Write(WriteTo);

    /// <summary>The JSON of several events, in UTF-8; a body of the type <see cref="BatchMediaType"/>.</summary>
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
