using System.Text.Json.Serialization;

namespace ResultsEs.Contracts;

/// <summary>The source-generated JSON contracts of the events.</summary>
[JsonSerializable(typeof(SessionStarted))]
[JsonSerializable(typeof(ParticipantProfiled))]
[JsonSerializable(typeof(TaskAnswered))]
[JsonSerializable(typeof(TaskSkipped))]
[JsonSerializable(typeof(FigmaInteractionRecorded))]
[JsonSerializable(typeof(VerbalResponseTranscribed))]
[JsonSerializable(typeof(TaskGroupScored))]
[JsonSerializable(typeof(ComparisonSequenced))]
[JsonSerializable(typeof(SessionTranscribed))]
[JsonSerializable(typeof(SessionCompleted))]
[JsonSerializable(typeof(SessionAbandoned))]
[JsonSerializable(typeof(SessionAbandonedV2))]
[JsonSerializable(typeof(VideoRecorded))]
[JsonSerializable(typeof(ClipCreated))]
[JsonSerializable(typeof(ClipGenerated))]
[JsonSerializable(typeof(ClipFailed))]
[JsonSerializable(typeof(ClipDeleted))]
[JsonSerializable(typeof(HighlightReelPublished))]
[JsonSerializable(typeof(HighlightReelGenerated))]
[JsonSerializable(typeof(HighlightReelFailed))]
[JsonSerializable(typeof(HighlightReelDeleted))]
[JsonSerializable(typeof(UnrecognizedAnswer))]
internal sealed partial class EventJson : JsonSerializerContext;
