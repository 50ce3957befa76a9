using FluentValidation.Results;
using JasperFx.Events;
using Marten;

namespace ResultsEs.EventStore;

/// <summary>A type of event: its wire name, record, validator and fold. Each feature lists its own for the catalogue.</summary>
internal abstract class EventType(string streamType, Type record)
{
    /// <summary>The greatest size of an event whose type has no limit of its own.</summary>
    public const int UsualMaxBytes = 256 * 1024;

    // What the fold notes of an event and its task beside their own members, roughly.
    private const int KeptOverhead = 256;

    /// <summary>The type of its streams, as Marten stores it.</summary>
    public string StreamType { get; } = streamType;

    /// <summary>The CloudEvents <c>type</c>, and the name under which the event is stored.</summary>
    public string WireType { get; } = EventTypes.NameOf(record);

    public Type Record { get; } = record;

    /// <summary>The greatest size of such an event, its attributes included, in bytes as stored.</summary>
    public int MaxBytes { get; init; } = UsualMaxBytes;

    /// <summary>The most bytes that a document keeps of such an event.</summary>
    public int KeptBytes { get; init; } = int.MaxValue;

    /// <summary>How often the document has what it keeps of such an event.</summary>
    public int KeptCopies { get; init; } = 1;

    /// <summary>True when the event is taken by a full stream too, into the reserve of <see cref="StreamLimits"/>.</summary>
    public bool IsReserved { get; init; }

    /// <summary>True when the event can change what its session adds to its test's totals.</summary>
    public bool CountsInTest { get; init; }

    public abstract JsonTypeInfo JsonType { get; }

    /// <summary>Reads an event from a CloudEvent's <c>data</c>.</summary>
    /// <exception cref="JsonException">The JSON does not have the record's shape.</exception>
    public abstract StreamEvent Read(ReadOnlySpan<byte> data);

    /// <summary>Writes an event's data as it is stored.</summary>
    public abstract byte[] Write(StreamEvent data);

    /// <summary>The bytes that an event of this size adds to its document, as long as that has not taken it in.</summary>
    public long GrowthOf(long bytes) => KeptOverhead + (KeptCopies * Math.Min(bytes, KeptBytes));

    public abstract ValidationResult Validate(StreamEvent data);

    /// <summary>True when stored data says the same as an event's, by value: moments, numbers and members in any spelling.</summary>
    public abstract bool Says(JsonElement stored, StreamEvent data);

    /// <summary>Task types that an event can add to the <c>task_types</c> column. Null: it may change more, so never defer it.</summary>
    public abstract IReadOnlyList<string>? TaskTypesOf(StreamEvent data);

    /// <summary>The event without personal data, and without members that this version does not know.</summary>
    public abstract StreamEvent Masked(StreamEvent data, Masking masking);

    /// <summary>Wraps an event in Marten's envelope, for appending.</summary>
    public abstract IEvent Envelope(StreamEvent data);

    /// <summary>Registers the event with Marten under its wire name.</summary>
    public abstract void Register(StoreOptions options);
}

/// <summary>An event type of the streams that fold into a <typeparamref name="TState"/>.</summary>
internal abstract class EventType<TState>(string streamType, Type record) : EventType(streamType, record)
{
    public abstract void Fold(TState state, EventOrder stamp, StreamEvent data);
}

internal sealed class EventType<TState, T>(
    string streamType, IValidator<T> validator, Action<TState, EventOrder, T> fold, Func<T, Masking, T> mask,
    Func<T, IReadOnlyList<string>>? taskTypes = null)
    : EventType<TState>(streamType, typeof(T))
    where T : StreamEvent
{
    public override JsonTypeInfo JsonType => Json.Of<T>();

    public override StreamEvent Read(ReadOnlySpan<byte> data) =>
        JsonSerializer.Deserialize(data, Json.Of<T>()) ?? throw new JsonException("must be an object");

    public override byte[] Write(StreamEvent data) => JsonSerializer.SerializeToUtf8Bytes((T)data, Json.Of<T>());

    public override ValidationResult Validate(StreamEvent data) => validator.Validate((T)data);

    public override bool Says(JsonElement stored, StreamEvent data)
    {
        if (JsonElement.DeepEquals(stored, JsonSerializer.SerializeToElement((T)data, Json.Of<T>())))
            return true;

        try
        {
            return stored.Deserialize(Json.Of<T>()) is { } read && JsonElement.DeepEquals(Compared(read), Compared((T)data));
        }
        catch (JsonException)
        {
            // Nobody can send it again in words that this version takes.
            return false;
        }
    }

    public override void Fold(TState state, EventOrder stamp, StreamEvent data) => fold(state, stamp, (T)data);

    public override IReadOnlyList<string>? TaskTypesOf(StreamEvent data) => taskTypes?.Invoke((T)data);

    public override StreamEvent Masked(StreamEvent data, Masking masking) =>
        Read(JsonSerializer.SerializeToUtf8Bytes(mask((T)data, masking), Json.Shown<T>()));

    public override IEvent Envelope(StreamEvent data) => new Event<T>((T)data);

    public override void Register(StoreOptions options)
    {
        options.Events.AddEventType<T>();
        options.Events.MapEventType<T>(WireType);
    }

    private static JsonElement Compared(T data) => JsonSerializer.SerializeToElement(data, Json.Compared<T>());
}
