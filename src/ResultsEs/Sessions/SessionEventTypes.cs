using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>The events of sessions: wire type, record, validator and fold of each.</summary>
internal static class SessionEventTypes
{
    public static IReadOnlyList<EventType<SessionDraft>> All { get; } =
    [
        Event<SessionStarted>(new SessionStartedValidator(), SessionResultFold.Started, countsInTest: true, isReserved: true),
        Event<ParticipantProfiled>(new ParticipantProfiledValidator(), SessionResultFold.Profiled, maxBytes: 128 * 1024),
        Event<TaskAnswered>(new TaskAnsweredValidator(), SessionResultFold.Answered, taskTypes: e => [TaskType.ListedAs(e.Answer.Type)]),
        Event<TaskSkipped>(
            new TaskSkippedValidator(), SessionResultFold.Skipped, taskTypes: e => [TaskType.ListedAs(e.TaskType), TaskType.Skipped]),
        Event<FigmaInteractionRecorded>(
            new FigmaInteractionRecordedValidator(), SessionResultFold.Interacted, taskTypes: _ => [], keptBytes: FigmaRun.MaxBytes),
        // The document has the transcript twice: in the answer that shows it, and beside it.
        Event<VerbalResponseTranscribed>(
            new VerbalResponseTranscribedValidator(), SessionResultFold.Transcribed, taskTypes: _ => [],
            maxBytes: 512 * 1024, keptCopies: 2),
        Event<TaskGroupScored>(new TaskGroupScoredValidator(), SessionResultFold.Scored, countsInTest: true),
        Event<ComparisonSequenced>(new ComparisonSequencedValidator(), SessionResultFold.Sequenced),
        Event<SessionTranscribed>(
            new SessionTranscribedValidator(), SessionResultFold.SessionTranscribed, maxBytes: 2 * 1024 * 1024, keptBytes: 0),
        Event<SessionCompleted>(new SessionCompletedValidator(), SessionResultFold.Completed, countsInTest: true, isReserved: true),
        Event<SessionAbandoned>(
            new SessionAbandonedValidator(),
            (draft, stamp, e) => SessionResultFold.Abandoned(draft, stamp, Upcasters.Abandoned(e)),
            countsInTest: true, isReserved: true),
        Event<SessionAbandonedV2>(
            new SessionAbandonedV2Validator(), SessionResultFold.Abandoned, countsInTest: true, isReserved: true),
        Event<SessionResumed>(new SessionResumedValidator(), SessionResultFold.Resumed, countsInTest: true, isReserved: true),
        Event<VideoRecorded>(new VideoRecordedValidator(), SessionMediaFold.Recorded),
        Event<ClipCreated>(new ClipCreatedValidator(), SessionMediaFold.Cut, countsInTest: true),
        Event<ClipGenerated>(new ClipGeneratedValidator(), SessionMediaFold.Generated),
        Event<ClipFailed>(new ClipFailedValidator(), SessionMediaFold.Failed),
        Event<ClipDeleted>(new ClipDeletedValidator(), SessionMediaFold.Deleted, countsInTest: true),
    ];

    private static readonly FrozenDictionary<Type, EventType<SessionDraft>> ByRecord = All.ToFrozenDictionary(type => type.Record);

    public static EventType<SessionDraft> Of(StreamEvent data) => ByRecord[data.GetType()];

    private static EventType<SessionDraft, T> Event<T>(
        IValidator<T> validator, Action<SessionDraft, EventOrder, T> fold, bool countsInTest = false,
        bool isReserved = false, Func<T, IReadOnlyList<string>>? taskTypes = null, int maxBytes = EventType.UsualMaxBytes,
        int keptBytes = int.MaxValue, int keptCopies = 1)
        where T : SessionEvent =>
        new(SessionResultTable.StreamType, validator, fold, taskTypes)
        {
            CountsInTest = countsInTest, IsReserved = isReserved, MaxBytes = maxBytes, KeptBytes = keptBytes, KeptCopies = keptCopies,
        };
}
