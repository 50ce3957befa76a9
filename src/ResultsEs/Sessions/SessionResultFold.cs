using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// The fold of a session's events into its document: pure, total and order-free (events.md, rule 3).
/// Steps commute: each keeps the greatest <see cref="EventOrder"/>, or adds to sums and to sets bounded by a total order.
/// So retries, several nodes and offline recorders do no harm.
/// </summary>
internal static class SessionResultFold
{
    /// <summary>Folds <paramref name="events"/> into the document. Each of them must be new to it.</summary>
    public static SessionResult Fold(Guid sessionId, SessionResult? before, IEnumerable<RecordedEvent> events)
    {
        var draft = SessionDraft.FromDocument(sessionId, before);
        foreach (var (stamp, data, _) in events)
            SessionEventTypes.Of(data).Fold(draft, stamp, data);
        return draft.ToDocument();
    }

    public static void Started(SessionDraft draft, EventOrder stamp, SessionStarted e)
    {
        if (!stamp.IsAfter(draft.Fold.Started))
            return;

        draft.Fold = draft.Fold with { Started = stamp };
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
        if (!stamp.IsAfter(draft.Fold.Profiled))
            return;

        draft.Fold = draft.Fold with { Profiled = stamp };
        var demographics = e.Demographics.Select(item => new DemographicInfo(item.Id, item.Code, item.Label, item.Value, item.Type));
        draft.Head = draft.Head with { SessionParticipant = new(e.ParticipantId, [.. demographics]) };
    }

    public static void Completed(SessionDraft draft, EventOrder stamp, SessionCompleted e)
    {
        if (stamp.IsAfter(draft.Fold.Completed?.Order))
            draft.Fold = draft.Fold with { Completed = new(stamp, UtcMilliseconds(e.FinishedAt), Cause: null) };
    }

    public static void Abandoned(SessionDraft draft, EventOrder stamp, SessionAbandonedV2 e)
    {
        if (stamp.IsAfter(draft.Fold.Abandoned?.Order))
            draft.Fold = draft.Fold with { Abandoned = new(stamp, UtcMilliseconds(e.AbandonedAt), e.Cause) };
    }

    public static void Resumed(SessionDraft draft, EventOrder stamp, SessionResumed e)
    {
        if (stamp.IsAfter(draft.Fold.Resumed))
            draft.Fold = draft.Fold with { Resumed = stamp };
    }

    /// <summary>
    /// The session with its state. What was completed stays so, whatever a recorder says of a tab that closes afterwards. What was
    /// abandoned goes on when it is resumed or started again. No end lies before the start.
    /// </summary>
    public static SessionHead WithStatus(SessionHead head, SessionFold fold)
    {
        if (fold.Completed is { } completed)
            return head with { Status = SessionStatus.Complete, FinishTime = Later(completed.At, head.StartTime), AbandonCause = null };

        return fold.Abandoned is { } abandoned && abandoned.Order.IsAfter(fold.Resumed) && !(abandoned.At < head.StartTime)
            ? head with { Status = SessionStatus.Abandoned, FinishTime = abandoned.At, AbandonCause = abandoned.Cause }
            : head with { Status = SessionStatus.InProgress, FinishTime = null, AbandonCause = null };
    }

    public static void Answered(SessionDraft draft, EventOrder stamp, TaskAnswered e) => draft.Task(e.TaskId).Answer(stamp, e);

    public static void Skipped(SessionDraft draft, EventOrder stamp, TaskSkipped e) => draft.Task(e.TaskId).Skip(stamp, e);

    public static void Transcribed(SessionDraft draft, EventOrder stamp, VerbalResponseTranscribed e) =>
        draft.Task(e.TaskId).Transcribe(new TranscriptPiece(stamp, e.AnswerId, e.Text, e.Language, e.Cues));

    public static void Interacted(SessionDraft draft, EventOrder stamp, FigmaInteractionRecorded e) =>
        draft.Task(e.TaskId).Interact(stamp, e);

    public static void Scored(SessionDraft draft, EventOrder stamp, TaskGroupScored e) =>
        draft.SettleGroup(stamp, new TaskGroupBody(e.TaskGroupId, "QX_SCORE", new TaskGroupResponse(e.Score, null)), new QxScore(
            e.Label, e.Score, e.Components.Behavioral, e.Components.Attitudinal,
            new QxScoreValues(e.Values.Behavioral, e.Values.Usability, e.Values.Trust, e.Values.Appearance, e.Values.Loyalty)));

    public static void Sequenced(SessionDraft draft, EventOrder stamp, ComparisonSequenced e) =>
        draft.SettleGroup(stamp, new TaskGroupBody(e.TaskGroupId, "BALANCED_COMPARISON", new TaskGroupResponse(null, e.Sequence)));

    /// <summary>Notes which event holds the transcript. The cues stay in the event.</summary>
    public static void SessionTranscribed(SessionDraft draft, EventOrder stamp, SessionTranscribed e)
    {
        if (stamp.IsAfter(draft.Fold.Transcribed))
            draft.Fold = draft.Fold with { Transcribed = stamp };
    }

    private static DateTimeOffset Later(DateTimeOffset end, DateTimeOffset? start) => start > end ? start.Value : end;

    // A column takes UTC alone, and the document's JSON has milliseconds: finer digits would be in the column until the next event.
    internal static DateTimeOffset UtcMilliseconds(DateTimeOffset at) =>
        new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
}
