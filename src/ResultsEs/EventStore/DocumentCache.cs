namespace ResultsEs.EventStore;

/// <summary>
/// A cache of the documents that this node stored last, so that the next commit need not read them. An entry is valid only if the
/// row's <c>xmin</c>, read under the stream's lock, is the transaction that stored it. Thread-safe; the oldest entries go first.
/// </summary>
internal sealed class DocumentCache
{
    /// <summary>Largest sum of the cached documents' JSON, in bytes. In memory they take about three times as much.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<StreamKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byAge = [];
    private int _bytes;

    /// <summary>Finds a document and the transaction that stored it; 0 and null when it is not cached.</summary>
    public (uint Xid, object? Document) Find(StreamKey key)
    {
        lock (_gate)
            return _entries.TryGetValue(key, out var node) ? (node.Value.Xid, node.Value.Document) : default;
    }

    /// <summary>Caches a document that a committed transaction stored.</summary>
    public void Keep(StreamKey key, uint xid, DocumentRow row)
    {
        lock (_gate)
        {
            // Two commits of a stream may arrive here in either order. The row's xmin tells which was last.
            Remove(key);
            if (row.Json.Length > MaxBytes / 16)
                return;

            _entries.Add(key, _byAge.AddLast(new Entry(key, xid, row.Document, row.Json.Length)));
            _bytes += row.Json.Length;
            while (_bytes > MaxBytes)
                Remove(_byAge.First!.Value.Key);
        }
    }

    /// <summary>Empties the cache. A server that comes back as an earlier copy of itself gives the same transaction ids again.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _byAge.Clear();
            _bytes = 0;
        }
    }

    private void Remove(StreamKey key)
    {
        if (!_entries.Remove(key, out var node))
            return;

        _byAge.Remove(node);
        _bytes -= node.Value.Bytes;
    }

    private readonly record struct Entry(StreamKey Key, uint Xid, object Document, int Bytes);
}
