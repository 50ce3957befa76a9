using System.Buffers.Binary;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>
/// The broker's bytes on their way to RabbitMQ.Client, frame by frame (AMQP 0-9-1, 4.2). The client makes an array of each whole body, and
/// reads as many as the prefetch allows. So a message waits here, unread, until there is room for it. One that is larger than a message
/// may be is passed on as several deliveries of the same tag, each a part of its body.
/// </summary>
internal sealed class DeliveryFrames(Stream broker, ConnectionDeliveries deliveries)
{
    private const byte Method = 1;
    private const byte End = 0xCE;
    private const int Begin = 7;
    private const uint BasicDeliver = (60 << 16) | 60;

    // Class and weight precede the size of the body in a content header.
    private const int BodySize = Begin + 4;

    // RabbitMQ's own is 128 KiB.
    private const int MaxFrame = 1024 * 1024;

    private static readonly byte[] Heartbeat = [8, 0, 0, 0, 0, 0, 0, End];

    // The client takes a connection for dead that is silent for two of its heartbeats.
    private static readonly TimeSpan BetweenHeartbeats = TimeSpan.FromSeconds(5);

    private readonly BufferedStream _broker = new(broker, 64 * 1024);
    private IAsyncEnumerator<ReadOnlyMemory<byte>>? _pieces;
    private ReadOnlyMemory<byte> _piece;
    private ValueTask<bool>? _next;
    private CancellationToken _cancellation;
    private byte[] _frame = new byte[4 * 1024];
    private int _length;

    private ReadOnlySpan<byte> Payload => _frame.AsSpan(Begin, _length - Begin - 1);

    private int Channel => BinaryPrimitives.ReadUInt16BigEndian(_frame.AsSpan(1));

    private bool IsDeliver => _frame[0] == Method && _length > Begin + 4 && BinaryPrimitives.ReadUInt32BigEndian(Payload) == BasicDeliver;

    /// <summary>Reads what comes next, at least one byte; 0 at the end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellation)
    {
        _cancellation = cancellation;
        _pieces ??= PiecesAsync().GetAsyncEnumerator(CancellationToken.None);
        var read = 0;
        while (read < target.Length)
        {
            if (_piece.IsEmpty)
            {
                var next = _next ?? _pieces.MoveNextAsync();
                // What is there is passed on before anything is waited for.
                if (read > 0 && !next.IsCompleted)
                {
                    _next = next;
                    return read;
                }

                _next = null;
                if (!await next)
                    return read;
                _piece = _pieces.Current;
            }

            var count = Math.Min(_piece.Length, target.Length - read);
            _piece[..count].CopyTo(target[read..]);
            (_piece, read) = (_piece[count..], read + count);
        }

        return read;
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> PiecesAsync()
    {
        while (await ReadFrameAsync())
        {
            if (!IsDeliver)
            {
                yield return Frame();
                continue;
            }

            var (channel, deliver) = (Channel, Frame().ToArray());
            // Frames of other channels may come between.
            while (await ReadFrameAsync() && Channel != channel)
                yield return Frame();
            if (_length == 0)
                yield break;

            var header = Frame().ToArray();
            var left = BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(BodySize));
            var count = PartsOf(left);
            if (count > 1)
                deliveries.Split(TagOf(deliver), count, left);

            var rest = 0;
            for (var number = 1; number <= count; number++)
            {
                var part = (int)Math.Min(left, AmqpCloudEvents.MaxMessageBytes);
                while (!deliveries.TryTake(part))
                {
                    await Task.WhenAny(deliveries.Returned, Task.Delay(BetweenHeartbeats, _cancellation));
                    _cancellation.ThrowIfCancellationRequested();
                    yield return Heartbeat;
                }

                left -= (ulong)part;
                BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(BodySize), (ulong)part);
                yield return count == 1 ? deliver : OfPart(deliver, number);
                yield return header;
                while (part > 0)
                {
                    while (rest == 0 && await ReadFrameAsync())
                    {
                        if (Channel == channel)
                            rest = Payload.Length;
                        else
                            yield return Frame();
                    }

                    if (rest == 0)
                        yield break;
                    var piece = Math.Min(rest, part);
                    yield return Body(channel, Payload.Slice(Payload.Length - rest, piece));
                    (rest, part) = (rest - piece, part - piece);
                }
            }
        }
    }

    private static int PartsOf(ulong bytes) =>
        (int)Math.Max(1, (bytes + AmqpCloudEvents.MaxMessageBytes - 1) / AmqpCloudEvents.MaxMessageBytes);

    // The delivery's tag stands behind the consumer's, a short string.
    private static int TagAt(byte[] deliver) => Begin + 4 + 1 + deliver[Begin + 4];

    private static ulong TagOf(byte[] deliver) => BinaryPrimitives.ReadUInt64BigEndian(deliver.AsSpan(TagAt(deliver)));

    /// <summary>The same delivery with the part's number for a routing key, which is all that the client passes on of it.</summary>
    private static byte[] OfPart(byte[] deliver, int number)
    {
        var exchange = TagAt(deliver) + 8 + 1;
        var kept = deliver.AsSpan(0, exchange + 1 + deliver[exchange]);
        var key = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
        byte[] frame = [.. kept, (byte)key.Length, .. key, End];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(3), frame.Length - Begin - 1);
        return frame;
    }

    private static byte[] Body(int channel, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[Begin + payload.Length + 1];
        frame[0] = 3;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)channel);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(3), payload.Length);
        payload.CopyTo(frame.AsSpan(Begin));
        frame[^1] = End;
        return frame;
    }

    private ReadOnlyMemory<byte> Frame() => _frame.AsMemory(0, _length);

    private async ValueTask<bool> ReadFrameAsync()
    {
        _length = 0;
        if (await _broker.ReadAtLeastAsync(_frame.AsMemory(0, Begin), Begin, throwOnEndOfStream: false, _cancellation) < Begin)
            return false;

        var size = BinaryPrimitives.ReadInt32BigEndian(_frame.AsSpan(3));
        if (size is < 0 or > MaxFrame)
            throw new IOException("The broker does not speak AMQP 0-9-1.");

        _length = Begin + size + 1;
        if (_frame.Length < _length)
            Array.Resize(ref _frame, _length);
        await _broker.ReadExactlyAsync(_frame.AsMemory(Begin, size + 1), _cancellation);
        return true;
    }
}
