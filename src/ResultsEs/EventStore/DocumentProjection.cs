using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;
using Marten;
using Marten.Events.Aggregation;

namespace ResultsEs.EventStore;

/// <summary>The inline projection of a document: it folds new events in their transaction, or defers the document's write.</summary>
internal sealed class DocumentProjection<T> : SingleStreamProjection<T, Guid>
    where T : SizedDocument
{
    private readonly DocumentTable _table;

    public DocumentProjection(DocumentTable<T> table)
    {
        _table = table;
        Name = typeof(T).Name;
        // Only these events: other streams have other documents.
        foreach (var type in table.EventTypes.Values)
            IncludeType(type.Record);
        // Marten's own rebuild starts from an empty table.
        Options.DeleteDataInTableOnTeardown(table.QualifiedName);
    }

    public override ValueTask<(T?, ActionType)> DetermineActionAsync(
        IQuerySession session, T? snapshot, Guid identity, IIdentitySetter<T, Guid> identitySetter, IReadOnlyList<IEvent> events,
        CancellationToken cancellation)
    {
        if (AppendTransaction.Of(session)?.Streams[identity].IsDeferred == true)
            return ValueTask.FromResult<(T?, ActionType)>((null, ActionType.Nothing));

        var recorded = events.Select(e => new RecordedEvent(StoredEvent.StampOf(e), (StreamEvent)e.Data));
        return ValueTask.FromResult<(T?, ActionType)>(((T)_table.Fold(identity, snapshot, recorded), ActionType.Store));
    }
}
