namespace ResultsEs.Common;

/// <summary>The total order of events by time, then id. It decides which of two events replaces the other (events.md, rule 3).</summary>
/// <param name="At">The event's <c>time</c> at its producer.</param>
/// <param name="By">The event's id; breaks ties, the greater wins.</param>
/// <param name="IsAhead">
/// Whether that time lay more than <see cref="MostAhead"/> after the moment when the event was stored. A clock was wrong then,
/// so the event comes before all others.
/// </param>
public readonly record struct EventOrder(
    DateTimeOffset At, Guid By, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsAhead = false)
{
    /// <summary>How far a recorder's clock may be ahead of the database's.</summary>
    public static readonly TimeSpan MostAhead = TimeSpan.FromDays(1);

    /// <summary>The key by which events are sorted.</summary>
    internal (bool, long, Guid) Key => (!IsAhead, At.UtcTicks, By);

    /// <summary>The place of a stored event in the order.</summary>
    /// <param name="at">The event's <c>time</c> at its producer.</param>
    /// <param name="by">The event's id.</param>
    /// <param name="stored">When it was stored, by the database's clock.</param>
    public static EventOrder Of(DateTimeOffset at, Guid by, DateTimeOffset stored) => new(at, by, at - stored > MostAhead);

    /// <summary>True when this event replaces <paramref name="other"/>.</summary>
    public bool IsAfter(EventOrder? other) => other is not { } held || Key.CompareTo(held.Key) > 0;
}
