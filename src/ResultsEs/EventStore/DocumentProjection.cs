using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;
using Marten;
using Marten.Events.Aggregation;

namespace ResultsEs.EventStore;

/// <summary>The inline projection of a document: it folds new events in their transaction, or defers the document's write.</summary>
internal sealed class DocumentProjection<T> : SingleStreamProjection<T, Guid>
    where T : PlacedDocument
{
    private readonly DocumentTable<T> _table;

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

    public override async ValueTask<(T?, ActionType)> DetermineActionAsync(
        IQuerySession session, T? snapshot, Guid identity, IIdentitySetter<T, Guid> identitySetter, IReadOnlyList<IEvent> events,
        CancellationToken cancellation)
    {
        if (AppendTransaction.Of(session)?.Streams[identity].IsDeferred == true)
            return (null, ActionType.Nothing);

        List<RecordedEvent> recorded =
            [.. events.Select(e => new RecordedEvent(StoredEvent.StampOf(e), (StreamEvent)e.Data, StoredEvent.SenderOf(e)))];
        if (!_table.NeedsAll(snapshot, recorded) && (snapshot is not null || !IsPlacedTwice(recorded)))
            return ((T)_table.Fold(identity, snapshot, recorded), ActionType.Store);

        var key = new StreamKey(session.TenantId, identity);
        var stored = snapshot is null ? null : await StoredAsync(session, key, cancellation);
        // A rebuild reads what it is about to fold.
        List<RecordedEvent> all = [.. (stored?.ReadableEvents ?? []).Concat(recorded).DistinctBy(e => e.Stamp.By)];
        var documents = _table.FoldAll(identity, all);
        var transaction = AppendTransaction.Of(session);
        var (version, bytes) = transaction?.Streams[identity] is { } stream
            ? (stream.Events, stream.Size.Bytes)
            : (all.Count, stored?.Bytes ?? 0);
        var others = _table.Others(identity, documents, snapshot?.Placement?.Elsewhere ?? [], bytes);
        var document = documents[0].Document with
        {
            Others =
            [
                .. others.Select(other =>
                    new DocumentWrite(key with { Id = other.Id }, version, transaction?.Now.UtcDateTime, other.Row)),
            ],
        };
        return ((T)document, ActionType.Store);
    }

    private static bool IsPlacedTwice(IEnumerable<RecordedEvent> events) =>
        events.Select(e => Placement.WorkspaceOf(e.Data)).OfType<Guid>().Distinct().Skip(1).Any();

    /// <summary>Reads the events that are stored already, in the append transaction where there is one.</summary>
    private async Task<StoredStream?> StoredAsync(IQuerySession session, StreamKey key, CancellationToken cancellation)
    {
        if (AppendTransaction.Of(session) is not null)
            return await ReadAsync(session.Connection!);

        // Another session, because a daemon's has no connection for queries.
        await using var query = session.DocumentStore.QuerySession(key.Account);
        return await ReadAsync(query.Connection!);

        async Task<StoredStream?> ReadAsync(NpgsqlConnection connection)
        {
            var streams = new Dictionary<StreamKey, DateTime> { [key] = default };
            return await StoredStreams.ReadAsync(connection, _table, streams, cancellation).FirstOrDefaultAsync(cancellation);
        }
    }
}
