using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Ingestion.Import;

/// <summary>A line of a file of events: the event, or what is wrong with it.</summary>
/// <param name="Number">From 1; blank lines count.</param>
/// <param name="Bytes">The line's length without its end.</param>
/// <param name="Event">The event; null when the line is refused.</param>
/// <param name="Problems">What is wrong; empty when there is an event.</param>
internal readonly record struct EventLine(long Number, int Bytes, IncomingEvent? Event, IReadOnlyList<EventProblem> Problems);

/// <summary>
/// Events one a line (NDJSON), each a CloudEvent in the JSON event format. Read as a stream: no more than a line is held, and of a
/// line that is too long nothing is.
/// </summary>
internal static class EventLines
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Whether a content type is that of lines; there is no registered one, and both of these are in use.</summary>
    public static bool IsContentType(string? contentType) =>
        CloudEventReader.MediaTypeOf(contentType) is "application/x-ndjson" or "application/ndjson";

    /// <summary>Reads lines up to the end, but for those that are blank or come before <paramref name="from"/>.</summary>
    /// <param name="reader">The bytes; UTF-8, with or without a byte order mark, lines ended by LF or CRLF. Not completed here.</param>
    /// <param name="from">The first line that counts.</param>
    /// <param name="cancellation">Stops the reading.</param>
    public static async IAsyncEnumerable<EventLine> ReadAsync(PipeReader reader, long from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var number = 1L;
        var tooLong = 0L;
        while (true)
        {
            var reading = reader.ReadAsync(cancellation);
            // A pipe that says nothing does not notice the cancellation by itself.
            var read = reading.IsCompleted ? await reading : await reading.AsTask().WaitAsync(cancellation);
            var buffer = read.Buffer;
            while (TryCut(ref buffer, read.IsCompleted, out var line))
            {
                if (number >= from && (tooLong + line.Length > CloudEventReader.MaxEventBytes + 1 ? TooLong(number, tooLong + line.Length) : Parse(number, line)) is { } found)
                    yield return found;
                number++;
                tooLong = 0;
            }

            // What is left is part of a line. One that is already too long is not kept.
            if (tooLong + buffer.Length > CloudEventReader.MaxEventBytes + 1)
            {
                tooLong += buffer.Length;
                buffer = buffer.Slice(buffer.End);
            }

            reader.AdvanceTo(buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                yield break;
        }
    }

    /// <summary>Cuts the next line off; the last one may have no end.</summary>
    private static bool TryCut(ref ReadOnlySequence<byte> buffer, bool isLast, out ReadOnlySequence<byte> line)
    {
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            line = buffer.Slice(0, end);
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return true;
        }

        line = buffer;
        if (!isLast || buffer.IsEmpty)
            return false;

        buffer = buffer.Slice(buffer.End);
        return true;
    }

    private static EventLine? Parse(long number, ReadOnlySequence<byte> line)
    {
        if (line.IsSingleSegment)
            return Parse(number, line.FirstSpan);

        var copy = ArrayPool<byte>.Shared.Rent((int)line.Length);
        try
        {
            line.CopyTo(copy);
            return Parse(number, copy.AsSpan(0, (int)line.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private static EventLine? Parse(long number, ReadOnlySpan<byte> line)
    {
        if (number == 1 && line.StartsWith(ByteOrderMark))
            line = line[ByteOrderMark.Length..];
        line = line.Trim(" \t\r"u8);
        if (line.IsEmpty)
            return null;
        if (line.Length > CloudEventReader.MaxEventBytes)
            return TooLong(number, line.Length);

        var read = CloudEventReader.Read(line, CloudEventShapes.Single);
        return new(number, line.Length, read.Problems.Count > 0 ? null : read.Events[0], read.Problems);
    }

    private static EventLine TooLong(long number, long length) =>
        new(number, 0, null, [new(-1, null, "", FormattableString.Invariant($"must have at most {CloudEventReader.MaxEventBytes} bytes, not {length}"))]);
}
