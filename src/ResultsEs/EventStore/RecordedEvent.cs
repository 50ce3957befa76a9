namespace ResultsEs.EventStore;

/// <summary>An event's content, with its place in the event order.</summary>
internal readonly record struct RecordedEvent(EventOrder Stamp, StreamEvent Data);
