using JasperFx.Events;
using JasperFx.Events.Daemon;
using Marten.Internal;
using Marten.Internal.Sessions;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>A projection's storage in a plain Marten session: Marten's own, but a document that lags is caught up when loaded.</summary>
internal class SessionStorage<T>(DocumentSessionBase session, string tenantId, DocumentTable<T> table) : IProjectionStorage<T, Guid>
    where T : PlacedDocument
{
    public string TenantId => tenantId;

    protected DocumentTable<T> Table => table;

    private IDocumentStorage<T, Guid> Documents => field ??= (IDocumentStorage<T, Guid>)session.StorageFor<T>();

    public Guid Identity(T document) => Documents.Identity(document);

    public virtual void SetIdentity(T document, Guid identity) => Documents.SetIdentity(document, identity);

    public virtual async Task<IReadOnlyDictionary<Guid, T>> LoadManyAsync(Guid[] identities, CancellationToken cancellationToken)
    {
        var database = (IStorageDatabase)((IMartenSession)session).Database;
        var loaded = await Documents.LoadManyProjectedAsync(identities, database, tenantId, cancellationToken);
        var documents = loaded.ToDictionary(Documents.Identity);
        if (table.MayDefer is null || documents.Count == 0)
            return documents;

        // Another session, because the daemon's has no connection for queries.
        await using var query = session.DocumentStore.QuerySession(tenantId);
        var connection = query.Connection!;
        // The primary key (tenant_id, id) finds the rows.
        var lagging = await new NpgsqlCommand(
            $"select d.tenant_id, d.id from {table.QualifiedName} d where d.tenant_id = $1 and d.id = any($2) and d.lag > 0", connection)
            .ReadKeysAsync([tenantId, documents.Keys.ToArray()], cancellationToken);
        foreach (var (key, document) in await DocumentReader.ReadCaughtUpAsync(connection, table, lagging, cancellationToken))
            documents[key.Id] = (T)document;
        return documents;
    }

    public async Task<T> LoadAsync(Guid id, CancellationToken cancellation) =>
        (await LoadManyAsync([id], cancellation)).GetValueOrDefault(id)!;

    public void Store(T snapshot) => Store(snapshot, default, tenantId);

    public virtual void Store(T snapshot, Guid id, string tenantId)
    {
        session.QueueOperation(Documents.UpsertProjected(snapshot, tenantId));
        StoreOthers(snapshot);
    }

    public void StoreProjection(T aggregate, IEvent? lastEvent, AggregationScope scope)
    {
        var operation = Documents.OverwriteProjected(aggregate, tenantId);
        if (operation is IRevisionedOperation revisioned)
        {
            revisioned.Revision = lastEvent!.Version;
            revisioned.IgnoreConcurrencyViolation = true;
        }

        session.QueueOperation(operation);
        StoreOthers(aggregate);
    }

    public void Delete(Guid identity) => Delete(identity, tenantId);

    public void Delete(Guid identity, string tenantId) => session.QueueOperation(Documents.DeleteForId(identity, tenantId));

    public void HardDelete(T snapshot) => HardDelete(snapshot, tenantId);

    public void HardDelete(T snapshot, string tenantId) => session.QueueOperation(Documents.HardDeleteForDocument(snapshot, tenantId));

    private void StoreOthers(T snapshot)
    {
        if (snapshot.Others.Count == 0)
            return;

        var upsert = new UpsertDocuments(table);
        upsert.Documents.AddRange(snapshot.Others);
        session.QueueOperation(upsert);
    }

    // Documents are not soft-deleted, and streams not archived.

    public void UnDelete(T snapshot) => throw new NotSupportedException();

    public void UnDelete(T snapshot, string tenantId) => throw new NotSupportedException();

    public void ArchiveStream(Guid sliceId, string tenantId) => throw new NotSupportedException();
}

/// <summary>The storage of an append transaction's projection: it loads what was read under the locks, and collects documents.</summary>
internal sealed class AppendStorage<T>(AppendTransaction transaction, DocumentSessionBase session, DocumentTable<T> table)
    : SessionStorage<T>(session, transaction.Account, table)
    where T : PlacedDocument
{
    public override void SetIdentity(T document, Guid identity)
    {
        // The fold has set it.
    }

    public override async Task<IReadOnlyDictionary<Guid, T>> LoadManyAsync(Guid[] identities, CancellationToken cancellationToken) =>
        (await transaction.DocumentsAsync(Table, identities)).ToDictionary(document => document.Key, document => (T)document.Value);

    public override void Store(T snapshot, Guid id, string tenantId) => transaction.Store(Table, id, snapshot);
}
