namespace ResultsEs.EventStore;

/// <summary>An event that has passed every check that needs no database.</summary>
/// <param name="Id">The producer's event id, the key of idempotency within the account.</param>
/// <param name="StreamId">The session or highlight reel: the CloudEvent's <c>subject</c>.</param>
/// <param name="Source">The recorder and its version.</param>
/// <param name="Time">The time at the producer.</param>
/// <param name="TraceParent">The recorder's W3C trace context; null when it sent none.</param>
/// <param name="Type">The event's entry in the catalogue.</param>
/// <param name="Data">The event's content.</param>
internal sealed record IncomingEvent(
    Guid Id, Guid StreamId, string Source, DateTimeOffset Time, string? TraceParent, EventType Type, StreamEvent Data);
