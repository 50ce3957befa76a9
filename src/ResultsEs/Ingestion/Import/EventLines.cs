using ResultsEs.EventStore;

namespace ResultsEs.Ingestion.Import;

/// <summary>A line with an event or its problems. Numbered from 1, blank lines included. Zero bytes: it was too long to keep.</summary>
internal readonly record struct EventLine(long Number, int Bytes, IncomingEvent? Event, IReadOnlyList<EventProblem> Problems);

/// <summary>Reads CloudEvents one a line (NDJSON) as a stream. At most one line is in memory, and none that is too long.</summary>
internal static class EventLines
{
    // As much as a request may have. What an event may have is counted without escapes, which no line is read for before it is whole.
    private const int MaxLineBytes = PostEventsEndpoint.MaxRequestBytes;

    // The line, and the CR before the LF.
    private const int MaxBuffer = MaxLineBytes + 1;

    /// <summary>True for the content types of NDJSON. None is registered; both of these are in use.</summary>
    public static bool IsContentType(string? contentType) =>
        CloudEventReader.MediaTypeOf(contentType) is "application/x-ndjson" or "application/ndjson";

    /// <summary>Reads lines of UTF-8, from one on, except blank ones; LF or CRLF ends each. The caller completes the reader.</summary>
    /// <exception cref="TimeoutException">No byte came for as long as <paramref name="idle"/>.</exception>
    public static async IAsyncEnumerable<EventLine> ReadAsync(
        PipeReader reader, long from, TimeSpan idle, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var patience = new Patience(idle, cancellation);
        var number = 1L;
        // Bytes of the current line that were discarded, because it is too long.
        var discarded = 0L;
        // Bytes of the current line in which no end is.
        var searched = 0L;
        while (true)
        {
            // Only while somebody waits for bytes: a commit may take longer.
            patience.Begin();
            var read = await NextAsync(reader, patience);
            patience.End();
            var buffer = read.Buffer;
            while (TryCut(ref buffer, searched, read.IsCompleted, out var line))
            {
                var length = discarded + line.Length;
                if (number >= from && (length > MaxBuffer ? TooLong(number, length) : Parse(number, line)) is { } found)
                    yield return found;
                number++;
                (discarded, searched) = (0, 0);
            }

            // The rest is part of a line.
            if (discarded + buffer.Length > MaxBuffer)
            {
                discarded += buffer.Length;
                buffer = buffer.Slice(buffer.End);
            }

            searched = buffer.Length;
            reader.AdvanceTo(buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                yield break;
        }
    }

    private static async ValueTask<ReadResult> NextAsync(PipeReader reader, Patience patience)
    {
        try
        {
            var reading = reader.ReadAsync(patience.Token);
            // A read from a silent pipe does not end when it is cancelled.
            return reading.IsCompleted ? await reading : await reading.AsTask().WaitAsync(patience.Token);
        }
        catch (OperationCanceledException e) when (patience.IsOver)
        {
            throw new TimeoutException("No byte came for too long.", e);
        }
    }

    /// <summary>Cuts the next line off the buffer. The last line may lack its end.</summary>
    private static bool TryCut(ref ReadOnlySequence<byte> buffer, long searched, bool isLast, out ReadOnlySequence<byte> line)
    {
        if (buffer.Slice(searched).PositionOf((byte)'\n') is { } end)
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

    private static EventLine? Parse(long number, ReadOnlySequence<byte> bytes)
    {
        var line = bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray();
        // Files that were put together have a mark at the begin of each.
        line = CloudEventReader.WithoutByteOrderMark(line).Trim(" \t\r"u8);
        if (line.IsEmpty)
            return null;
        if (line.Length > MaxLineBytes)
            return TooLong(number, line.Length);

        var read = CloudEventReader.Read(line, CloudEventShapes.Single);
        return new(number, line.Length, read.Problems.Count > 0 ? null : read.Events[0], read.Problems);
    }

    private static EventLine TooLong(long number, long length) => new(
        number, 0, null, [EventProblem.OfRequest($"must have at most {MaxLineBytes} bytes, not {length}")]);
}
