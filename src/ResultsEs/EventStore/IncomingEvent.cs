using ResultsEs.Contracts;

namespace ResultsEs.EventStore;

/// <summary>An event that passed every check which needs no database.</summary>
/// <param name="Id">The producer's event id: the key of idempotency within the account.</param>
/// <param name="StreamId">The CloudEvent's <c>subject</c>: the session, or the highlight reel.</param>
/// <param name="Source">Recorder and version.</param>
/// <param name="Time">When it happened at the producer.</param>
/// <param name="TraceParent">The W3C trace context of the recorder, if it sent one.</param>
/// <param name="Type">The event's entry in the catalogue.</param>
/// <param name="Data">The event.</param>
internal sealed record IncomingEvent(
    Guid Id,
    Guid StreamId,
    string Source,
    DateTimeOffset Time,
    string? TraceParent,
    EventType Type,
    StreamEvent Data);
