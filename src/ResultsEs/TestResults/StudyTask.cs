namespace ResultsEs.TestResults;

/// <summary>Who ordered a test. Both are absent where unknown.</summary>
/// <param name="Name">The person's name.</param>
/// <param name="Email">The person's email address.</param>
internal sealed record StudyOrderer(string? Name, string? Email)
{
    public static readonly StudyOrderer Unknown = new(null, null);
}

/// <summary>Settings of a test plan.</summary>
/// <param name="ShortTest">Whether the test is a short one.</param>
internal sealed record StudyTestPlan(bool? ShortTest);

/// <summary>A task of a test's definition. What it does not have is absent.</summary>
internal sealed record StudyTask
{
    /// <summary>The task's id in the sessions' results.</summary>
    public Guid? TaskId { get; init; }

    public required int Position { get; init; }

    /// <summary>The task as the participant reads it.</summary>
    public required string Text { get; init; }

    /// <summary>The task's type, in v2's words.</summary>
    public required string TaskType { get; init; }

    /// <summary>The options to choose from; empty where there are none.</summary>
    public required IReadOnlyList<string> Choices { get; init; }

    /// <summary>Whether several options may be chosen.</summary>
    public bool? MultipleAnswers { get; init; }

    public int? ScaleMinimum { get; init; }

    public int? ScaleMaximum { get; init; }

    /// <summary>What stands at the lower end of the scale.</summary>
    public string? LowerEndpoint { get; init; }

    /// <summary>What stands at the upper end of the scale.</summary>
    public string? UpperEndpoint { get; init; }

    /// <summary>The page that the task opens.</summary>
    public string? LaunchUrl { get; init; }

    public StudyTaskGroup? TaskGroup { get; init; }

    public static StudyTask Of(DefinedTask task) => new()
    {
        TaskId = task.TaskId,
        Position = task.Position,
        Text = task.Text,
        TaskType = task.Type,
        Choices = task.Choices ?? [],
        MultipleAnswers = task.MultipleAnswers,
        ScaleMinimum = task.Scale?.Min,
        ScaleMaximum = task.Scale?.Max,
        LowerEndpoint = task.Scale?.MinLabel,
        UpperEndpoint = task.Scale?.MaxLabel,
        LaunchUrl = task.LaunchUrl,
        TaskGroup = task.TaskGroup is { } group ? new StudyTaskGroup(group.Id, group.Type) : null,
    };
}

/// <summary>The task group of a task.</summary>
internal sealed record StudyTaskGroup(Guid Id, string Type);
