namespace ResultsEs.EventStore;

/// <summary>
/// The documents that this node stored last, so that the next commit need not read them.
/// One is used only when the row, read under the stream's lock, was written by the transaction that stored it:
/// whatever else changed the row has another <c>xmin</c>. Bounded by <see cref="MaxBytes"/> of JSON; the oldest go first.
/// </summary>
internal sealed class DocumentCache
{
    /// <summary>The most JSON that the cached documents have in sum, in bytes; in memory they take some three times as much.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<StreamKey, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byAge = [];
    private int _bytes;

    /// <summary>The transaction that stored a cached document, and the document; 0 and null when none is cached.</summary>
    public (uint Xid, object? Document) Find(StreamKey key)
    {
        lock (_gate)
            return _entries.TryGetValue(key, out var node) ? (node.Value.Xid, node.Value.Document) : default;
    }

    /// <summary>Keeps a document that a committed transaction stored.</summary>
    public void Keep(StreamKey key, uint xid, DocumentRow row)
    {
        lock (_gate)
        {
            // Another commit of the stream may come here first; the row's xmin tells which of them was last.
            if (_entries.Remove(key, out var before))
                Remove(before);
            if (row.Json.Length > MaxBytes / 16)
                return;

            _entries.Add(key, _byAge.AddLast(new Entry(key, xid, row.Document, row.Json.Length)));
            _bytes += row.Json.Length;
            while (_bytes > MaxBytes)
            {
                _entries.Remove(_byAge.First!.Value.Key);
                Remove(_byAge.First);
            }
        }
    }

    /// <summary>Forgets all: a server that was away may come back as an earlier copy of itself, and give the same transaction ids again.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _byAge.Clear();
            _bytes = 0;
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _byAge.Remove(node);
        _bytes -= node.Value.Bytes;
    }

    private readonly record struct Entry(StreamKey Key, uint Xid, object Document, int Bytes);
}
