namespace ResultsEs.Sessions;

/// <summary>
/// Upcasters turn an event of an earlier version into one of the next; pure and total, as the folds are.
/// They never rewrite stored events: these are read as they were sent, and upcast when they are folded.
/// </summary>
internal static class Upcasters
{
    /// <summary>Derives the cause from the reasons that recorders of v1 are known to send.</summary>
    public static SessionAbandonedV2 Abandoned(SessionAbandoned e) => new()
    {
        Cause = e.Reason switch
        {
            { } reason when reason.StartsWith("no activity", StringComparison.OrdinalIgnoreCase) => AbandonCause.Inactivity,
            { } reason when reason.StartsWith("closed", StringComparison.OrdinalIgnoreCase) => AbandonCause.Participant,
            _ => AbandonCause.Unknown,
        },
        Note = e.Reason,
        AbandonedAt = e.AbandonedAt,
    };

    /// <summary>A reason of version 1 from which this cause is derived; null when no reason tells it.</summary>
    public static string? ReasonOf(AbandonCause cause) => cause switch
    {
        AbandonCause.Inactivity => "no activity",
        AbandonCause.Participant => "closed",
        _ => null,
    };
}
