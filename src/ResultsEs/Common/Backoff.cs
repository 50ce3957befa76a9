namespace ResultsEs.Common;

/// <summary>
/// Exponential backoff: delays double from <paramref name="First"/> up to <paramref name="Longest"/>. Jitter shortens each by up to half,
/// so that callers that failed together do not retry together.
/// </summary>
internal readonly record struct Backoff(TimeSpan First, TimeSpan Longest)
{
    // 2^30 times any first delay exceeds the longest, and is far below the range of a double.
    private const int MaxDoublings = 30;

    /// <summary>The delay after a failed attempt, numbered from 1.</summary>
    public TimeSpan After(int attempt)
    {
        var whole = Math.Min(Longest.TotalMilliseconds, First.TotalMilliseconds * (1L << Math.Clamp(attempt - 1, 0, MaxDoublings)));
        return TimeSpan.FromMilliseconds(whole * (0.5 + (Random.Shared.NextDouble() / 2)));
    }
}
