using System.Diagnostics;

namespace ResultsEs.Tests;

/// <summary>Waiting on conditions, never on time; what does not come true is a failure and not a run that hangs.</summary>
internal static class Wait
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(250);

    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var began = Stopwatch.GetTimestamp();
            if (await condition())
                return;
            // Longer than the look took, so that looks which cost much leave most of the time to what is waited for.
            var pause = Math.Clamp(3 * Stopwatch.GetElapsedTime(began).Ticks, Shortest.Ticks, Longest.Ticks);
            await Task.Delay(TimeSpan.FromTicks(pause), patience.Token);
        }
    }
}
