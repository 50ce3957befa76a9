namespace ResultsEs.Common;

/// <summary>
/// When an event happened at its producer, and which event it was: the total order by which one event replaces another
/// (events.md, rule 3).
/// </summary>
/// <param name="At">The event's <c>time</c>.</param>
/// <param name="By">The event's id; breaks ties, the greater wins.</param>
public readonly record struct EventOrder(DateTimeOffset At, Guid By)
{
    /// <summary>Whether this event replaces <paramref name="other"/>.</summary>
    public bool IsAfter(EventOrder? other) =>
        other is not { } held || (At.UtcTicks, By).CompareTo((held.At.UtcTicks, held.By)) > 0;
}
