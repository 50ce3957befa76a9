using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>M1: the most memory that the service has resident, while it serves and while it rebuilds: an amount of its own, and the same whatever is stored.</summary>
internal static class MemoryRow
{
    public const string Name = "M1";

    private const int Connections = 16;

    // What a garbage collector does with memory differs between runs, but not so much that more than these would tell more.
    private const int MaxRounds = 3;

    private static readonly Goal Goal = new(AtLeast: null, AtMost: 300, IsRatio: false);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var many = GrowthRow.EventsOf(options) / Sessions.EventsPerSession;
        var few = Math.Max(1, many / 10);
        var (small, large) = (await postgres.FilledAsync(few, cancellation), await postgres.FilledAsync(many, cancellation));

        var (ofFew, ofMany) = (new List<double>(), new List<double>());
        for (var round = 0; round < Math.Min(options.Rounds, MaxRounds); round++)
        {
            ofFew.Add(await RebuildAsync(small));
            ofMany.Add(await RebuildAsync(large));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"M1, round {round + 1}: a rebuild of {Events(few)} {ofFew[^1]:F0} MiB, of {Events(many)} {ofMany[^1]:F0} MiB"));
        }

        var took = TimeSpan.FromSeconds(options.Rounds == 1 ? 10 : 60);
        double idle, busy;
        await using (var service = await DrivenService.StartAsync(small, isRestored: false, cancellation))
        {
            await Task.Delay(Idle, cancellation);
            idle = MiB(service.PeakBytes);
            await Task.WhenAll(service.WriteAsync(Connections, TimeSpan.Zero, took, cancellation), service.ReadAsync(Connections, TimeSpan.Zero, took, cancellation));
            busy = MiB(service.PeakBytes);
        }

        return
        [
            new ResultRow($"{Name}/serving", $"peak resident memory, {Events(few)} stored", "MiB", Goal,
            [
                new(string.Create(CultureInfo.InvariantCulture, $"idle, {Idle.TotalSeconds} s after it is ready"), [idle]),
                new(string.Create(CultureInfo.InvariantCulture, $"{Connections} connections write and {Connections} read for {took.TotalSeconds} s"), [busy]),
            ]),
            new ResultRow($"{Name}/rebuild", "peak resident memory of rebuild session-results", "MiB", Goal, [new(Events(few), ofFew), new(Events(many), ofMany)]),
        ];

        async Task<double> RebuildAsync(string database) => MiB((await Service.RunAsync(database, ["rebuild", "session-results"], cancellation)).PeakBytes);
    }

    private static string Events(int sessions) => string.Create(CultureInfo.InvariantCulture, $"{sessions * Sessions.EventsPerSession:N0} events");

    private static double MiB(long bytes) => bytes / (1024.0 * 1024.0);
}
