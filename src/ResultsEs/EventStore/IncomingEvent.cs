namespace ResultsEs.EventStore;

/// <summary>
/// An event that has passed every check that needs no database. Id (the key of idempotency within the account), time and trace context
/// (W3C) are the producer's; source is the recorder and its version; the stream's id is the CloudEvent's <c>subject</c>.
/// </summary>
internal sealed record IncomingEvent(
    Guid Id, Guid StreamId, string Source, DateTimeOffset Time, string? TraceParent, EventType Type, StreamEvent Data);
