namespace ResultsEs.Sessions.TaskTypes;

/// <summary>The parts of a task that come from events other than its answer.</summary>
internal readonly record struct TaskPieces(TranscriptPiece? Transcript, FigmaRun? Figma);

/// <summary>The latest transcript of a spoken answer.</summary>
internal sealed record TranscriptPiece(EventOrder Stamp, string Text, string? Language, IReadOnlyList<Cue> Cues);
