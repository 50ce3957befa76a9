using System.Buffers.Binary;
using System.Text;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Tests.Ingestion.RabbitMq;

/// <summary>What comes from a broker waits for room, and what is too large comes in parts.</summary>
public sealed class DeliveryFramesTests
{
    private const int Most = AmqpCloudEvents.MaxMessageBytes;
    private const int FrameBytes = 128 * 1024 - 8;

    private static readonly byte[] Heartbeat = [8, 0, 0, 0, 0, 0, 0, 0xCE];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(FrameBytes + 1, 1)]
    [InlineData(Most, 1)]
    [InlineData(Most + 1, 2)]
    [InlineData((2 * Most) + 77, 3)]
    public async Task A_message_comes_whole_or_in_parts_of_one_tag_whatever_the_pieces_of_the_socket(int bytes, int parts)
    {
        var body = new byte[bytes];
        new Random(bytes).NextBytes(body);
        byte[] other = [1, 2, 3];
        // Heartbeats and methods of other channels come between.
        byte[] sent = [.. Method(0, 10, 10), .. Delivery(1, tag: 7, body, between: Heartbeat), .. Heartbeat, .. Delivery(1, tag: 8, other), .. Method(1, 20, 40)];
        var held = new HeldBytes(long.MaxValue);
        using var deliveries = new ConnectionDeliveries(held);
        using var socket = new Pieces(sent, seed: bytes);

        var frames = Parse(await ReadAllAsync(new DeliveryFrames(socket, deliveries)));
        var messages = MessagesOf(frames);
        Assert.Equal([.. Enumerable.Repeat(7UL, parts), 8UL], messages.Select(message => message.Tag));
        Assert.Equal(body, messages[..^1].SelectMany(message => message.Body));
        Assert.All(messages, message => Assert.InRange(message.Body.Length, 0, Most));
        Assert.Equal(other, messages[^1].Body);
        Assert.Equal("key", messages[^1].Key);
        // All else passes as it is.
        Assert.Equal(Others(Parse(sent)), Others(frames));
        Assert.Equal(bytes + 3, held.Held);

        Assert.Null(deliveries.PartOf(8, "1"));
        Assert.True(deliveries.IsDone(8));
        if (parts == 1)
            return;
        Assert.Equal(
            Enumerable.Range(1, parts).Select(number => new MessagePart(number, parts, (ulong)bytes)),
            messages[..^1].Select(message => deliveries.PartOf(message.Tag, message.Key)));
        Assert.Equal([.. Enumerable.Repeat(false, parts - 1), true], Enumerable.Range(0, parts).Select(_ => deliveries.IsDone(7)));

        static IEnumerable<string> Others(List<(byte Type, byte[] Payload)> frames) =>
            frames.Where(frame => frame is (8, _) or (1, not [0, 60, 0, 60, ..])).Select(frame => $"{frame.Type} {Convert.ToHexString(frame.Payload)}");
    }

    [Fact]
    public async Task A_message_waits_until_those_in_hand_leave_room_for_it()
    {
        var held = new HeldBytes(100);
        using var deliveries = new ConnectionDeliveries(held);
        byte[] sent = [.. Delivery(1, 1, new byte[60]), .. Delivery(1, 2, new byte[60]), .. Delivery(1, 3, new byte[200]), .. Delivery(1, 4, [])];
        using var socket = new Pieces(sent, seed: 1);
        var reader = new Reader(new DeliveryFrames(socket, deliveries));

        await reader.UntilAsync(messages: 1);
        Assert.True(reader.Waits);
        Assert.Equal(60, held.Held);

        Assert.True(deliveries.TryBegin(60));
        deliveries.End(60);
        await reader.UntilAsync(messages: 2);
        Assert.True(reader.Waits);

        // A single one may be larger than all that there is.
        Assert.True(deliveries.TryBegin(60));
        deliveries.End(60);
        await reader.UntilAsync(messages: 3);
        Assert.True(reader.Waits);
        Assert.Equal(200, held.Held);

        Assert.True(deliveries.TryBegin(200));
        deliveries.End(200);
        await reader.UntilAsync(messages: 4);
        Assert.Equal(0, held.Held);
    }

    [Fact]
    public void A_connection_that_ends_gives_back_what_no_handler_has_and_hands_out_no_more()
    {
        var held = new HeldBytes(100);
        var (one, two) = (new ConnectionDeliveries(held), new ConnectionDeliveries(held));
        Assert.True(one.TryTake(40));
        Assert.True(one.TryTake(50));
        Assert.True(one.TryBegin(40));
        Assert.False(two.TryTake(20));

        one.Dispose();
        Assert.Equal(40, held.Held);
        Assert.False(one.TryBegin(50));
        Assert.False(one.TryTake(1));
        Assert.True(two.TryTake(60));
        // What is in hand stays in hand, whatever became of the connection.
        Assert.False(two.TryTake(1));
        one.End(40);
        Assert.Equal(60, held.Held);
    }

    private static async Task<byte[]> ReadAllAsync(DeliveryFrames frames)
    {
        var read = new MemoryStream();
        var buffer = new byte[4096];
        for (int count; (count = await frames.ReadAsync(buffer, Cancelled)) > 0;)
            await read.WriteAsync(buffer.AsMemory(0, count), Cancelled);
        return read.ToArray();
    }

    private static byte[] Delivery(int channel, ulong tag, byte[] body, byte[]? between = null)
    {
        var deliver = new byte[4 + 1 + 3 + 8 + 1 + 1 + 2 + 1 + 3];
        BinaryPrimitives.WriteUInt32BigEndian(deliver, (60 << 16) | 60);
        deliver[4] = 3;
        Encoding.ASCII.GetBytes("ctg", deliver.AsSpan(5));
        BinaryPrimitives.WriteUInt64BigEndian(deliver.AsSpan(8), tag);
        deliver[17] = 2;
        Encoding.ASCII.GetBytes("ex", deliver.AsSpan(18));
        deliver[20] = 3;
        Encoding.ASCII.GetBytes("key", deliver.AsSpan(21));
        var header = new byte[14];
        header[1] = 60;
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(4), (ulong)body.Length);
        var frames = new MemoryStream();
        frames.Write(Frame(1, channel, deliver));
        frames.Write(between ?? []);
        frames.Write(Frame(2, channel, header));
        foreach (var piece in body.Chunk(FrameBytes))
        {
            frames.Write(between ?? []);
            frames.Write(Frame(3, channel, piece));
        }

        return frames.ToArray();
    }

    private static byte[] Method(int channel, int type, int method) => Frame(1, channel, [0, (byte)type, 0, (byte)method, 1, 2, 3]);

    private static byte[] Frame(byte type, int channel, byte[] payload)
    {
        byte[] frame = [type, 0, (byte)channel, 0, 0, 0, 0, .. payload, 0xCE];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(3), payload.Length);
        return frame;
    }

    private static List<(byte Type, byte[] Payload)> Parse(byte[] bytes)
    {
        var frames = new List<(byte, byte[])>();
        for (var at = 0; at < bytes.Length;)
        {
            var size = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at + 3));
            Assert.Equal(0xCE, bytes[at + 7 + size]);
            frames.Add((bytes[at], bytes[(at + 7)..(at + 7 + size)]));
            at += 8 + size;
        }

        return frames;
    }

    private static List<(ulong Tag, string Key, byte[] Body)> MessagesOf(List<(byte Type, byte[] Payload)> frames)
    {
        var messages = new List<(ulong Tag, string Key, byte[] Body)>();
        for (var i = 0; i < frames.Count; i++)
        {
            if (frames[i] is not (1, [0, 60, 0, 60, .. var deliver]))
                continue;

            var left = -1L;
            var body = new MemoryStream();
            while (left != 0 && ++i < frames.Count)
            {
                if (frames[i].Type == 2)
                    left = (long)BinaryPrimitives.ReadUInt64BigEndian(frames[i].Payload.AsSpan(4));
                if (frames[i].Type != 3)
                    continue;
                body.Write(frames[i].Payload);
                left -= frames[i].Payload.Length;
            }

            messages.Add((BinaryPrimitives.ReadUInt64BigEndian(deliver.AsSpan(4)), Encoding.ASCII.GetString(deliver, 17, deliver[16]), body.ToArray()));
        }

        return messages;
    }

    /// <summary>Reads as the client does, with a look at whether there is anything to read.</summary>
    private sealed class Reader(DeliveryFrames frames)
    {
        private readonly byte[] _buffer = new byte[4096];
        private readonly MemoryStream _read = new();
        private Task<int>? _next;

        /// <summary>Whether the next read finds nothing: the socket here never waits.</summary>
        public bool Waits => !Next.IsCompleted;

        private Task<int> Next => _next ??= frames.ReadAsync(_buffer, Cancelled).AsTask();

        public async Task UntilAsync(int messages)
        {
            while (MessagesOf(Parse(_read.ToArray())).Count < messages)
            {
                await _read.WriteAsync(_buffer.AsMemory(0, await Next), Cancelled);
                _next = null;
            }

            Assert.Equal(Enumerable.Range(1, messages).Select(tag => (ulong)tag), MessagesOf(Parse(_read.ToArray())).Select(message => message.Tag));
        }
    }

    /// <summary>A socket that gives what it has in pieces of any size.</summary>
    private sealed class Pieces(byte[] bytes, int seed) : MemoryStream(bytes)
    {
        private readonly Random _random = new(seed);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, _random.Next(1, 70_000))], cancellationToken);
    }
}
