namespace ResultsEs.Webhooks;

/// <summary>When a delivery that failed is tried again: with growing pauses over 72 hours, the last time at their end.</summary>
internal static class RetrySchedule
{
    /// <summary>How long a delivery is tried. Then its webhook is disabled.</summary>
    public static readonly TimeSpan Whole = TimeSpan.FromHours(72);

    // 5 s, 10 s, 20 s, … and every 3 to 6 hours in the end: some 25 attempts.
    private static readonly Backoff Pauses = new(TimeSpan.FromSeconds(5), TimeSpan.FromHours(6));

    // An endpoint may ask for a pause, and not for one that is longer than ours.
    private static readonly TimeSpan MostAsked = TimeSpan.FromHours(1);

    /// <summary>The time of the next attempt; null when the one that failed was the last.</summary>
    /// <param name="first">The time of the first attempt.</param>
    /// <param name="tries">The number of attempts that failed, from 1.</param>
    /// <param name="now">The time of the failure.</param>
    /// <param name="asked">The pause that the endpoint asked for by <c>Retry-After</c>.</param>
    public static DateTimeOffset? Next(DateTimeOffset first, int tries, DateTimeOffset now, TimeSpan? asked)
    {
        var end = first + Whole;
        if (now >= end)
            return null;

        var pause = Pauses.After(tries);
        if (asked > pause)
            pause = asked < MostAsked ? asked.Value : MostAsked;
        return now + pause < end ? now + pause : end;
    }
}
