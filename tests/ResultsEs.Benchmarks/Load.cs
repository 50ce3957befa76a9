using System.Diagnostics;

namespace ResultsEs.Benchmarks;

/// <summary>Drives whatever is measured: so many at once, each of which asks again when it has its answer.</summary>
internal static class Load
{
    /// <summary>Asks for <paramref name="warmUp"/>, and then counts for <paramref name="duration"/>.</summary>
    /// <param name="connections">How many ask at once.</param>
    /// <param name="warmUp">What is not counted.</param>
    /// <param name="duration">What is.</param>
    /// <param name="ask">Asks once, checks the answer, and says how much it was worth; of the connection, and of how often that has asked.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>How much a second.</returns>
    public static async Task<double> RateAsync(int connections, TimeSpan warmUp, TimeSpan duration, Func<int, int, Task<int>> ask, CancellationToken cancellation)
    {
        var (begin, end) = (Stopwatch.GetTimestamp() + (long)(warmUp.TotalSeconds * Stopwatch.Frequency), Stopwatch.GetTimestamp() + (long)((warmUp + duration).TotalSeconds * Stopwatch.Frequency));
        var counts = await Task.WhenAll(Enumerable.Range(0, connections).Select(connection => Task.Run(
            async () =>
            {
                var count = 0L;
                for (var n = 0; ; n++)
                {
                    var worth = await ask(connection, n);
                    var now = Stopwatch.GetTimestamp();
                    if (now >= end)
                        return count;
                    if (now >= begin)
                        count += worth;
                    cancellation.ThrowIfCancellationRequested();
                }
            },
            cancellation)));
        return counts.Sum() / duration.TotalSeconds;
    }
}
