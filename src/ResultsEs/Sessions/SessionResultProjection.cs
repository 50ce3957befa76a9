using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>The inline projection of sessions: <see cref="SessionResultFold"/>, in the transaction of the events.</summary>
internal sealed class SessionResultProjection() : DocumentProjection<SessionResult>(SessionResultTable.Documents);
