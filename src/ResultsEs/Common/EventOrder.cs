namespace ResultsEs.Common;

/// <summary>The total order of events by time, then id. It decides which of two events replaces the other (events.md, rule 3).</summary>
/// <param name="At">The event's <c>time</c> at its producer.</param>
/// <param name="By">The event's id; breaks ties, the greater wins.</param>
public readonly record struct EventOrder(DateTimeOffset At, Guid By)
{
    /// <summary>True when this event replaces <paramref name="other"/>.</summary>
    public bool IsAfter(EventOrder? other) =>
        other is not { } held || (At.UtcTicks, By).CompareTo((held.At.UtcTicks, held.By)) > 0;
}
