using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>C1: from the start of the process to its first 200, with the database running and its tables there.</summary>
internal static class StartRow
{
    public const string Name = "C1";

    // One takes a second, and they lie further apart than what lasts.
    private const int LeastRounds = 9;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("c1", cancellation);
        var (floor, project) = (new Starts(), new Starts());
        var rounds = options.RoundsOf(LeastRounds);
        // The first of each reads its files from the disk, and does not count.
        for (var round = 0; round <= rounds; round++)
        {
            await using (var server = await Service.StartOtherAsync(StartFloor.Argument, Name, database, cancellation))
                floor.Add(server, round > 0);
            await using (var server = await Service.StartAsync(database, cancellation))
                project.Add(server, round > 0);
        }

        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}: {rounds} rounds"));
        return [new ResultRow(Name, "process start to first 200, database running", "ms", new Goal(AtLeast: null, AtMost: 3), [floor.Of("bare ASP.NET minimal API with Npgsql"), project.Of("the service, ready")])];
    }

    /// <summary>The starts of one contestant.</summary>
    private sealed class Starts
    {
        private readonly List<double> _milliseconds = [];
        private long _peakBytes;

        public void Add(Server server, bool counts)
        {
            if (!counts)
                return;
            _milliseconds.Add(server.Start.TotalMilliseconds);
            _peakBytes = Math.Max(_peakBytes, server.PeakBytes);
        }

        public Contestant Of(string who) => new(who, _milliseconds, _peakBytes);
    }
}
