using Marten;

namespace ResultsEs.EventStore;

/// <summary>The store, tables and cache that an <see cref="AppendTransaction"/> works on.</summary>
internal sealed record AppendStore(IDocumentStore Store, DocumentTables Tables, DocumentCache Cache);

/// <summary>The document tables of all features, by stream type.</summary>
internal sealed class DocumentTables(IEnumerable<DocumentTable> tables)
{
    private readonly Dictionary<string, DocumentTable> _byStreamType =
        tables.ToDictionary(table => table.StreamType, StringComparer.Ordinal);

    public IReadOnlyCollection<DocumentTable> All => _byStreamType.Values;

    public DocumentTable this[string streamType] => _byStreamType[streamType];

    /// <summary>The table of a stream type; null when no feature has that type.</summary>
    public DocumentTable? Find(string? streamType) => streamType is null ? null : _byStreamType.GetValueOrDefault(streamType);
}
