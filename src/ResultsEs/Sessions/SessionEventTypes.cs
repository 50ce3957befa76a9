using System.Collections.Frozen;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>The events of sessions: wire type, record, validator and fold of each.</summary>
internal static class SessionEventTypes
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<EventType<SessionDraft>> All { get; } =
    [
        Event<SessionStarted>(new SessionStartedValidator(), SessionResultFold.Started, countsInTest: true),
        Event<ParticipantProfiled>(new ParticipantProfiledValidator(), SessionResultFold.Profiled),
        Event<TaskAnswered>(new TaskAnsweredValidator(), SessionResultFold.Answered, taskTypes: e => [TaskType.ListedAs(e.Answer.Type)]),
        Event<TaskSkipped>(new TaskSkippedValidator(), SessionResultFold.Skipped, taskTypes: e => [TaskType.ListedAs(e.TaskType),
            TaskType.Skipped]),
        Event<FigmaInteractionRecorded>(new FigmaInteractionRecordedValidator(), SessionResultFold.Interacted, taskTypes: _ => []),
        Event<VerbalResponseTranscribed>(new VerbalResponseTranscribedValidator(), SessionResultFold.Transcribed, taskTypes: _ => []),
        Event<TaskGroupScored>(new TaskGroupScoredValidator(), SessionResultFold.Scored, countsInTest: true),
        Event<ComparisonSequenced>(new ComparisonSequencedValidator(), SessionResultFold.Sequenced),
        Event<SessionTranscribed>(new SessionTranscribedValidator(), SessionResultFold.SessionTranscribed),
        Event<SessionCompleted>(new SessionCompletedValidator(), SessionResultFold.Completed, countsInTest: true),
        Earlier<SessionAbandoned, SessionAbandonedV2>(
            new SessionAbandonedValidator(),
            Upcasters.Abandoned,
            SessionResultFold.Abandoned,
            countsInTest: true),
        Event<SessionAbandonedV2>(new SessionAbandonedV2Validator(), SessionResultFold.Abandoned, countsInTest: true),
        Event<VideoRecorded>(new VideoRecordedValidator(), SessionMediaFold.Recorded),
        Event<ClipCreated>(new ClipCreatedValidator(), SessionMediaFold.Cut, countsInTest: true),
        Event<ClipGenerated>(new ClipGeneratedValidator(), SessionMediaFold.Generated),
        Event<ClipFailed>(new ClipFailedValidator(), SessionMediaFold.Failed),
        Event<ClipDeleted>(new ClipDeletedValidator(), SessionMediaFold.Deleted, countsInTest: true),
    ];

    private static readonly FrozenDictionary<Type, EventType<SessionDraft>> ByRecord = All.ToFrozenDictionary(type => type.Record);

    /// <summary>The entry of an event.</summary>
    public static EventType<SessionDraft> Of(StreamEvent data) => ByRecord[data.GetType()];

    private static EventType<SessionDraft, T> Event<T>(
        IValidator<T> validator,
        Action<SessionDraft, EventOrder, T> fold,
        bool countsInTest = false,
        Func<T, IReadOnlyList<string>>? taskTypes = null)
        where T : SessionEvent => new(SessionResultTable.StreamType, validator, fold, taskTypes) { CountsInTest = countsInTest };

    /// <summary>An event of which there is a later version: taken and stored as it is, and folded as that one.</summary>
    private static EventType<SessionDraft, T> Earlier<T, TLater>(
        IValidator<T> validator, Func<T, TLater> upcast, Action<SessionDraft, EventOrder, TLater> fold, bool countsInTest = false)
        where T : SessionEvent
        where TLater : SessionEvent => Event<T>(validator, (draft, stamp, e) => fold(draft, stamp, upcast(e)), countsInTest);
}
