using JasperFx.Events;
using JasperFx.Events.Daemon;
using Marten.Internal;
using Marten.Internal.Sessions;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>A projection's storage in a plain Marten session: Marten's own, but a document that lags is caught up when loaded.</summary>
internal class SessionStorage<T>(DocumentSessionBase session, string tenantId, DocumentTable<T> table) : IProjectionStorage<T, Guid>
    where T : class
{
    /// <inheritdoc/>
    public string TenantId => tenantId;

    protected DocumentTable<T> Table => table;

    private IDocumentStorage<T, Guid> Documents => field ??= (IDocumentStorage<T, Guid>)session.StorageFor<T>();

    /// <inheritdoc/>
    public Guid Identity(T document) => Documents.Identity(document);

    /// <inheritdoc/>
    public virtual void SetIdentity(T document, Guid identity) => Documents.SetIdentity(document, identity);

    /// <inheritdoc/>
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
        await using var command = new NpgsqlCommand(
            $"select d.tenant_id, d.id from {table.QualifiedName} d where d.tenant_id = $1 and d.id = any($2) and d.lag > 0", connection);
        command.Parameters.AddAll(tenantId, documents.Keys.ToArray());
        var lagging = await command.ReadKeysAsync(cancellationToken);
        foreach (var (key, document) in await DocumentReader.ReadCaughtUpAsync(connection, table, lagging, cancellationToken))
            documents[key.Id] = (T)document;
        return documents;
    }

    /// <inheritdoc/>
    public async Task<T> LoadAsync(Guid id, CancellationToken cancellation) =>
        (await LoadManyAsync([id], cancellation)).GetValueOrDefault(id)!;

    /// <inheritdoc/>
    public void Store(T snapshot) => session.QueueOperation(Documents.UpsertProjected(snapshot, tenantId));

    /// <inheritdoc/>
    public virtual void Store(T snapshot, Guid id, string tenantId) =>
        session.QueueOperation(Documents.UpsertProjected(snapshot, tenantId));

    /// <inheritdoc/>
    public void StoreProjection(T aggregate, IEvent? lastEvent, AggregationScope scope)
    {
        var operation = Documents.OverwriteProjected(aggregate, tenantId);
        if (operation is IRevisionedOperation revisioned)
        {
            revisioned.Revision = lastEvent!.Version;
            revisioned.IgnoreConcurrencyViolation = true;
        }

        session.QueueOperation(operation);
    }

    /// <inheritdoc/>
    public void Delete(Guid identity) => Delete(identity, tenantId);

    /// <inheritdoc/>
    public void Delete(Guid identity, string tenantId) => session.QueueOperation(Documents.DeleteForId(identity, tenantId));

    /// <inheritdoc/>
    public void HardDelete(T snapshot) => HardDelete(snapshot, tenantId);

    /// <inheritdoc/>
    public void HardDelete(T snapshot, string tenantId) => session.QueueOperation(Documents.HardDeleteForDocument(snapshot, tenantId));

    // Documents are not soft-deleted, and streams not archived.

    /// <inheritdoc/>
    public void UnDelete(T snapshot) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void UnDelete(T snapshot, string tenantId) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void ArchiveStream(Guid sliceId, string tenantId) => throw new NotSupportedException();
}
