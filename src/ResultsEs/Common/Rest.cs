namespace ResultsEs.Common;

/// <summary>
/// The rest after a piece of work that nobody waits for: as long as the work took, so that it has at most half of a processor while others
/// need it, and longer pauses the busier the node is.
/// </summary>
internal static class Rest
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    /// <summary>Rests as long as the work took that began at a timestamp of <see cref="Stopwatch"/>; half a second at most.</summary>
    public static Task AfterAsync(long began, CancellationToken cancellation)
    {
        var took = Stopwatch.GetElapsedTime(began);
        return Task.Delay(took < Longest ? took : Longest, cancellation);
    }
}
