namespace ResultsEs.Contracts;

/// <summary>
/// The participant answered a task. Of several answers to a task the one with the latest time holds; on a tie the greater event id
/// wins.
/// </summary>
public sealed record TaskAnswered : TaskEvent
{
    /// <summary>The task's place in the test plan, from 0.</summary>
    public required int Position { get; init; }

    /// <summary>The task as the participant read it.</summary>
    public required string Text { get; init; }

    /// <summary>When the task was shown, milliseconds since the session's start.</summary>
    public required long StartTimeMs { get; init; }

    /// <summary>When it was answered, milliseconds since the session's start; not before <see cref="StartTimeMs"/>.</summary>
    public required long EndTimeMs { get; init; }

    /// <summary>The answer; its <c>type</c> says which task type this is.</summary>
    public required Answer Answer { get; init; }

    /// <summary>
    /// The event of an earlier answer that this one corrects. Both are then of one take of the task. Without it, the participant did the
    /// task again, and transcripts and interactions of before are no longer shown.
    /// </summary>
    public Guid? Corrects { get; init; }
}

/// <summary>A task was skipped. Of the answers to a task and its skips, the latest holds.</summary>
public sealed record TaskSkipped : TaskEvent
{
    /// <summary>The task's place in the test plan, from 0.</summary>
    public required int Position { get; init; }

    /// <summary>The task as the participant would have read it.</summary>
    public required string Text { get; init; }

    /// <summary>The task's own type, such as <c>NPS</c>; a type that this version does not know is kept.</summary>
    public required string TaskType { get; init; }

    /// <summary>Who skipped it.</summary>
    public required SkipReason Reason { get; init; }

    /// <summary>When the task was shown, milliseconds since the session's start.</summary>
    public required long StartTimeMs { get; init; }

    /// <summary>When it was skipped, milliseconds since the session's start; not before <see cref="StartTimeMs"/>.</summary>
    public required long EndTimeMs { get; init; }
}

/// <summary>The cause of a skipped task.</summary>
[JsonConverter(typeof(WireEnumConverter<SkipReason>))]
public enum SkipReason
{
    /// <summary><c>LOGIC</c>: the test plan's own skip logic.</summary>
    Logic,

    /// <summary><c>USER</c>: the participant.</summary>
    User,
}

/// <summary>A spoken (VERBAL) answer was transcribed. The transcript may arrive after the answer or before it.</summary>
public sealed record VerbalResponseTranscribed : TaskEvent
{
    /// <summary>The whole transcript.</summary>
    public required string Text { get; init; }

    /// <summary>The language spoken, as a BCP 47 tag such as <c>en-GB</c>.</summary>
    public string? Language { get; init; }

    /// <summary>The transcript in timed pieces.</summary>
    public required IReadOnlyList<Cue> Cues { get; init; }

    /// <summary>
    /// The event of the answer that was transcribed. Without it, the transcript is of the answer that came last before it, by
    /// <c>time</c>; so name it where a task may be done again before its transcript is ready.
    /// </summary>
    public Guid? AnswerId { get; init; }
}

/// <summary>A timed piece of a spoken answer's transcript.</summary>
public sealed record Cue : EventPart
{
    /// <summary>Begin, milliseconds since the session's start.</summary>
    public required long StartMs { get; init; }

    /// <summary>End, milliseconds since the session's start; not before <see cref="StartMs"/>.</summary>
    public required long EndMs { get; init; }

    /// <summary>What was said.</summary>
    public required string Text { get; init; }
}

/// <summary>
/// The participant did something in a task's Figma prototype: a message of the Figma Embed API
/// (developers.figma.com, Embed Kit 2.0, "Events"), under its own field names. Fields this record does not name
/// (those of <c>NEW_STATE</c> differ between Figma's clients) are kept in <see cref="EventPart.Unknown"/>.
/// </summary>
public sealed record FigmaInteractionRecorded : TaskEvent
{
    /// <summary>When, milliseconds since the session's start; stamped by the recorder, because Figma's messages carry no time.</summary>
    public required long AtMs { get; init; }

    /// <summary>
    /// The message's name: <c>INITIAL_LOAD</c>, <c>NEW_STATE</c>, <c>PRESENTED_NODE_CHANGED</c>,
    /// <c>MOUSE_PRESS_OR_RELEASE</c>, …; unknown ones are kept.
    /// </summary>
    public required string Kind { get; init; }

    /// <summary>The node (frame) on the screen.</summary>
    public string? PresentedNodeId { get; init; }

    /// <summary>Whether a press triggered an interaction; <c>false</c> on a press is a misclick.</summary>
    public bool? Handled { get; init; }

    /// <summary>The topmost node under the pointer.</summary>
    public string? TargetNodeId { get; init; }

    /// <summary>The pointer, relative to the target node's top left corner.</summary>
    public FigmaVector? TargetNodeMousePosition { get; init; }

    /// <summary>The nearest scrolling frame that contains the target node.</summary>
    public string? NearestScrollingFrameId { get; init; }

    /// <summary>The pointer, relative to the scrolling frame's top left corner.</summary>
    public FigmaVector? NearestScrollingFrameMousePosition { get; init; }

    /// <summary>How far the scrolling frame is scrolled.</summary>
    public FigmaVector? NearestScrollingFrameOffset { get; init; }

    /// <summary>Whether the node change can be undone by the prototype's back navigation.</summary>
    public bool? IsStoredInHistory { get; init; }

    /// <summary>Whether the click went down or up. Figma's message does not say it; a recorder that knows should.</summary>
    public FigmaPhase? Phase { get; init; }

    /// <summary>Component instances and the variants they show.</summary>
    public JsonElement? StateMappings { get; init; }
}

/// <summary>The phase of a click.</summary>
[JsonConverter(typeof(WireEnumConverter<FigmaPhase>))]
public enum FigmaPhase
{
    /// <summary><c>PRESS</c>: the pointer went down.</summary>
    Press,

    /// <summary><c>RELEASE</c>: the pointer went up.</summary>
    Release,
}

/// <summary>A point or offset in pixels of the prototype.</summary>
public sealed record FigmaVector : EventPart
{
    /// <summary>To the right.</summary>
    public required decimal X { get; init; }

    /// <summary>Downwards.</summary>
    public required decimal Y { get; init; }
}
