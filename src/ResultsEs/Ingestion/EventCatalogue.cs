using System.Collections.Frozen;
using ResultsEs.EventStore;
using ResultsEs.Media;
using ResultsEs.Sessions;

namespace ResultsEs.Ingestion;

/// <summary>The events that are taken: those of each feature. What is not here is refused as an unknown type.</summary>
internal static class EventCatalogue
{
    /// <summary>All events.</summary>
    public static IReadOnlyList<EventType> All { get; } = [.. SessionEventTypes.All, .. HighlightReelEventTypes.All];

    private static readonly FrozenDictionary<string, EventType> ByWireType = All.ToFrozenDictionary(type => type.WireType, StringComparer.Ordinal);

    /// <summary>The event with this CloudEvents <c>type</c>, or null when this version does not know it.</summary>
    public static EventType? Find(string wireType) => ByWireType.GetValueOrDefault(wireType);
}
