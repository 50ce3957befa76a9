using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ResultsEs.Benchmarks;

/// <summary>
/// N1: what one account notices while another does the worst that it can. It sends and reads at a steady rate, a part of what the machine does, as recorders and readers do; a request that is late counts from
/// when it was due. Alone and attacked take turns on one service, which are five minutes under attack in all.
/// </summary>
internal static class FairnessRow
{
    public const string Name = "N1";

    private const int Stored = 400;
    private const int Connections = 8;
    private const int WritesPerSecond = 40;
    private const int ReadsPerSecond = 80;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan UnderAttack = TimeSpan.FromMinutes(5);

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("n1", cancellation);
        await Fill.WithAsync(database, Stored, cancellation);
        await using var service = await Service.StartAsync(database, cancellation, Attack.Settings());
        using var http = await service.ConnectAsync(2 * Connections, await service.TokenAsync(cancellation), cancellation);
        var next = Stored;
        await SteadyAsync(WarmUp);
        // What only an attack runs is compiled by then, too.
        await using (await Attack.BeginAsync(service, cancellation))
            await SteadyAsync(WarmUp * 3);

        var turn = options.Rounds == 1 ? TimeSpan.FromSeconds(10) : UnderAttack / options.Rounds;
        var (alone, attacked) = (new List<Steady>(), new List<Steady>());
        for (var round = 0; round < options.Rounds; round++)
        {
            alone.Add(await SteadyAsync(TimeSpan.FromSeconds(Math.Min(30, turn.TotalSeconds))));
            await using (var attack = await Attack.BeginAsync(service, cancellation))
            {
                attacked.Add(await SteadyAsync(turn));
                Console.Error.WriteLine(attack);
            }

            Console.Error.WriteLine($"N1, round {round + 1} of {options.Rounds}: alone {alone[^1]}, attacked {attacked[^1]}");
        }

        return
        [
            Row("writes", "p99 of an event a request", "ms", new Goal(AtLeast: null, AtMost: 2), steady => steady.WriteP99),
            Row("reads", "p99 of a read of one result", "ms", new Goal(AtLeast: null, AtMost: 2), steady => steady.ReadP99),
            Row("throughput", "requests answered in time for the next", "requests/s", new Goal(AtLeast: 0.7, AtMost: null), steady => steady.PerSecond),
        ];

        ResultRow Row(string name, string work, string unit, Goal goal, Func<Steady, double> figure) => new(
            $"{Name}/{name}", work, unit, goal,
            [new("alone", [.. alone.Select(figure)]), new("while another account does its worst", [.. attacked.Select(figure)], service.PeakBytes)]);

        async Task<Steady> SteadyAsync(TimeSpan duration)
        {
            var writes = RateAsync(duration, WritesPerSecond, Writers(), cancellation);
            var reads = RateAsync(duration, ReadsPerSecond, Readers(), cancellation);
            return new(await writes, await reads, duration);
        }

        // One connection after the other writes a session.
        IReadOnlyList<Func<Task>> Writers() => [.. Enumerable.Range(0, Connections).Select(_ => (Func<Task>)new SessionWriter(http, () => Interlocked.Increment(ref next) - 1, cancellation).SendAsync)];

        IReadOnlyList<Func<Task>> Readers() => [.. Enumerable.Range(0, Connections).Select(connection =>
        {
            var random = new Random(connection);
            return (Func<Task>)(async () =>
            {
                var session = Sessions.Id(random.Next(Stored)).ToString();
                var body = await http.GetByteArrayAsync(new Uri($"/api/v3/sessionResults/{session}", UriKind.Relative), cancellation);
                if (body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(session)) < 0)
                    throw new InvalidOperationException($"This is not session {session}.");
            });
        })];
    }

    /// <summary>Asks so often a second, on each connection when its turn has come, and returns how long each request took from when it was due.</summary>
    private static async Task<IReadOnlyList<double>> RateAsync(TimeSpan duration, int perSecond, IReadOnlyList<Func<Task>> connections, CancellationToken cancellation)
    {
        var begin = Stopwatch.GetTimestamp();
        var each = TimeSpan.FromSeconds(connections.Count / (double)perSecond);
        var took = await Task.WhenAll(connections.Select((ask, i) => Task.Run(
            async () =>
            {
                var latencies = new List<double>();
                for (var due = each * i / connections.Count; due < duration; due += each)
                {
                    if (due - Stopwatch.GetElapsedTime(begin) is { Ticks: > 0 } early)
                        await Task.Delay(early, cancellation);
                    if (Stopwatch.GetElapsedTime(begin) > duration)
                        break;
                    await ask();
                    latencies.Add((Stopwatch.GetElapsedTime(begin) - due).TotalMilliseconds);
                }

                return latencies;
            },
            cancellation)));
        return [.. took.SelectMany(latencies => latencies).Order()];
    }

    /// <summary>How a turn went.</summary>
    private sealed record Steady(IReadOnlyList<double> Writes, IReadOnlyList<double> Reads, TimeSpan Duration)
    {
        public double WriteP99 => Of(Writes, 0.99);

        public double ReadP99 => Of(Reads, 0.99);

        public double PerSecond => (Writes.Count + Reads.Count) / Duration.TotalSeconds;

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"writes p50 {Of(Writes, 0.5):F1} p99 {WriteP99:F1} ms, reads p50 {Of(Reads, 0.5):F1} p99 {ReadP99:F1} ms, {PerSecond:F0}/s");

        private static double Of(IReadOnlyList<double> sorted, double part) => sorted.Count == 0 ? double.NaN : sorted[(int)((sorted.Count - 1) * part)];
    }

    /// <summary>Writes one session after the other, an event at a time.</summary>
    private sealed class SessionWriter(HttpClient http, Func<int> next, CancellationToken cancellation)
    {
        private byte[][] _events = [];
        private int _at;

        public Task SendAsync()
        {
            if (_at == _events.Length)
                (_events, _at) = (Sessions.Events(next()), 0);
            return Sending.AcceptedAsync(http, "The service", _events[_at++], Sending.OneEvent, 1, cancellation);
        }
    }
}
