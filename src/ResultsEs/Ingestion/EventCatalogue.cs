using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Ingestion;

/// <summary>The event types of all features. Any other type is refused.</summary>
internal static class EventCatalogue
{
    public static IReadOnlyList<EventType> All { get; } =
        [.. SessionEventTypes.All, .. HighlightReelEventTypes.All, .. TestDefinitionEventTypes.All];

    private static readonly FrozenDictionary<string, EventType> ByWireType =
        All.ToFrozenDictionary(type => type.WireType, StringComparer.Ordinal);

    /// <summary>The event type with this CloudEvents <c>type</c>; null when this version does not know it.</summary>
    public static EventType? Find(string wireType) => ByWireType.GetValueOrDefault(wireType);
}
