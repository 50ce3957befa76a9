using ResultsEs.Contracts;

namespace ResultsEs.Sessions;

/// <summary>
/// What an event of an earlier version says in the words of the next. Stored events are never rewritten: they are read as they were sent, and upcast where they
/// are folded. Pure and total, as the folds are.
/// </summary>
internal static class Upcasters
{
    /// <summary>The cause, as far as the words tell that the recorders of then were known to use.</summary>
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
}
