using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>The events of sessions: wire type, record, validator, fold and mask of each.</summary>
internal static class SessionEventTypes
{
    public static IReadOnlyList<EventType<SessionDraft>> All { get; } =
    [
        Event<SessionStarted>(
            new SessionStartedValidator(), SessionResultFold.Started, SessionMasks.Same, countsInTest: true, isReserved: true),
        Event<ParticipantProfiled>(
            new ParticipantProfiledValidator(), SessionResultFold.Profiled, SessionMasks.Profiled,
            maxBytes: 128 * 1024),
        Event<TaskAnswered>(
            new TaskAnsweredValidator(), SessionResultFold.Answered, SessionMasks.Answered,
            taskTypes: e => [TaskType.ListedAs(e.Answer.Type)]),
        Event<TaskSkipped>(
            new TaskSkippedValidator(), SessionResultFold.Skipped, SessionMasks.Skipped,
            taskTypes: e => [TaskType.ListedAs(e.TaskType), TaskType.Skipped]),
        Event<FigmaInteractionRecorded>(
            new FigmaInteractionRecordedValidator(), SessionResultFold.Interacted, SessionMasks.Interacted, taskTypes: _ => [],
            keptBytes: FigmaRun.MaxBytes),
        // The document has the transcript twice: in the answer that shows it, and beside it.
        Event<VerbalResponseTranscribed>(
            new VerbalResponseTranscribedValidator(), SessionResultFold.Transcribed, SessionMasks.Transcribed, taskTypes: _ => [],
            maxBytes: 512 * 1024, keptCopies: 2),
        Event<TaskGroupScored>(new TaskGroupScoredValidator(), SessionResultFold.Scored, SessionMasks.Scored, countsInTest: true),
        Event<ComparisonSequenced>(new ComparisonSequencedValidator(), SessionResultFold.Sequenced, SessionMasks.Sequenced),
        Event<SessionTranscribed>(
            new SessionTranscribedValidator(), SessionResultFold.SessionTranscribed, SessionMasks.SessionTranscribed,
            maxBytes: 2 * 1024 * 1024, keptBytes: 0),
        Event<SessionCompleted>(
            new SessionCompletedValidator(), SessionResultFold.Completed, SessionMasks.Same, countsInTest: true, isReserved: true),
        Event<SessionAbandoned>(
            new SessionAbandonedValidator(),
            (draft, stamp, e) => SessionResultFold.Abandoned(draft, stamp, Upcasters.Abandoned(e)),
            SessionMasks.Abandoned,
            countsInTest: true, isReserved: true),
        Event<SessionAbandonedV2>(
            new SessionAbandonedV2Validator(), SessionResultFold.Abandoned, SessionMasks.AbandonedV2, countsInTest: true,
            isReserved: true),
        Event<SessionResumed>(
            new SessionResumedValidator(), SessionResultFold.Resumed, SessionMasks.Same, countsInTest: true, isReserved: true),
        Event<VideoRecorded>(new VideoRecordedValidator(), SessionMediaFold.Recorded, SessionMasks.Recorded),
        Event<ClipCreated>(new ClipCreatedValidator(), SessionMediaFold.Cut, SessionMasks.Cut, countsInTest: true),
        Event<ClipGenerated>(new ClipGeneratedValidator(), SessionMediaFold.Generated, SessionMasks.Generated),
        Event<ClipFailed>(new ClipFailedValidator(), SessionMediaFold.Failed, SessionMasks.Failed),
        Event<ClipDeleted>(new ClipDeletedValidator(), SessionMediaFold.Deleted, SessionMasks.Same, countsInTest: true),
    ];

    private static readonly FrozenDictionary<Type, EventType<SessionDraft>> ByRecord = All.ToFrozenDictionary(type => type.Record);

    public static EventType<SessionDraft> Of(StreamEvent data) => ByRecord[data.GetType()];

    private static EventType<SessionDraft, T> Event<T>(
        IValidator<T> validator, Action<SessionDraft, EventOrder, T> fold, Func<T, Masking, T> mask, bool countsInTest = false,
        bool isReserved = false, Func<T, IReadOnlyList<string>>? taskTypes = null, int maxBytes = EventType.UsualMaxBytes,
        int keptBytes = int.MaxValue, int keptCopies = 1)
        where T : SessionEvent =>
        new(SessionResultTable.StreamType, validator, fold, mask, taskTypes)
        {
            CountsInTest = countsInTest,
            IsReserved = isReserved,
            MaxBytes = maxBytes,
            KeptBytes = keptBytes,
            KeptCopies = keptCopies,
        };
}
