namespace ResultsEs.Contracts;

/// <summary>
/// What a test is: its title, who ordered it and its ordered tasks. Of several the latest holds. No session needs it: a test without
/// one is known by its sessions alone.
/// </summary>
public sealed record TestDefined : TestEvent
{
    /// <summary>The workspace the test belongs to; decides who may read its definition and change it.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>The test's title, 1–1,000 characters.</summary>
    public required string Title { get; init; }

    /// <summary>What kind of test it is.</summary>
    public required ProductType ProductType { get; init; }

    /// <summary>When the test was ordered. Lists of tests begin with the newest.</summary>
    public required DateTimeOffset OrderedAt { get; init; }

    /// <summary>Who ordered the test.</summary>
    public TestOrderer? OrderedBy { get; init; }

    /// <summary>Settings of the test plan.</summary>
    public TestPlanSettings? TestPlan { get; init; }

    /// <summary>The tasks, at most 1,000. They are shown by position.</summary>
    public required IReadOnlyList<DefinedTask> Tasks { get; init; }
}

/// <summary>A person who ordered a test.</summary>
public sealed record TestOrderer : EventPart
{
    /// <summary>The person's name.</summary>
    public string? Name { get; init; }

    /// <summary>The person's email address.</summary>
    public string? Email { get; init; }
}

/// <summary>Settings of a test plan.</summary>
public sealed record TestPlanSettings : EventPart
{
    /// <summary>Whether the test is a short one.</summary>
    public bool? ShortTest { get; init; }
}

/// <summary>A task of a test.</summary>
public sealed record DefinedTask : EventPart
{
    /// <summary>The task's id, as in <see cref="TaskAnswered"/>; ties it to its answers.</summary>
    public Guid? TaskId { get; init; }

    /// <summary>The task's place in the test plan, 0 or more.</summary>
    public required int Position { get; init; }

    /// <summary>The task as the participant reads it.</summary>
    public required string Text { get; init; }

    /// <summary>The task's type, such as <c>NPS</c>. Types that no version knows are kept.</summary>
    public required string Type { get; init; }

    /// <summary>The options to choose from, as the participant reads them.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>Whether several options may be chosen.</summary>
    public bool? MultipleAnswers { get; init; }

    /// <summary>The scale of a rating.</summary>
    public TaskScale? Scale { get; init; }

    /// <summary>The page that the task opens.</summary>
    public string? LaunchUrl { get; init; }

    /// <summary>The group the task belongs to.</summary>
    public DefinedTaskGroup? TaskGroup { get; init; }
}

/// <summary>The scale of a rating task.</summary>
public sealed record TaskScale : EventPart
{
    /// <summary>The lower end.</summary>
    public required int Min { get; init; }

    /// <summary>The upper end, above <see cref="Min"/>.</summary>
    public required int Max { get; init; }

    /// <summary>What stands at the lower end.</summary>
    public string? MinLabel { get; init; }

    /// <summary>What stands at the upper end.</summary>
    public string? MaxLabel { get; init; }
}

/// <summary>The task group of a task.</summary>
public sealed record DefinedTaskGroup : EventPart
{
    /// <summary>The group, as in <see cref="TaskGroupScored"/>.</summary>
    public required Guid Id { get; init; }

    /// <summary>What groups it, such as <c>QX_SCORE</c>.</summary>
    public required string Type { get; init; }
}
