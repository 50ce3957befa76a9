namespace ResultsEs.Privacy;

/// <summary>What is done with sessions that are old.</summary>
public enum RetentionAction
{
    /// <summary>They are masked; their numbers stay in totals.</summary>
    Erase,

    /// <summary>They are removed, from totals too, and a tombstone stays.</summary>
    Delete,
}

/// <summary>How long an account keeps what it has; section <c>Retention:Rules</c>.</summary>
internal sealed class RetentionRule
{
    /// <summary>The account.</summary>
    public Guid Account { get; init; }

    /// <summary>The test of which the rule is. Default: all that have no rule of their own, and sessions that never started.</summary>
    public Guid? Test { get; init; }

    /// <summary>Days since something of a session was last stored, 1 to 36,500. Default: sessions stay.</summary>
    public int? SessionDays { get; init; }

    /// <summary>What is done with them then. Default: <see cref="RetentionAction.Erase"/>.</summary>
    public RetentionAction Action { get; init; }

    /// <summary>Days since a message was refused, 1 to 36,500, after which its dead letter is discarded. Default: they stay.</summary>
    public int? DeadLetterDays { get; init; }
}

/// <summary>Settings of retention; section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    public const string Section = "Retention";

    private const int MostDays = 36_500;

    /// <summary>The rules. Default: none, and everything stays.</summary>
    public List<RetentionRule> Rules { get; init; } = [];

    /// <summary>The most sessions that all nodes erase or delete in an hour, 1 to 1,000,000.</summary>
    public int SessionsPerHour { get; init; } = 1_000;

    internal static IEnumerable<string> Problems(RetentionOptions options)
    {
        if (options.SessionsPerHour is < 1 or > 1_000_000)
            yield return $"{Section}:SessionsPerHour must be from 1 to 1000000.";
        var seen = new HashSet<(Guid, Guid?)>();
        foreach (var (i, rule) in options.Rules.Index())
        {
            var key = $"{Section}:Rules:{i}";
            if (rule.Account == Guid.Empty)
                yield return $"{key}:Account is missing.";
            if (!seen.Add((rule.Account, rule.Test)))
                yield return $"{key}: another entry has the same Account and Test.";
            if (rule.SessionDays is < 1 or > MostDays || rule.DeadLetterDays is < 1 or > MostDays)
                yield return $"{key}: SessionDays and DeadLetterDays must be from 1 to {MostDays}.";
            if (rule.SessionDays is null && rule.DeadLetterDays is null)
                yield return $"{key}: SessionDays or DeadLetterDays is needed.";
            if (rule.Test is not null && rule.DeadLetterDays is not null)
                yield return $"{key}:DeadLetterDays is an account's, because a refused message has no test.";
        }
    }
}
