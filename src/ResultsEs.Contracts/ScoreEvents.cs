namespace ResultsEs.Contracts;

/// <summary>A QX task group of the session was scored. All scores are 0–100.</summary>
public sealed record TaskGroupScored : SessionEvent
{
    /// <summary>The task group in the test plan.</summary>
    public required Guid TaskGroupId { get; init; }

    /// <summary>The group's name.</summary>
    public required string Label { get; init; }

    /// <summary>The group's QX score, 0–100.</summary>
    public required decimal Score { get; init; }

    /// <summary>The score's two components.</summary>
    public required QxComponents Components { get; init; }

    /// <summary>The single values behind the components.</summary>
    public required QxValues Values { get; init; }
}

/// <summary>The two components of a QX score, each 0–100.</summary>
public sealed record QxComponents : EventPart
{
    /// <summary>The score of what the participant did; absent where nothing was measured.</summary>
    public decimal? Behavioral { get; init; }

    /// <summary>The score of what the participant said.</summary>
    public required decimal Attitudinal { get; init; }
}

/// <summary>The single values behind a QX score, each 0–100.</summary>
public sealed record QxValues : EventPart
{
    /// <summary>One value for each behavioural task of the group.</summary>
    public IReadOnlyList<decimal>? Behavioral { get; init; }

    /// <summary>Ease of use.</summary>
    public required decimal Usability { get; init; }

    /// <summary>Trust.</summary>
    public required decimal Trust { get; init; }

    /// <summary>Appearance.</summary>
    public required decimal Appearance { get; init; }

    /// <summary>Loyalty.</summary>
    public required decimal Loyalty { get; init; }
}

/// <summary>The order of a balanced comparison was drawn for this session.</summary>
public sealed record ComparisonSequenced : SessionEvent
{
    /// <summary>The task group in the test plan.</summary>
    public required Guid TaskGroupId { get; init; }

    /// <summary>The order in which the alternatives were shown, such as <c>BA</c>.</summary>
    public required string Sequence { get; init; }
}
