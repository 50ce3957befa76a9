using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using FluentValidation.Results;
using Marten;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.Media;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.Ingestion;

/// <summary>
/// The list of events: record, validator and fold of each. Nothing else in the service knows which events there are.
/// </summary>
internal static class EventCatalogue
{
    /// <summary>All events that are taken.</summary>
    public static IReadOnlyList<EventType> All { get; } =
    [
        Event<SessionStarted>(new SessionStartedValidator(), SessionResultFold.Started, countsInTest: true),
        Event<ParticipantProfiled>(new ParticipantProfiledValidator(), SessionResultFold.Profiled),
        Event<TaskAnswered>(new TaskAnsweredValidator(), SessionResultFold.Answered, lists: e => [TaskType.ListedAs(e.Answer.Type)]),
        Event<TaskSkipped>(new TaskSkippedValidator(), SessionResultFold.Skipped, lists: e => [TaskType.ListedAs(e.TaskType), TaskType.Skipped]),
        Event<FigmaInteractionRecorded>(new FigmaInteractionRecordedValidator(), SessionResultFold.Interacted, lists: _ => []),
        Event<VerbalResponseTranscribed>(new VerbalResponseTranscribedValidator(), SessionResultFold.Transcribed, lists: _ => []),
        Event<TaskGroupScored>(new TaskGroupScoredValidator(), SessionResultFold.Scored, countsInTest: true),
        Event<ComparisonSequenced>(new ComparisonSequencedValidator(), SessionResultFold.Sequenced),
        Event<SessionTranscribed>(new SessionTranscribedValidator(), SessionResultFold.SessionTranscribed),
        Event<SessionCompleted>(new SessionCompletedValidator(), SessionResultFold.Completed, countsInTest: true),
        Earlier<SessionAbandoned, SessionAbandonedV2>(new SessionAbandonedValidator(), Upcasters.Abandoned, SessionResultFold.Abandoned, countsInTest: true),
        Event<SessionAbandonedV2>(new SessionAbandonedV2Validator(), SessionResultFold.Abandoned, countsInTest: true),
        Event<VideoRecorded>(new VideoRecordedValidator(), SessionMediaFold.Recorded),
        Event<ClipCreated>(new ClipCreatedValidator(), SessionMediaFold.Cut, countsInTest: true),
        Event<ClipGenerated>(new ClipGeneratedValidator(), SessionMediaFold.Generated),
        Event<ClipFailed>(new ClipFailedValidator(), SessionMediaFold.Failed),
        Event<ClipDeleted>(new ClipDeletedValidator(), SessionMediaFold.Deleted, countsInTest: true),
        ReelEvent<HighlightReelPublished>(new HighlightReelPublishedValidator(), HighlightReelFold.Published),
        ReelEvent<HighlightReelGenerated>(new HighlightReelGeneratedValidator(), HighlightReelFold.Generated),
        ReelEvent<HighlightReelFailed>(new HighlightReelFailedValidator(), HighlightReelFold.Failed),
        ReelEvent<HighlightReelDeleted>(new HighlightReelDeletedValidator(), HighlightReelFold.Deleted),
    ];

    private static readonly FrozenDictionary<string, EventType> ByWireType =
        All.ToFrozenDictionary(type => type.WireType, StringComparer.Ordinal);

    private static readonly FrozenDictionary<Type, EventType> ByRecord = All.ToFrozenDictionary(type => type.Record);

    /// <summary>The event with this CloudEvents <c>type</c>, or null when this version does not know it.</summary>
    public static EventType? Find(string wireType) => ByWireType.GetValueOrDefault(wireType);

    /// <summary>The catalogue's entry of an event.</summary>
    public static EventType Of(StreamEvent data) => ByRecord[data.GetType()];

    /// <summary>Folds an event into the state of its stream.</summary>
    public static void Fold<TState>(TState state, Stamp stamp, StreamEvent data) => ((EventType<TState>)Of(data)).Fold(state, stamp, data);

    private static EventType Event<T>(
        IValidator<T> validator, Action<SessionDraft, Stamp, T> fold, bool countsInTest = false, Func<T, IReadOnlyList<string>>? lists = null)
        where T : SessionEvent => new EventType<SessionDraft, T>(validator, fold, lists) { CountsInTest = countsInTest };

    /// <summary>An event of which there is a later version: taken and stored as it is, and folded as that one.</summary>
    private static EventType Earlier<T, TLater>(
        IValidator<T> validator, Func<T, TLater> upcast, Action<SessionDraft, Stamp, TLater> fold, bool countsInTest = false)
        where T : SessionEvent
        where TLater : SessionEvent => Event<T>(validator, (draft, stamp, e) => fold(draft, stamp, upcast(e)), countsInTest);

    private static EventType ReelEvent<T>(IValidator<T> validator, Action<HighlightReelDraft, Stamp, T> fold)
        where T : HighlightReelEvent => new EventType<HighlightReelDraft, T>(validator, fold);
}

/// <summary>An entry of the <see cref="EventCatalogue"/>.</summary>
internal abstract class EventType(Type record)
{
    /// <summary>The CloudEvents <c>type</c>, and the name under which the event is stored.</summary>
    public string WireType { get; } = EventTypes.NameOf(record);

    /// <summary>The event's record.</summary>
    public Type Record { get; } = record;

    /// <summary>The record's name, as Marten stores it beside the event.</summary>
    public string DotNetType { get; } = $"{record.FullName}, {record.Assembly.GetName().Name}";

    /// <summary>Whether it is a highlight reel's and not a session's.</summary>
    public bool IsOfReel => this is EventType<HighlightReelDraft>;

    /// <summary>Whether it changes what its session adds to its test's totals (<see cref="TestTotalsUpdater"/>).</summary>
    public bool CountsInTest { get; init; }

    /// <summary>The record's JSON contract.</summary>
    public abstract JsonTypeInfo JsonType { get; }

    /// <summary>Reads the CloudEvent's <c>data</c>.</summary>
    /// <exception cref="JsonException">The JSON does not have the record's shape.</exception>
    public abstract StreamEvent Read(ReadOnlySpan<byte> data);

    /// <summary>Checks the event's rules.</summary>
    public abstract ValidationResult Validate(StreamEvent data);

    /// <summary>
    /// The task types that the event may add to those by which lists find its session, where it changes nothing else that stands beside the document
    /// (<see cref="SessionResultColumns"/>) or is counted; null where it may.
    /// </summary>
    public abstract IReadOnlyList<string>? TaskTypesOf(StreamEvent data);

    /// <summary>Tells Marten the name under which the event is stored.</summary>
    public abstract void Register(StoreOptions options);
}

/// <summary>An event of the streams that fold into a <typeparamref name="TState"/>.</summary>
internal abstract class EventType<TState>(Type record) : EventType(record)
{
    /// <summary>Folds the event into the state of its stream.</summary>
    public abstract void Fold(TState state, Stamp stamp, StreamEvent data);
}

/// <inheritdoc/>
internal sealed class EventType<TState, T>(IValidator<T> validator, Action<TState, Stamp, T> fold, Func<T, IReadOnlyList<string>>? lists = null)
    : EventType<TState>(typeof(T))
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
    public override void Fold(TState state, Stamp stamp, StreamEvent data) => fold(state, stamp, (T)data);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? TaskTypesOf(StreamEvent data) => lists?.Invoke((T)data);

    /// <inheritdoc/>
    public override void Register(StoreOptions options)
    {
        options.Events.AddEventType<T>();
        options.Events.MapEventType<T>(WireType);
    }
}
