namespace ResultsEs.Common;

/// <summary>
/// The delays between attempts: each may be twice as long as the one before, up to the longest. Chance takes up to half of each, so that
/// those who failed together do not
/// try again together.
/// </summary>
/// <param name="First">The first delay, before chance.</param>
/// <param name="Longest">No delay is longer.</param>
internal readonly record struct Backoff(TimeSpan First, TimeSpan Longest)
{
    // 2^30 times anything is longer than the longest, and far from the end of a double.
    private const int MaxDoublings = 30;

    /// <summary>The delay after an attempt that failed.</summary>
    /// <param name="attempt">Which attempt it was, from 1.</param>
    public TimeSpan After(int attempt)
    {
        var whole = Math.Min(Longest.TotalMilliseconds, First.TotalMilliseconds * (1L << Math.Clamp(attempt - 1, 0, MaxDoublings)));
        return TimeSpan.FromMilliseconds(whole * (0.5 + (Random.Shared.NextDouble() / 2)));
    }
}
