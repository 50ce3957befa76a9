using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using FluentValidation.Results;
using JasperFx.Events;
using Marten;
using ResultsEs.Contracts;
using ResultsEs.SessionResults;

namespace ResultsEs.Ingestion;

/// <summary>
/// The list of events: wire type, record, validator and fold of each. Nothing else in the service knows which events
/// there are.
/// </summary>
internal static class EventCatalogue
{
    /// <summary>All events that are taken.</summary>
    public static IReadOnlyList<EventType> All { get; } =
    [
        Event<SessionStarted>("results.SessionStarted.v1", new SessionStartedValidator(), SessionResultFold.Started),
        Event<ParticipantProfiled>("results.ParticipantProfiled.v1", new ParticipantProfiledValidator(), SessionResultFold.Profiled),
        Event<TaskAnswered>("results.TaskAnswered.v1", new TaskAnsweredValidator(), SessionResultFold.Answered),
        Event<TaskSkipped>("results.TaskSkipped.v1", new TaskSkippedValidator(), SessionResultFold.Skipped),
        Event<FigmaInteractionRecorded>("results.FigmaInteractionRecorded.v1", new FigmaInteractionRecordedValidator(), SessionResultFold.Interacted),
        Event<VerbalResponseTranscribed>("results.VerbalResponseTranscribed.v1", new VerbalResponseTranscribedValidator(), SessionResultFold.Transcribed),
        Event<TaskGroupScored>("results.TaskGroupScored.v1", new TaskGroupScoredValidator(), SessionResultFold.Scored),
        Event<ComparisonSequenced>("results.ComparisonSequenced.v1", new ComparisonSequencedValidator(), SessionResultFold.Sequenced),
        Event<SessionTranscribed>("results.SessionTranscribed.v1", new SessionTranscribedValidator(), SessionResultFold.SessionTranscribed),
        Event<SessionCompleted>("results.SessionCompleted.v1", new SessionCompletedValidator(), SessionResultFold.Completed),
        Event<SessionAbandoned>("results.SessionAbandoned.v1", new SessionAbandonedValidator(), SessionResultFold.Abandoned),
    ];

    private static readonly FrozenDictionary<string, EventType> ByWireType =
        All.ToFrozenDictionary(type => type.WireType, StringComparer.Ordinal);

    private static readonly FrozenDictionary<Type, EventType> ByRecord = All.ToFrozenDictionary(type => type.Record);

    /// <summary>The event with this CloudEvents <c>type</c>, or null when this version does not know it.</summary>
    public static EventType? Find(string wireType) => ByWireType.GetValueOrDefault(wireType);

    /// <summary>The catalogue's entry of an event.</summary>
    public static EventType Of(SessionEvent data) => ByRecord[data.GetType()];

    private static EventType<T> Event<T>(string wireType, IValidator<T> validator, Action<SessionDraft, Stamp, T> fold)
        where T : SessionEvent => new(wireType, validator, fold);
}

/// <summary>An entry of the <see cref="EventCatalogue"/>.</summary>
internal abstract class EventType(string wireType, Type record)
{
    /// <summary>The CloudEvents <c>type</c>, and the name under which the event is stored.</summary>
    public string WireType { get; } = wireType;

    /// <summary>The event's record.</summary>
    public Type Record { get; } = record;

    /// <summary>The record's JSON contract.</summary>
    public abstract JsonTypeInfo JsonType { get; }

    /// <summary>Reads the CloudEvent's <c>data</c>.</summary>
    /// <exception cref="JsonException">The JSON does not have the record's shape.</exception>
    public abstract SessionEvent Read(ReadOnlySpan<byte> data);

    /// <summary>Checks the event's rules.</summary>
    public abstract ValidationResult Validate(SessionEvent data);

    /// <summary>Folds the event into a session.</summary>
    public abstract void Fold(SessionDraft draft, Stamp stamp, SessionEvent data);

    /// <summary>The event as Marten appends it, with the producer's id.</summary>
    public abstract IEvent Envelope(Guid id, SessionEvent data);

    /// <summary>Tells Marten the name under which the event is stored.</summary>
    public abstract void Register(StoreOptions options);
}

/// <inheritdoc/>
internal sealed class EventType<T>(string wireType, IValidator<T> validator, Action<SessionDraft, Stamp, T> fold)
    : EventType(wireType, typeof(T))
    where T : SessionEvent
{
    /// <inheritdoc/>
    public override JsonTypeInfo JsonType => Json.Of<T>();

    /// <inheritdoc/>
    public override SessionEvent Read(ReadOnlySpan<byte> data) =>
        JsonSerializer.Deserialize(data, Json.Of<T>()) ?? throw new JsonException("must be an object");

    /// <inheritdoc/>
    public override ValidationResult Validate(SessionEvent data) => validator.Validate((T)data);

    /// <inheritdoc/>
    public override void Fold(SessionDraft draft, Stamp stamp, SessionEvent data) => fold(draft, stamp, (T)data);

    /// <inheritdoc/>
    public override IEvent Envelope(Guid id, SessionEvent data) => new Event<T>((T)data) { Id = id };

    /// <inheritdoc/>
    public override void Register(StoreOptions options)
    {
        options.Events.AddEventType<T>();
        options.Events.MapEventType<T>(WireType);
    }
}
