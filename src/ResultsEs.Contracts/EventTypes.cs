using System.Collections.Frozen;

namespace ResultsEs.Contracts;

/// <summary>The wire names of events: the CloudEvent's <c>type</c> of each record.</summary>
public static class EventTypes
{
    private static readonly FrozenDictionary<string, Type> Records = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["results.SessionStarted.v1"] = typeof(SessionStarted),
        ["results.ParticipantProfiled.v1"] = typeof(ParticipantProfiled),
        ["results.TaskAnswered.v1"] = typeof(TaskAnswered),
        ["results.TaskSkipped.v1"] = typeof(TaskSkipped),
        ["results.FigmaInteractionRecorded.v1"] = typeof(FigmaInteractionRecorded),
        ["results.VerbalResponseTranscribed.v1"] = typeof(VerbalResponseTranscribed),
        ["results.TaskGroupScored.v1"] = typeof(TaskGroupScored),
        ["results.ComparisonSequenced.v1"] = typeof(ComparisonSequenced),
        ["results.SessionTranscribed.v1"] = typeof(SessionTranscribed),
        ["results.SessionCompleted.v1"] = typeof(SessionCompleted),
        ["results.SessionAbandoned.v1"] = typeof(SessionAbandoned),
        ["results.SessionAbandoned.v2"] = typeof(SessionAbandonedV2),
        ["results.SessionResumed.v1"] = typeof(SessionResumed),
        ["results.VideoRecorded.v1"] = typeof(VideoRecorded),
        ["results.ClipCreated.v1"] = typeof(ClipCreated),
        ["results.ClipGenerated.v1"] = typeof(ClipGenerated),
        ["results.ClipFailed.v1"] = typeof(ClipFailed),
        ["results.ClipDeleted.v1"] = typeof(ClipDeleted),
        ["results.HighlightReelPublished.v1"] = typeof(HighlightReelPublished),
        ["results.HighlightReelGenerated.v1"] = typeof(HighlightReelGenerated),
        ["results.HighlightReelFailed.v1"] = typeof(HighlightReelFailed),
        ["results.HighlightReelDeleted.v1"] = typeof(HighlightReelDeleted),
        ["results.TestDefined.v1"] = typeof(TestDefined),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<Type, string> Names = Records.ToFrozenDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>Returns the record of an event's name, or null when this version does not know it.</summary>
    public static Type? Find(string name) => Records.GetValueOrDefault(name);

    /// <summary>Returns the event name of a record, such as <c>results.TaskAnswered.v1</c>.</summary>
    /// <exception cref="KeyNotFoundException">The record is no event.</exception>
    public static string NameOf(Type record) => Names[record];
}
