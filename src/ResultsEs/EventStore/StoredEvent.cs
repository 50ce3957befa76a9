using JasperFx.Events;

namespace ResultsEs.EventStore;

/// <summary>
/// A stored event, reduced to what decides whether another event with its id is the same. Of one that is masked nobody can tell what it
/// said.
/// </summary>
internal sealed record StoredEvent(
    Guid Id, Guid StreamId, string WireType, DateTimeOffset Time, Lazy<JsonElement> Data, bool IsErased = false)
{
    /// <summary>The header that holds the CloudEvent's <c>time</c>, in UTC.</summary>
    public const string TimeHeader = "time";

    /// <summary>The header that holds the CloudEvent's <c>source</c>.</summary>
    public const string SourceHeader = "source";

    /// <summary>The header that holds the CloudEvent's <c>traceparent</c>.</summary>
    public const string TraceParentHeader = "traceparent";

    /// <summary>Wraps an event for Marten: the recorder's id, the database's time; sender and other attributes are headers.</summary>
    public static IEvent Envelope(IncomingEvent incoming, DateTimeOffset recorded)
    {
        var envelope = incoming.Type.Envelope(incoming.Data);
        (envelope.Id, envelope.Timestamp) = (incoming.Id, recorded);
        envelope.Headers = new Dictionary<string, object>(4, StringComparer.Ordinal)
        {
            [TimeHeader] = incoming.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
            [SourceHeader] = incoming.Source,
        };
        if (incoming.Sender.Header is { } sender)
            envelope.Headers[Sender.HeaderName] = sender;
        if (incoming.TraceParent is not null)
            envelope.Headers[TraceParentHeader] = incoming.TraceParent;
        if (incoming.Erasure is { } erasure)
            envelope.Headers[Erased.Header] = erasure.ToString("D");
        return envelope;
    }

    /// <summary>The event to store in the place of a stored one, at the same position.</summary>
    public static IEvent Masked(IEvent stored, EventType type, Masking masking, Guid erasure)
    {
        var envelope = type.Envelope(type.Masked((StreamEvent)stored.Data, masking));
        (envelope.Id, envelope.Sequence, envelope.Version, envelope.Timestamp) =
            (stored.Id, stored.Sequence, stored.Version, stored.Timestamp);
        (envelope.StreamId, envelope.TenantId) = (stored.StreamId, stored.TenantId);
        (envelope.EventTypeName, envelope.DotNetTypeName) = (stored.EventTypeName, stored.DotNetTypeName);
        envelope.Headers = new Dictionary<string, object>(stored.Headers ?? [], StringComparer.Ordinal)
        {
            [TimeHeader] = StampOf(stored).At.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
            [SourceHeader] = Masking.Source,
            [Erased.Header] = erasure.ToString("D"),
        };
        envelope.Headers.Remove(TraceParentHeader);
        return envelope;
    }

    /// <summary>Reads the current row: id, stream, type, time, data, and whether it is masked.</summary>
    public static StoredEvent Read(DbDataReader reader)
    {
        var data = reader.GetFieldValue<byte[]>(4);
        return new StoredEvent(
            reader.GetGuid(0),
            reader.GetGuid(1),
            reader.GetString(2),
            DateTimeOffset.Parse(reader.GetString(3), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
            new Lazy<JsonElement>(() => JsonElement.Parse(data)),
            reader.GetBoolean(5));
    }

    /// <summary>Makes the stored event that an incoming one will be.</summary>
    public static StoredEvent Of(IncomingEvent incoming) =>
        new(incoming.Id, incoming.StreamId, incoming.Type.WireType, incoming.Time, new Lazy<JsonElement>(() => Content(incoming)));

    /// <summary>True when an event with the same id has the same stream, type and time, and data where that is known.</summary>
    public bool HasContentOf(IncomingEvent incoming) =>
        StreamId == incoming.StreamId
        && WireType == incoming.Type.WireType
        && Time == incoming.Time
        && (IsErased || incoming.Type.Says(Data.Value, incoming.Data));

    /// <summary>Reads a stored event's place in the event order.</summary>
    public static EventOrder StampOf(IEvent stored) =>
        EventOrder.Of(
            TimeOf(stored.GetHeader(TimeHeader)) ?? Microseconds(stored.Timestamp), stored.Id, Microseconds(stored.Timestamp));

    /// <summary>Reads a stored event's sender.</summary>
    public static Sender SenderOf(IEvent stored) => new(stored.GetHeader(Sender.HeaderName) as string);

    private static JsonElement Content(IncomingEvent incoming) => JsonSerializer.SerializeToElement(incoming.Data, incoming.Type.JsonType);

    // The precision of a stored timestamp.
    private static DateTimeOffset Microseconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));

    // The header is stored as text, but Marten's serializer reads a text that looks like a time as a time.
    private static DateTimeOffset? TimeOf(object? header) => header switch
    {
        DateTimeOffset time => time,
        DateTime time => new DateTimeOffset(time.ToUniversalTime()),
        string text when DateTimeOffset.TryParseExact(
            text, "O", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) => time,
        _ => null,
    };
}
