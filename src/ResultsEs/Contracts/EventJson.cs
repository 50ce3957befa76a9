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
[JsonSerializable(typeof(UnrecognizedAnswer))]
internal sealed partial class EventJson : JsonSerializerContext;
