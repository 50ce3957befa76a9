using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;
using Marten;
using Marten.Events.Aggregation;
using ResultsEs.Contracts;

namespace ResultsEs.EventStore;

/// <summary>
/// The inline projection of a document: it folds the events of one stream, in their transaction.
/// It alone decides whether the document is stored with them or its write is deferred.
/// </summary>
internal abstract class DocumentProjection<T> : SingleStreamProjection<T, Guid>
    where T : class
{
    private readonly DocumentTable _table;

    /// <summary>The projection that fills a table.</summary>
    protected DocumentProjection(DocumentTable<T> table)
    {
        _table = table;
        Name = typeof(T).Name;
        // Of these events alone: other streams have other documents.
        foreach (var type in table.EventTypes.Values)
            IncludeType(type.Record);
        // Marten's own rebuild folds onto nothing.
        Options.DeleteDataInTableOnTeardown(table.QualifiedName);
    }

    /// <inheritdoc/>
    public override ValueTask<(T?, ActionType)> DetermineActionAsync(
        IQuerySession session, T? snapshot, Guid identity, IIdentitySetter<T, Guid> identitySetter, IReadOnlyList<IEvent> events, CancellationToken cancellation) =>
        AppendTransaction.Of(session)?.IsDeferred(identity) == true
            ? ValueTask.FromResult<(T?, ActionType)>((null, ActionType.Nothing))
            : ValueTask.FromResult<(T?, ActionType)>(((T)_table.Fold(identity, snapshot, events.Select(Recorded)), ActionType.Store));

    private static RecordedEvent Recorded(IEvent e) => new(StoredEvent.StampOf(e), (StreamEvent)e.Data);
}
