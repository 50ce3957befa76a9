using System.Diagnostics.CodeAnalysis;
using Marten;

namespace ResultsEs.EventStore;

/// <summary>What an <see cref="AppendTransaction"/> is begun with.</summary>
internal sealed record AppendStore(IDocumentStore Store, DocumentTables Tables, DocumentCache Cache);

/// <summary>The document tables of all features, by the type of their streams.</summary>
internal sealed class DocumentTables(IEnumerable<DocumentTable> tables)
{
    private readonly Dictionary<string, DocumentTable> _byStreamType = tables.ToDictionary(table => table.StreamType, StringComparer.Ordinal);

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<DocumentTable> All => _byStreamType.Values;

    /// <summary>The table of streams of a type.</summary>
    public DocumentTable this[string streamType] => _byStreamType[streamType];

    /// <summary>The table of streams of a type; null when no feature has any.</summary>
    public DocumentTable? Find(string? streamType) => streamType is null ? null : _byStreamType.GetValueOrDefault(streamType);
}
