using System.Collections.Frozen;
using FluentValidation;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>The events of sessions: wire type, record, validator and fold of each.</summary>
internal static class SessionEventTypes
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<EventType<SessionDraft>> All { get; } =
    [
        Event<SessionStarted>("results.SessionStarted.v1", new SessionStartedValidator(), SessionResultFold.Started, countsInTest: true),
        Event<ParticipantProfiled>("results.ParticipantProfiled.v1", new ParticipantProfiledValidator(), SessionResultFold.Profiled),
        Event<TaskAnswered>(
            "results.TaskAnswered.v1",
            new TaskAnsweredValidator(),
            SessionResultFold.Answered,
            taskTypes: e => [TaskType.ListedAs(e.Answer.Type)]),
        Event<TaskSkipped>(
            "results.TaskSkipped.v1",
            new TaskSkippedValidator(),
            SessionResultFold.Skipped,
            taskTypes: e => [TaskType.ListedAs(e.TaskType),
            TaskType.Skipped]),
        Event<FigmaInteractionRecorded>(
            "results.FigmaInteractionRecorded.v1",
            new FigmaInteractionRecordedValidator(),
            SessionResultFold.Interacted,
            taskTypes: _ => []),
        Event<VerbalResponseTranscribed>(
            "results.VerbalResponseTranscribed.v1",
            new VerbalResponseTranscribedValidator(),
            SessionResultFold.Transcribed,
            taskTypes: _ => []),
        Event<TaskGroupScored>("results.TaskGroupScored.v1", new TaskGroupScoredValidator(), SessionResultFold.Scored, countsInTest: true),
        Event<ComparisonSequenced>("results.ComparisonSequenced.v1", new ComparisonSequencedValidator(), SessionResultFold.Sequenced),
        Event<SessionTranscribed>("results.SessionTranscribed.v1", new SessionTranscribedValidator(), SessionResultFold.SessionTranscribed),
        Event<SessionCompleted>(
            "results.SessionCompleted.v1",
            new SessionCompletedValidator(),
            SessionResultFold.Completed,
            countsInTest: true),
        Earlier<SessionAbandoned, SessionAbandonedV2>(
            "results.SessionAbandoned.v1",
            new SessionAbandonedValidator(),
            Upcasters.Abandoned,
            SessionResultFold.Abandoned,
            countsInTest: true),
        Event<SessionAbandonedV2>(
            "results.SessionAbandoned.v2",
            new SessionAbandonedV2Validator(),
            SessionResultFold.Abandoned,
            countsInTest: true),
        Event<VideoRecorded>("results.VideoRecorded.v1", new VideoRecordedValidator(), SessionMediaFold.Recorded),
        Event<ClipCreated>("results.ClipCreated.v1", new ClipCreatedValidator(), SessionMediaFold.Cut, countsInTest: true),
        Event<ClipGenerated>("results.ClipGenerated.v1", new ClipGeneratedValidator(), SessionMediaFold.Generated),
        Event<ClipFailed>("results.ClipFailed.v1", new ClipFailedValidator(), SessionMediaFold.Failed),
        Event<ClipDeleted>("results.ClipDeleted.v1", new ClipDeletedValidator(), SessionMediaFold.Deleted, countsInTest: true),
    ];

    private static readonly FrozenDictionary<Type, EventType<SessionDraft>> ByRecord = All.ToFrozenDictionary(type => type.Record);

    /// <summary>The entry of an event.</summary>
    public static EventType<SessionDraft> Of(StreamEvent data) => ByRecord[data.GetType()];

    private static EventType<SessionDraft, T> Event<T>(
        string wireType,
        IValidator<T> validator,
        Action<SessionDraft, Stamp, T> fold,
        bool countsInTest = false,
        Func<T, IReadOnlyList<string>>? taskTypes = null)
        where T : SessionEvent => new(SessionResultTable.StreamType, wireType, validator, fold, taskTypes) { CountsInTest = countsInTest };

    /// <summary>An event of which there is a later version: taken and stored as it is, and folded as that one.</summary>
    private static EventType<SessionDraft, T> Earlier<T, TLater>(
        string wireType, IValidator<T> validator, Func<T, TLater> upcast, Action<SessionDraft, Stamp, TLater> fold, bool countsInTest = false)
        where T : SessionEvent
        where TLater : SessionEvent => Event<T>(wireType, validator, (draft, stamp, e) => fold(draft, stamp, upcast(e)), countsInTest);
}
