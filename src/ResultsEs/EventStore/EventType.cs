using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using FluentValidation.Results;
using JasperFx.Events;
using Marten;
using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.EventStore;

/// <summary>A type of event: its wire name, record, validator and fold. Features list theirs; the catalogue puts the lists together.</summary>
internal abstract class EventType(string streamType, Type record)
{
    /// <summary>The type of the streams it belongs to, as Marten stores it beside them.</summary>
    public string StreamType { get; } = streamType;

    /// <summary>The CloudEvents <c>type</c>, and the name under which the event is stored.</summary>
    public string WireType { get; } = EventTypes.NameOf(record);

    /// <summary>The event's record.</summary>
    public Type Record { get; } = record;

    /// <summary>Whether it changes what its session adds to its test's totals.</summary>
    public bool CountsInTest { get; init; }

    /// <summary>The record's JSON contract.</summary>
    public abstract JsonTypeInfo JsonType { get; }

    /// <summary>Reads the CloudEvent's <c>data</c>.</summary>
    /// <exception cref="JsonException">The JSON does not have the record's shape.</exception>
    public abstract StreamEvent Read(ReadOnlySpan<byte> data);

    /// <summary>Checks the event's rules.</summary>
    public abstract ValidationResult Validate(StreamEvent data);

    /// <summary>
    /// Task types that this event can add to the <c>task_types</c> column.
    /// Null: the event may change other columns or totals, so its document write cannot be deferred.
    /// </summary>
    public abstract IReadOnlyList<string>? TaskTypesOf(StreamEvent data);

    /// <summary>The event in the envelope in which Marten appends it.</summary>
    public abstract IEvent Envelope(StreamEvent data);

    /// <summary>Tells Marten the name under which the event is stored.</summary>
    public abstract void Register(StoreOptions options);
}

/// <summary>An event type of the streams that fold into a <typeparamref name="TState"/>.</summary>
internal abstract class EventType<TState>(string streamType, Type record) : EventType(streamType, record)
{
    /// <summary>Folds the event into the state of its stream.</summary>
    public abstract void Fold(TState state, EventOrder stamp, StreamEvent data);
}

/// <inheritdoc/>
internal sealed class EventType<TState, T>(
    string streamType, IValidator<T> validator, Action<TState, EventOrder, T> fold, Func<T, IReadOnlyList<string>>? taskTypes = null)
    : EventType<TState>(streamType, typeof(T))
    where T : StreamEvent
{
    /// <inheritdoc/>
    public override JsonTypeInfo JsonType => Json.Of<T>();

    /// <inheritdoc/>
    public override StreamEvent Read(ReadOnlySpan<byte> data) =>
        JsonSerializer.Deserialize(data, Json.Of<T>()) ?? throw new JsonException("must be an object");

    /// <inheritdoc/>
    public override ValidationResult Validate(StreamEvent data) => validator.Validate((T)data);

    /// <inheritdoc/>
    public override void Fold(TState state, EventOrder stamp, StreamEvent data) => fold(state, stamp, (T)data);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? TaskTypesOf(StreamEvent data) => taskTypes?.Invoke((T)data);

    /// <inheritdoc/>
    public override IEvent Envelope(StreamEvent data) => new Event<T>((T)data);

    /// <inheritdoc/>
    public override void Register(StoreOptions options)
    {
        options.Events.AddEventType<T>();
        options.Events.MapEventType<T>(WireType);
    }
}
