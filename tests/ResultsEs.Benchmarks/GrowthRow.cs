using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>G1: how cost grows. What R1 and W1 reach with many events stored, to what they reach with a hundredth of them.</summary>
internal static class GrowthRow
{
    public const string Name = "G1";

    private const int Connections = 16;
    private const int ManyEvents = 1_000_000;

    private static readonly Goal Goal = new(AtLeast: 0.9, AtMost: null);
    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);

    /// <summary>How many events are many: more than other rows store, unless somebody says how many.</summary>
    public static int EventsOf(BenchmarkOptions options) => options.Events == new BenchmarkOptions().Events ? ManyEvents : options.Events;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var many = EventsOf(options) / Sessions.EventsPerSession;
        var few = Math.Max(1, many / 100);
        var (small, large) = (await postgres.FilledAsync(few, cancellation), await postgres.FilledAsync(many, cancellation));
        // Others may have rebuilt it.
        await Postgres.ExecuteAsync(large, "vacuum (analyze)", cancellation);

        // Many stay many, whatever is written; few would not stay few.
        await using var ofFew = await DrivenService.StartAsync(small, isRestored: true, cancellation);
        await using var ofMany = await DrivenService.StartAsync(large, isRestored: false, cancellation);
        var (readFew, readMany, writeFew, writeMany) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var rounds = options.RoundsOf();
        for (var round = 0; round < rounds; round++)
        {
            var warmUp = round == 0 ? FirstWarmUp : WarmUp;
            readFew.Add(await ofFew.ReadAsync(Connections, warmUp, Duration, cancellation));
            readMany.Add(await ofMany.ReadAsync(Connections, warmUp, Duration, cancellation));
            writeFew.Add(await ofFew.WriteAsync(Connections, warmUp, Duration, cancellation));
            writeMany.Add(await ofMany.WriteAsync(Connections, warmUp, Duration, cancellation));
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"G1, round {round + 1} of {rounds}: reads {readFew[^1]:N0}/s and {readMany[^1]:N0}/s, writes {writeFew[^1]:N0}/s and {writeMany[^1]:N0}/s"));
        }

        return
        [
            new ResultRow($"{Name}/R1", "read one result over HTTP as events grow", "requests/s", Goal, [new(Stored(few), readFew), new(Stored(many), readMany)]),
            new ResultRow($"{Name}/W1", "one event a request over HTTP as events grow", "requests/s", Goal, [new(Stored(few), writeFew), new(Stored(many), writeMany)]),
        ];
    }

    private static string Stored(int sessions) => string.Create(CultureInfo.InvariantCulture, $"{sessions * Sessions.EventsPerSession:N0} events stored");
}
