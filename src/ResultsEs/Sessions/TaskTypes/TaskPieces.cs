namespace ResultsEs.Sessions.TaskTypes;

/// <summary>The parts of an answer that come from other events: the latest transcript of its take, and the take's interactions.</summary>
internal readonly record struct TaskPieces(TranscriptPiece? Transcript, FigmaTake? Figma);

/// <summary>A transcript of a spoken answer; its <c>AnswerId</c> is the event of that answer, null when it does not say.</summary>
internal sealed record TranscriptPiece(EventOrder Stamp, Guid? AnswerId, string Text, string? Language, IReadOnlyList<Cue> Cues);
