using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ResultsEs.Benchmarks;

/// <summary>
/// L1: what an event costs whose session has many already, beside one whose session has few. One connection; the median of each round's answers. Each round has sessions of its own, among which
/// the events are spread, so that they stay about as long as they were.
/// </summary>
internal static class LengthRow
{
    public const string Name = "L1";

    private const int Warm = 30;
    private const int Measured = 200;
    private const int EventsPerRequest = 1_000;

    private static readonly (int Length, int Sessions, double? AtMost)[] Lengths = [(10, 46, null), (1_000, 4, 1.5), (5_000, 2, 2)];

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("l1", cancellation);
        await using var service = await Service.StartAsync(database, cancellation);
        using var http = await service.ConnectAsync(connections: 1, await service.TokenAsync(cancellation), cancellation);
        var medians = Lengths.ToDictionary(length => length.Length, _ => new List<double>());
        var session = 0;
        for (var round = 0; round < options.Rounds; round++)
        {
            foreach (var (length, sessions, _) in Lengths)
            {
                await FillAsync(session, sessions, length);
                medians[length].Add(await AppendAsync(session, sessions, length));
                session += sessions;
            }

            Console.Error.WriteLine($"L1, round {round + 1} of {options.Rounds}: {string.Join(", ", Lengths.Select(length => string.Create(CultureInfo.InvariantCulture, $"{length.Length} events {medians[length.Length][^1]:F2} ms")))}");
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

        Contestant Of(int length) => new(string.Create(CultureInfo.InvariantCulture, $"the service, {length:N0} events"), medians[length], service.PeakBytes);

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
            for (var n = 0; n < Warm + Measured; n++)
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
                var expected = length - 1 + ((Warm + Measured - i + sessions - 1) / sessions);
                var tasks = await Postgres.AskAsync<int>(
                    database, $"select coalesce((select jsonb_array_length(data -> 'body' -> 'tasks') from {SessionSender.ServedDocuments} where id = '{Sessions.Id(first + i)}'), 0)", cancellation);
                if (tasks != expected)
                    throw new InvalidOperationException($"The document of session {first + i} holds {tasks} tasks, not {expected}.");
            }

            await Fill.CountedAsync(database, cancellation);
            return new Contestant("", times).Median;
        }
    }
}
