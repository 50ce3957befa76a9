using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;

namespace ResultsEs.EventStore;

/// <summary>
/// What the inline projection reads and writes documents by in an <see cref="AppendTransaction"/>:
/// it is handed what was read under the locks, and all documents of the commit are stored by one statement.
/// </summary>
internal sealed class AppendStorage<T>(AppendTransaction transaction, DocumentTable<T> table) : IProjectionStorage<T, Guid>
    where T : class
{
    /// <inheritdoc/>
    public string TenantId => transaction.Account;

    /// <inheritdoc/>
    public Type IdType => typeof(Guid);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<Guid, T>> LoadManyAsync(Guid[] identities, CancellationToken cancellationToken) =>
        (await transaction.DocumentsAsync(table, identities)).ToDictionary(document => document.Key, document => (T)document.Value);

    /// <inheritdoc/>
    public void Store(T snapshot, Guid id, string tenantId) => transaction.Store(table, id, snapshot);

    // The projections store, and do nothing else.

    /// <inheritdoc/>
    public Guid Identity(T document) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void SetIdentity(T document, Guid identity)
    {
        // The fold sets it.
    }

    /// <inheritdoc/>
    public Task<T> LoadAsync(Guid id, CancellationToken cancellation) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Store(T snapshot) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void StoreProjection(T aggregate, IEvent? lastEvent, AggregationScope scope) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Delete(Guid identity) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Delete(Guid identity, string tenantId) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void HardDelete(T snapshot) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void HardDelete(T snapshot, string tenantId) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void UnDelete(T snapshot) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void UnDelete(T snapshot, string tenantId) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void ArchiveStream(Guid sliceId, string tenantId) => throw new NotSupportedException();
}
