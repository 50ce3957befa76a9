using ResultsEs.EventStore;

namespace ResultsEs.Exports;

/// <summary>The bytes of a file on their way into the database, in chunks of one size. Holds less than two of them.</summary>
internal sealed class ChunkWriter(NpgsqlDataSource database, Guid export, Guid file)
{
    /// <summary>The size of all chunks but the last.</summary>
    public const int ChunkBytes = 1024 * 1024;

    private readonly byte[] _chunk = new byte[ChunkBytes];
    private int _filled;
    private int _number;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (bytes.Length > 0)
        {
            var part = bytes[..Math.Min(bytes.Length, ChunkBytes - _filled)];
            part.CopyTo(_chunk.AsMemory(_filled));
            _filled += part.Length;
            bytes = bytes[part.Length..];
            if (_filled == ChunkBytes)
                await StoreAsync(cancellation);
        }
    }

    public Task EndAsync(CancellationToken cancellation) => _filled > 0 ? StoreAsync(cancellation) : Task.CompletedTask;

    private async Task StoreAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(
            "insert into results.export_chunks (export_id, file_id, number, data) values ($1, $2, $3, $4)",
            [export, file, _number, new ArraySegment<byte>(_chunk, 0, _filled)], cancellation);
        (_number, _filled) = (_number + 1, 0);
    }
}

/// <summary>
/// A stored file, to be read from anywhere. It holds one chunk, and nothing of the database between two. The stream ends with an error
/// when the file is deleted meanwhile.
/// </summary>
internal sealed class ChunkReader(NpgsqlDataSource database, Guid export, Guid file, long length) : Stream
{
    private byte[] _chunk = [];
    private long _number = -1;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get; set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position >= length)
            return 0;

        var number = Position / ChunkWriter.ChunkBytes;
        if (number != _number)
        {
            // The primary key (export_id, file_id, number).
            var found = await database.CreateCommand(
                "select c.data from results.export_chunks c where c.export_id = $1 and c.file_id = $2 and c.number = $3")
                .ReadAllAsync([export, file, (int)number], reader => reader.GetFieldValue<byte[]>(0), cancellationToken);
            (_chunk, _number) = found is [var chunk] ? (chunk, number) : throw new IOException("The file was deleted meanwhile.");
        }

        var from = (int)(Position % ChunkWriter.ChunkBytes);
        var part = _chunk.AsMemory(from, Math.Min(buffer.Length, _chunk.Length - from));
        part.CopyTo(buffer);
        Position += part.Length;
        return part.Length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => length + offset,
    };

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("It is read asynchronously.");

    public override void Flush()
    {
        // Nothing is written.
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
