namespace ResultsEs.Exports;

/// <summary>
/// What a format's writer has written and nobody has taken yet. The libraries write into it without waiting, and its owner takes it to
/// where it goes. Grows with what one batch becomes.
/// </summary>
internal sealed class OutputBuffer : Stream
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private long _taken;

    /// <summary>What was written and not taken.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => Position;

    /// <summary>How many bytes were written in all.</summary>
    public override long Position
    {
        get => _taken + _buffer.WrittenCount;
        set => throw new NotSupportedException();
    }

    /// <summary>Forgets what was written, because it has been taken.</summary>
    public void Take()
    {
        _taken += _buffer.WrittenCount;
        _buffer.ResetWrittenCount();
    }

    public override void Write(ReadOnlySpan<byte> buffer) => _buffer.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Write(buffer, offset, count);
        return Task.CompletedTask;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
        // It is all in memory.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
