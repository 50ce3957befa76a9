using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ResultsEs.Benchmarks;

/// <summary>
/// L1: what an event costs whose session has many already, beside one whose session has few. One connection; the mean of each round's answers, so that it has its part of what comes only now and
/// then: each long session gets so many events that its document is written once. Each round has sessions of its own, among which the events are spread.
/// </summary>
internal static class LengthRow
{
    public const string Name = "L1";

    private const int Warm = 30;
    private const int Least = 200;
    private const int EventsPerRequest = 1_000;

    private static readonly (int Length, int Sessions, double? AtMost)[] Lengths = [(10, 46, null), (1_000, 4, 1.5), (5_000, 2, 2)];

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("l1", cancellation);
        await using var service = await Service.StartAsync(database, cancellation);
        using var http = await service.ConnectAsync(connections: 1, await service.TokenAsync(cancellation), cancellation);
        var means = Lengths.ToDictionary(length => length.Length, _ => new List<double>());
        var session = 0;
        var rounds = options.RoundsOf();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (length, sessions, _) in Lengths)
            {
                await FillAsync(session, sessions, length);
                means[length].Add(await AppendAsync(session, sessions, length));
                session += sessions;
            }

            Console.Error.WriteLine($"L1, round {round + 1} of {rounds}: {string.Join(", ", Lengths.Select(length => string.Create(CultureInfo.InvariantCulture, $"{length.Length} events {means[length.Length][^1]:F2} ms")))}");
        }

        var few = Of(Lengths[0].Length);
        return
        [
            .. Lengths.Skip(1).Select(length => new ResultRow(
                string.Create(CultureInfo.InvariantCulture, $"{Name}/{length.Length}"),
                string.Create(CultureInfo.InvariantCulture, $"one event more in a session of {length.Length:N0}"),
                "ms",
                new Goal(AtLeast: null, length.AtMost),
                [few, Of(length.Length)])),
        ];

        Contestant Of(int length) => new(string.Create(CultureInfo.InvariantCulture, $"the service, {length:N0} events"), means[length], service.PeakBytes);

        async Task FillAsync(int first, int sessions, int length)
        {
            foreach (var lines in Enumerable.Range(first, sessions).SelectMany(one => Sessions.Long(one, 0, length)).Chunk(EventsPerRequest))
                await Sending.AcceptedAsync(http, "The service", Encoding.UTF8.GetBytes($"[{string.Join(',', lines)}]"), Sending.Batch, lines.Length, cancellation);
            // What is counted after the answers is done before something is measured.
            await Fill.CountedAsync(database, cancellation);
        }

        async Task<double> AppendAsync(int first, int sessions, int length)
        {
            var times = new List<double>();
            // A tail is at most an eighth of what the document holds.
            var measured = Math.Max(Least, sessions * ((length / 8) + 1));
            for (var n = 0; n < Warm + measured; n++)
            {
                var line = Encoding.UTF8.GetBytes(Sessions.Long(first + (n % sessions), length + (n / sessions), 1).Single());
                var begin = Stopwatch.GetTimestamp();
                await Sending.AcceptedAsync(http, "The service", line, Sending.OneEvent, 1, cancellation);
                if (n >= Warm)
                    times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }

            for (var i = 0; i < sessions; i++)
            {
                // One event of each began it.
                var expected = length - 1 + ((Warm + measured - i + sessions - 1) / sessions);
                using var answer = JsonDocument.Parse(await http.GetByteArrayAsync(new Uri($"/api/v3/sessionResults/{Sessions.Id(first + i)}", UriKind.Relative), cancellation));
                var tasks = answer.RootElement.GetProperty("tasks").GetArrayLength();
                if (tasks != expected)
                    throw new InvalidOperationException($"Session {first + i} has {tasks} tasks, not {expected}.");
            }

            await Fill.CountedAsync(database, cancellation);
            return times.Average();
        }
    }
}
