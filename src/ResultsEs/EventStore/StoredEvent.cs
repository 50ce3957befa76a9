using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using JasperFx.Events;
using ResultsEs.Common;

namespace ResultsEs.EventStore;

/// <summary>What of a stored event decides whether another with its id is the same.</summary>
internal sealed record StoredEvent(Guid Id, Guid StreamId, string WireType, DateTimeOffset Time, Lazy<JsonElement> Data)
{
    /// <summary>The header with the CloudEvent's <c>time</c>, UTC.</summary>
    public const string TimeHeader = "time";

    private const string SourceHeader = "source";
    private const string TraceParentHeader = "traceparent";

    /// <summary>The event as Marten appends it: under the recorder's id, with the CloudEvent's other attributes as headers.</summary>
    /// <param name="incoming">The event.</param>
    /// <param name="recorded">The database's time at which it is stored.</param>
    public static IEvent Envelope(IncomingEvent incoming, DateTimeOffset recorded)
    {
        var envelope = incoming.Type.Envelope(incoming.Data);
        (envelope.Id, envelope.Timestamp) = (incoming.Id, recorded);
        envelope.Headers = new Dictionary<string, object>(3, StringComparer.Ordinal)
        {
            [TimeHeader] = incoming.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
            [SourceHeader] = incoming.Source,
        };
        if (incoming.TraceParent is not null)
            envelope.Headers[TraceParentHeader] = incoming.TraceParent;
        return envelope;
    }

    /// <summary>The stored event at which a reader stands: id, stream, type, time and data.</summary>
    public static StoredEvent Read(DbDataReader reader)
    {
        var data = reader.GetFieldValue<byte[]>(4);
        return new StoredEvent(
            reader.GetGuid(0),
            reader.GetGuid(1),
            reader.GetString(2),
            DateTimeOffset.Parse(reader.GetString(3), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
            new Lazy<JsonElement>(() => JsonElement.Parse(data)));
    }

    /// <summary>An event that is about to be stored, as it will be.</summary>
    public static StoredEvent Of(IncomingEvent incoming) =>
        new(incoming.Id, incoming.StreamId, incoming.Type.WireType, incoming.Time, new Lazy<JsonElement>(() => Content(incoming)));

    /// <summary>Whether <paramref name="incoming"/>, which has this event's id, is this event: the same type, stream, time and data.</summary>
    public bool HasContentOf(IncomingEvent incoming) =>
        StreamId == incoming.StreamId
        && WireType == incoming.Type.WireType
        && Time == incoming.Time
        && JsonElement.DeepEquals(Data.Value, Content(incoming));

    /// <summary>What orders a stored event among others.</summary>
    public static EventOrder StampOf(IEvent stored) =>
        new(TimeOf(stored.GetHeader(TimeHeader)) ?? Microseconds(stored.Timestamp), stored.Id);

    private static JsonElement Content(IncomingEvent incoming) => JsonSerializer.SerializeToElement(incoming.Data, incoming.Type.JsonType);

    // As the database keeps it.
    private static DateTimeOffset Microseconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));

    // The text that is stored. Marten's serializer reads a text that looks like a time as one.
    private static DateTimeOffset? TimeOf(object? header) => header switch
    {
        DateTimeOffset time => time,
        DateTime time => new DateTimeOffset(time.ToUniversalTime()),
        string text when DateTimeOffset.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) => time,
        _ => null,
    };
}
