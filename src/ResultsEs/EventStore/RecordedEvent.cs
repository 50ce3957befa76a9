namespace ResultsEs.EventStore;

/// <summary>An event's content, with its place in the event order and its sender.</summary>
internal readonly record struct RecordedEvent(EventOrder Stamp, StreamEvent Data, Sender Sender = default);
