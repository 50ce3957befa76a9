namespace ResultsEs.Common;

/// <summary>
/// Room for bytes that are needed together and for a short time, in arrays of the shared pool. What was taken is another's after
/// <see cref="Dispose"/>. Not thread-safe.
/// </summary>
internal sealed class PooledBytes : IDisposable
{
    // Large enough for several documents, and a size that the pool keeps.
    private const int ChunkBytes = 256 * 1024;

    private readonly List<byte[]> _chunks = [];
    private int _used;

    /// <summary>Takes room for so many bytes.</summary>
    public Memory<byte> Take(int length)
    {
        if (_chunks.Count == 0 || _chunks[^1].Length - _used < length)
        {
            _chunks.Add(ArrayPool<byte>.Shared.Rent(Math.Max(length, ChunkBytes)));
            _used = 0;
        }

        var room = _chunks[^1].AsMemory(_used, length);
        _used += length;
        return room;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var chunk in _chunks)
            ArrayPool<byte>.Shared.Return(chunk);
        _chunks.Clear();
    }
}
