using Marten.Internal.Sessions;

namespace ResultsEs.EventStore;

/// <summary>The storage of an append transaction's projection: it loads what was read under the locks, and collects documents.</summary>
internal sealed class AppendStorage<T>(AppendTransaction transaction, DocumentSessionBase session, DocumentTable<T> table)
    : SessionStorage<T>(session, transaction.Account, table)
    where T : class
{
    /// <inheritdoc/>
    public override void SetIdentity(T document, Guid identity)
    {
        // The fold has set it.
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, T>> LoadManyAsync(Guid[] identities, CancellationToken cancellationToken) =>
        (await transaction.DocumentsAsync(Table, identities)).ToDictionary(document => document.Key, document => (T)document.Value);

    /// <inheritdoc/>
    public override void Store(T snapshot, Guid id, string tenantId) => transaction.Store(Table, id, snapshot);
}
