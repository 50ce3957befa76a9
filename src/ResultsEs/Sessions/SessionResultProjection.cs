using JasperFx.Events;
using JasperFx.Events.Daemon;
using Marten.Events.Aggregation;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;

namespace ResultsEs.Sessions;

/// <summary>The bridge from Marten to <see cref="SessionResultFold"/>; inline, in the transaction of the events.</summary>
internal sealed class SessionResultProjection : SingleStreamProjection<SessionResult, Guid>
{
    /// <summary>Of sessions' events alone: other streams have other documents.</summary>
    public SessionResultProjection()
    {
        foreach (var type in EventCatalogue.All.OfType<EventType<SessionDraft>>())
            IncludeType(type.Record);
    }

    /// <inheritdoc/>
    public override (SessionResult?, ActionType) DetermineAction(SessionResult? snapshot, Guid identity, IReadOnlyList<IEvent> events) =>
        (SessionResultFold.Fold(identity, snapshot, events.Select(e => new RecordedEvent(StoredEvent.Stamp(e), (StreamEvent)e.Data))), ActionType.Store);
}
