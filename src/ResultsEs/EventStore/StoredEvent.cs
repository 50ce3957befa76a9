using System.Buffers;
using System.Globalization;
using System.Text.Json;
using JasperFx.Events;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.Ingestion;

namespace ResultsEs.EventStore;

/// <summary>What of a stored event decides whether another with its id is the same.</summary>
internal sealed record StoredEvent(Guid StreamId, string WireType, DateTimeOffset Time, Lazy<JsonElement> Data)
{
    /// <summary>The header with the CloudEvent's <c>time</c>, UTC.</summary>
    public const string TimeHeader = "time";

    private const string SourceHeader = "source";
    private const string TraceParentHeader = "traceparent";

    /// <summary>The event's data as it is stored.</summary>
    public static byte[] DataOf(IncomingEvent incoming) => JsonSerializer.SerializeToUtf8Bytes(incoming.Data, incoming.Type.JsonType);

    /// <summary>The CloudEvent's other attributes, as they are stored.</summary>
    public static byte[] HeadersOf(IncomingEvent incoming)
    {
        var json = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString(TimeHeader, incoming.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            writer.WriteString(SourceHeader, incoming.Source);
            if (incoming.TraceParent is not null)
                writer.WriteString(TraceParentHeader, incoming.TraceParent);
            writer.WriteEndObject();
        }

        return json.WrittenSpan.ToArray();
    }

    /// <summary>The stored event at which a reader stands: id, stream, type, time and data.</summary>
    public static StoredEvent Read(NpgsqlDataReader reader)
    {
        var data = reader.GetFieldValue<byte[]>(4);
        return new StoredEvent(
            reader.GetGuid(1),
            reader.GetString(2),
            DateTimeOffset.Parse(reader.GetString(3), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
            new Lazy<JsonElement>(() => JsonElement.Parse(data)));
    }

    /// <summary>An event that is about to be stored, as it will be.</summary>
    public static StoredEvent Of(IncomingEvent incoming) =>
        new(incoming.StreamId, incoming.Type.WireType, incoming.Time, new Lazy<JsonElement>(() => Content(incoming)));

    /// <summary>Whether <paramref name="incoming"/>, which has this event's id, is this event: the same type, stream, time and data.</summary>
    public bool HasContentOf(IncomingEvent incoming) =>
        StreamId == incoming.StreamId
        && WireType == incoming.Type.WireType
        && Time == incoming.Time
        && JsonElement.DeepEquals(Data.Value, Content(incoming));

    /// <summary>What orders a stored event among others.</summary>
    public static Stamp Stamp(IEvent stored) =>
        new(ParseTime(stored.GetHeader(TimeHeader)?.ToString()) ?? stored.Timestamp, stored.Id);

    private static JsonElement Content(IncomingEvent incoming) => JsonSerializer.SerializeToElement(incoming.Data, incoming.Type.JsonType);

    private static DateTimeOffset? ParseTime(string? text) =>
        DateTimeOffset.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
