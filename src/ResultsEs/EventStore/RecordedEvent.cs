using ResultsEs.Common;
using ResultsEs.Contracts;

namespace ResultsEs.EventStore;

/// <summary>An event with what orders it.</summary>
/// <param name="Stamp">The producer's time and the event's id.</param>
/// <param name="Data">The event.</param>
internal readonly record struct RecordedEvent(EventOrder Stamp, StreamEvent Data);
