using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.Sessions.TaskTypes;

/// <summary>What events other than the answer have told about a task.</summary>
internal readonly record struct TaskPieces(TranscriptPiece? Transcript, FigmaRun? Figma);

/// <summary>The latest transcript of a spoken answer.</summary>
internal sealed record TranscriptPiece(EventOrder Stamp, string Text, string? Language, IReadOnlyList<Cue> Cues);
