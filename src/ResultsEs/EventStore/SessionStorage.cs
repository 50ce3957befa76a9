using JasperFx.Events;
using JasperFx.Events.Daemon;
using Marten.Internal;
using Marten.Internal.Sessions;
using Npgsql;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>
/// What a projection reads and writes documents by in any session but an <see cref="AppendTransaction"/>: Marten's own storage.
/// Beyond that, a document whose write was deferred is caught up with its stream before anything is folded onto it.
/// </summary>
internal sealed class SessionStorage<T>(DocumentSessionBase session, string tenantId, DocumentTable<T> table) : IProjectionStorage<T, Guid>
    where T : class
{
    private readonly IDocumentStorage<T, Guid> _documents = (IDocumentStorage<T, Guid>)session.StorageFor<T>();

    /// <inheritdoc/>
    public string TenantId => tenantId;

    /// <summary>What documents are found by.</summary>
    public Type IdType => typeof(Guid);

    /// <inheritdoc/>
    public Guid Identity(T document) => _documents.Identity(document);

    /// <inheritdoc/>
    public void SetIdentity(T document, Guid identity) => _documents.SetIdentity(document, identity);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<Guid, T>> LoadManyAsync(Guid[] identities, CancellationToken cancellationToken)
    {
        var database = (IStorageDatabase)((IMartenSession)session).Database;
        var documents = (await _documents.LoadManyProjectedAsync(identities, database, tenantId, cancellationToken)).ToDictionary(_documents.Identity);
        if (table.MayDefer is null || documents.Count == 0)
            return documents;

        // A session of its own: the daemon's has no connection to ask by.
        await using var query = session.DocumentStore.QuerySession(tenantId);
        var connection = query.Connection!;
        // The primary key (tenant_id, id) finds the rows.
        await using var command = new NpgsqlCommand(
            $"select d.tenant_id, d.id from {table.QualifiedName} d where d.tenant_id = $1 and d.id = any($2) and d.lag > 0", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenantId });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. documents.Keys] });
        var lagging = await command.ReadKeysAsync(cancellationToken);
        await DocumentReader.ReadCaughtUpAsync(connection, table, lagging, (key, document) => documents[key.Id] = (T)document, cancellationToken);
        return documents;
    }

    /// <inheritdoc/>
    public async Task<T> LoadAsync(Guid id, CancellationToken cancellation) => (await LoadManyAsync([id], cancellation)).GetValueOrDefault(id)!;

    /// <inheritdoc/>
    public void Store(T snapshot) => session.QueueOperation(_documents.UpsertProjected(snapshot, tenantId));

    /// <inheritdoc/>
    public void Store(T snapshot, Guid id, string tenantId) => session.QueueOperation(_documents.UpsertProjected(snapshot, tenantId));

    /// <inheritdoc/>
    public void StoreProjection(T aggregate, IEvent? lastEvent, AggregationScope scope)
    {
        var operation = _documents.OverwriteProjected(aggregate, tenantId);
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
    public void Delete(Guid identity, string tenantId) => session.QueueOperation(_documents.DeleteForId(identity, tenantId));

    /// <inheritdoc/>
    public void HardDelete(T snapshot) => HardDelete(snapshot, tenantId);

    /// <inheritdoc/>
    public void HardDelete(T snapshot, string tenantId) => session.QueueOperation(_documents.HardDeleteForDocument(snapshot, tenantId));

    // Documents are not soft-deleted, and streams not archived.

    /// <inheritdoc/>
    public void UnDelete(T snapshot) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void UnDelete(T snapshot, string tenantId) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void ArchiveStream(Guid sliceId, string tenantId) => throw new NotSupportedException();
}
