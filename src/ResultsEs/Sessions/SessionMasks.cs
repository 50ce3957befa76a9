using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// What of each event of a session stays when it is erased: numbers, times, ids and words of closed sets. No text that a sender chose
/// does. Members that this version does not know are dropped from all of them (<see cref="EventType.Masked"/>).
/// </summary>
internal static class SessionMasks
{
    /// <summary>Those of Figma's messages; any other name is a sender's text.</summary>
    private static readonly FrozenSet<string> Kinds = FrozenSet.ToFrozenSet(
        [
            "INITIAL_LOAD", "NEW_STATE", "PRESENTED_NODE_CHANGED", "MOUSE_PRESS_OR_RELEASE", "LOGIN_SCREEN_SHOWN",
            "PASSWORD_SCREEN_SHOWN", "REQUEST_CLOSE",
        ],
        StringComparer.Ordinal);

    private static readonly Answer Unrecognized =
        new UnrecognizedAnswer(JsonElement.Parse($$"""{ "type": "{{TaskType.Unrecognized}}" }"""));

    /// <summary>Of an event that has numbers, times and ids alone.</summary>
    public static T Same<T>(T e, Masking masking) => e;

    public static ParticipantProfiled Profiled(ParticipantProfiled e, Masking masking) =>
        e with { ParticipantId = masking.Participant(e.ParticipantId), Demographics = [] };

    public static TaskAnswered Answered(TaskAnswered e, Masking masking) => e with
    {
        Text = Masking.Text,
        Answer = TaskType.Find(e.Answer.Type)?.Masked(e.Answer, masking) ?? Unrecognized,
    };

    public static TaskSkipped Skipped(TaskSkipped e, Masking masking) =>
        e with { Text = Masking.Text, TaskType = TaskType.ListedAs(e.TaskType) };

    public static FigmaInteractionRecorded Interacted(FigmaInteractionRecorded e, Masking masking) => e with
    {
        Kind = Kinds.Contains(e.Kind) ? e.Kind : "OTHER",
        PresentedNodeId = IdOrNull(e.PresentedNodeId, masking),
        TargetNodeId = IdOrNull(e.TargetNodeId, masking),
        TargetNodeMousePosition = FigmaClick.Of(e) is null
            ? null
            : masking.Point(e.TaskId, FigmaClick.PlaceOf(e), FigmaClick.Farthest),
        NearestScrollingFrameId = IdOrNull(e.NearestScrollingFrameId, masking),
        NearestScrollingFrameMousePosition = null,
        NearestScrollingFrameOffset = null,
        StateMappings = null,
    };

    public static VerbalResponseTranscribed Transcribed(VerbalResponseTranscribed e, Masking masking) =>
        e with { Text = Masking.Text, Language = null, Cues = [] };

    public static TaskGroupScored Scored(TaskGroupScored e, Masking masking) => e with { Label = Masking.Text };

    /// <summary>An order of up to eight alternatives is a permutation of letters; anything else is a text.</summary>
    public static ComparisonSequenced Sequenced(ComparisonSequenced e, Masking masking) =>
        e.Sequence.Length <= 8 && e.Sequence.All(letter => letter is >= 'A' and <= 'H') ? e : e with { Sequence = "X" };

    public static SessionTranscribed SessionTranscribed(SessionTranscribed e, Masking masking) =>
        e with { Language = null, Cues = [] };

    /// <summary>Keeps of the reason what <see cref="Upcasters"/> derives the cause from.</summary>
    public static SessionAbandoned Abandoned(SessionAbandoned e, Masking masking) =>
        e with { Reason = Upcasters.ReasonOf(Upcasters.Abandoned(e).Cause) };

    public static SessionAbandonedV2 AbandonedV2(SessionAbandonedV2 e, Masking masking) => e with { Note = null };

    public static VideoRecorded Recorded(VideoRecorded e, Masking masking) => e with { ObjectKey = Masking.Text };

    public static ClipCreated Cut(ClipCreated e, Masking masking) => e with { Name = Masking.Text, Description = null };

    public static ClipGenerated Generated(ClipGenerated e, Masking masking) => e with { ObjectKey = Masking.Text };

    public static ClipFailed Failed(ClipFailed e, Masking masking) => e with { Reason = null };

    private static string? IdOrNull(string? id, Masking masking) => id is null ? null : masking.Id(id);
}
