using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Benchmarks;

/// <summary>
/// X1: all sessions of a test are exported, a line each, by one client. The floor is a COPY of the same documents in the same order, read by this program without anybody in between.
/// </summary>
internal static class ExportRow
{
    public const string Name = "X1";

    // The runtime compiles what is hot for good while it is at work.
    private const int WarmUps = 3;
    private const int BufferBytes = 128 * 1024;
    private const byte NewLine = (byte)'\n';

    // Read along the index of lists: a sort would take the documents through files.
    private static readonly string Copy =
        $"""
        copy (
          select d.data -> 'body' from {SessionResultTable.Name} d
          where d.tenant_id = '{Service.Account}' and d.workspace_id = '{Service.Workspace}' and d.test_id = '{Sessions.TestId(0)}' and d.status = 'Complete'
          order by d.listed_at desc, d.id desc
        ) to stdout (format binary)
        """;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var sessions = options.Events / Sessions.EventsPerSession;
        var database = await postgres.CreateDatabaseAsync("x1", cancellation);
        await Fill.WithAsync(database, Enumerable.Range(0, sessions).SelectMany(session => Sessions.LinesOf(session, test: 0)), cancellation);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { ReadBufferSize = BufferBytes, Options = "-c enable_sort=off", CommandTimeout = 0 });
        await using var project = await Service.StartAsync(database, cancellation);
        using var http = await project.ConnectAsync(1, await project.TokenAsync(cancellation), cancellation);

        await CheckAsync(source, http, sessions, cancellation);
        var (copied, exported) = (new List<double>(), new List<double>());
        var rounds = options.RoundsOf();
        for (var round = -WarmUps; round < rounds; round++)
        {
            var (ofFloor, ofProject) = (await RateAsync(sessions, read => CopyAsync(source, read, cancellation)), await RateAsync(sessions, read => ExportAsync(http, read, cancellation)));
            if (round < 0)
                continue;

            copied.Add(ofFloor);
            exported.Add(ofProject);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round + 1} of {rounds}: COPY {ofFloor:N0}/s, export {ofProject:N0}/s"));
        }

        return
        [
            new ResultRow(Name, "export a test's sessions over HTTP, v3", "sessions/s", new Goal(AtLeast: 0.7, AtMost: null),
            [
                new("binary COPY of the same documents, without HTTP", copied),
                new("GET /api/v3/testResults/{id}/sessionResults", exported, project.PeakBytes),
            ]),
        ];
    }

    /// <summary>How many sessions a second.</summary>
    /// <param name="sessions">How many there are.</param>
    /// <param name="export">Exports once, and hands on what comes as it comes: parts of lines.</param>
    private static async Task<double> RateAsync(int sessions, Func<Action<ReadOnlyMemory<byte>, bool>, Task> export)
    {
        var (watch, lines) = (Stopwatch.StartNew(), 0);
        await export((_, isEnd) => lines += isEnd ? 1 : 0);
        var rate = sessions / watch.Elapsed.TotalSeconds;
        return lines == sessions ? rate : throw new InvalidOperationException($"{lines} lines have come of {sessions} sessions.");
    }

    /// <summary>Both are the same lines in the same order, but for the time of the last change at the begin of each exported one.</summary>
    private static async Task CheckAsync(NpgsqlDataSource source, HttpClient http, int sessions, CancellationToken cancellation)
    {
        using var copied = new MemoryStream();
        using var exported = new MemoryStream();
        await CopyAsync(source, (part, isEnd) => Keep(copied, part, isEnd), cancellation);
        await ExportAsync(http, (part, isEnd) => Keep(exported, part, isEnd), cancellation);
        var (expected, sent) = (copied.GetBuffer().AsMemory(0, (int)copied.Length), WithoutTimes(exported.GetBuffer().AsMemory(0, (int)exported.Length)));
        if (expected.Span.Count(NewLine) != sessions || !expected.Span.SequenceEqual(sent.Span))
            throw new InvalidOperationException($"The export has other lines ({sent.Span.Count(NewLine)} of {sent.Length} bytes) than the COPY ({expected.Span.Count(NewLine)} of {expected.Length} bytes).");

        static ReadOnlyMemory<byte> WithoutTimes(ReadOnlyMemory<byte> lines)
        {
            using var bodies = new MemoryStream();
            while (lines.Span.IndexOf(NewLine) is >= 0 and var end)
            {
                bodies.WriteByte((byte)'{');
                bodies.Write(lines.Span[ExportLine.BeginBytes..(end + 1)]);
                lines = lines[(end + 1)..];
            }

            return bodies.ToArray();
        }

        static void Keep(MemoryStream into, ReadOnlyMemory<byte> part, bool isEnd)
        {
            into.Write(part.Span);
            if (isEnd)
                into.WriteByte(NewLine);
        }
    }

    private static async Task ExportAsync(HttpClient http, Action<ReadOnlyMemory<byte>, bool> read, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(new Uri($"/api/v3/testResults/{Sessions.TestId(0)}/sessionResults", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"The export has answered {answer.StatusCode}.");

        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[BufferBytes];
        while (await body.ReadAsync(buffer, cancellation) is > 0 and var count)
        {
            var rest = buffer.AsMemory(0, count);
            while (rest.Span.IndexOf(NewLine) is >= 0 and var end)
            {
                read(rest[..end], true);
                rest = rest[(end + 1)..];
            }

            read(rest, false);
        }
    }

    /// <summary>Reads the format of COPY: a header; rows of one field each, which are the number 1, a length, and jsonb, which is the number 1 and its text; and the number −1.</summary>
    private static async Task CopyAsync(NpgsqlDataSource source, Action<ReadOnlyMemory<byte>, bool> read, CancellationToken cancellation)
    {
        const int HeaderBytes = 19;
        const int RowBytes = 2 + 4 + 1;
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var copy = await connection.BeginRawBinaryCopyAsync(Copy, cancellation);
        var buffer = new byte[BufferBytes];
        var (filled, at, left) = (0, 0, 0);
        await NeedAsync(HeaderBytes);
        at = HeaderBytes;
        while (true)
        {
            await NeedAsync(sizeof(short));
            if (BinaryPrimitives.ReadInt16BigEndian(buffer.AsSpan(at)) == -1)
                break;

            await NeedAsync(RowBytes);
            left = BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at + 2)) - 1;
            if (buffer[at + 6] != 1)
                throw new InvalidOperationException("This jsonb is of another format.");
            at += RowBytes;
            while (left > 0)
            {
                await NeedAsync(1);
                var count = Math.Min(left, filled - at);
                read(buffer.AsMemory(at, count), count == left);
                (at, left) = (at + count, left - count);
            }
        }

        // Returns when so many bytes are there.
        async ValueTask NeedAsync(int bytes)
        {
            if (filled - at >= bytes)
                return;

            buffer.AsSpan(at, filled - at).CopyTo(buffer);
            (filled, at) = (filled - at, 0);
            filled += await copy.ReadAtLeastAsync(buffer.AsMemory(filled), bytes - filled, throwOnEndOfStream: true, cancellation);
        }
    }
}
