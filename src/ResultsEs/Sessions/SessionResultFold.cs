using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// How events make a session's document: pure, total, and free of order. Every step commutes with every other, because
/// each either keeps the greatest <see cref="EventOrder"/>, or adds to sums and to sets bounded by a total order. That makes
/// retries, several nodes and offline recorders harmless (events.md, rule 3).
/// </summary>
internal static class SessionResultFold
{
    /// <summary>The document after <paramref name="events"/>, each of which must be new to it.</summary>
    public static SessionResult Fold(Guid sessionId, SessionResult? before, IEnumerable<RecordedEvent> events)
    {
        var draft = SessionDraft.FromDocument(sessionId, before);
        foreach (var (stamp, data) in events)
            SessionEventTypes.Of(data).Fold(draft, stamp, data);
        return draft.ToDocument();
    }

    public static void Started(SessionDraft draft, EventOrder stamp, SessionStarted e)
    {
        if (!stamp.IsAfter(draft.Started))
            return;

        draft.Started = stamp;
        draft.Head = draft.Head with
        {
            TestId = e.TestId,
            WorkspaceId = e.WorkspaceId,
            ProductType = e.ProductType,
            StartTime = UtcMilliseconds(e.StartedAt),
            AudienceId = e.AudienceId,
            TestPlanId = e.TestPlanId,
        };
    }

    public static void Profiled(SessionDraft draft, EventOrder stamp, ParticipantProfiled e)
    {
        if (!stamp.IsAfter(draft.Profiled))
            return;

        draft.Profiled = stamp;
        draft.Head = draft.Head with { SessionParticipant = new(e.ParticipantId, [.. e.Demographics.Select(item => item with { Unknown = null })]) };
    }

    public static void Completed(SessionDraft draft, EventOrder stamp, SessionCompleted e) =>
        End(draft, stamp, SessionStatus.Complete, e.FinishedAt, cause: null);

    public static void Abandoned(SessionDraft draft, EventOrder stamp, SessionAbandonedV2 e) =>
        End(draft, stamp, SessionStatus.Abandoned, e.AbandonedAt, e.Cause);

    public static void Answered(SessionDraft draft, EventOrder stamp, TaskAnswered e) => draft.Task(e.TaskId).Answer(stamp, e);

    public static void Skipped(SessionDraft draft, EventOrder stamp, TaskSkipped e) => draft.Task(e.TaskId).Skip(stamp, e);

    public static void Transcribed(SessionDraft draft, EventOrder stamp, VerbalResponseTranscribed e) =>
        draft.Task(e.TaskId).Transcribe(new TranscriptPiece(stamp, e.Text, e.Language, e.Cues));

    public static void Interacted(SessionDraft draft, EventOrder stamp, FigmaInteractionRecorded e) =>
        draft.Task(e.TaskId).Interact(stamp, e);

    public static void Scored(SessionDraft draft, EventOrder stamp, TaskGroupScored e) =>
        draft.SettleGroup(stamp, new TaskGroupBody(e.TaskGroupId, "QX_SCORE", new TaskGroupResponse(e.Score, null)), new QxScore(
            e.Label,
            e.Score,
            e.Components.Behavioral,
            e.Components.Attitudinal,
            new QxScoreValues(e.Values.Behavioral, e.Values.Usability, e.Values.Trust, e.Values.Appearance, e.Values.Loyalty)));

    public static void Sequenced(SessionDraft draft, EventOrder stamp, ComparisonSequenced e) =>
        draft.SettleGroup(stamp, new TaskGroupBody(e.TaskGroupId, "BALANCED_COMPARISON", new TaskGroupResponse(null, e.Sequence)));

    /// <summary>The event alone holds the transcript; the document says which event.</summary>
    public static void SessionTranscribed(SessionDraft draft, EventOrder stamp, SessionTranscribed e)
    {
        if (stamp.IsAfter(draft.Transcribed))
            draft.Transcribed = stamp;
    }

    private static void End(SessionDraft draft, EventOrder stamp, SessionStatus status, DateTimeOffset at, AbandonCause? cause)
    {
        if (!stamp.IsAfter(draft.Ended))
            return;

        draft.Ended = stamp;
        draft.Head = draft.Head with { Status = status, FinishTime = UtcMilliseconds(at), AbandonCause = cause };
    }

    /// <summary>
    /// A moment as the document's JSON spells it, so that the column beside it holds the same: a column takes no other
    /// offset, and finer digits would be in it until the next event.
    /// </summary>
    private static DateTimeOffset UtcMilliseconds(DateTimeOffset at) =>
        new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
}
