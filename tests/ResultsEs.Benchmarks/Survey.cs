using System.Text.Json;

namespace ResultsEs.Benchmarks;

// A model of the same sessions as somebody writes it who begins with a library: what happened, and the document made of it. Public, as libraries want it.

/// <summary>An event as it comes in.</summary>
public sealed record SurveyMessage(Guid Id, string Type, Guid Subject, DateTimeOffset Time, JsonElement Data)
{
    /// <summary>What happened.</summary>
    public object ToEvent() => Type switch
    {
        "results.SessionStarted.v1" => As<SurveyStarted>(),
        "results.ParticipantProfiled.v1" => As<SurveyProfiled>(),
        "results.TaskAnswered.v1" => As<SurveyAnswered>(),
        "results.TaskSkipped.v1" => As<SurveySkipped>(),
        "results.TaskGroupScored.v1" => As<SurveyScored>(),
        "results.SessionCompleted.v1" => As<SurveyCompleted>(),
        _ => throw new NotSupportedException(Type),
    };

    private T As<T>() => Data.Deserialize<T>(JsonSerializerOptions.Web)!;
}

/// <summary>The session began.</summary>
public sealed record SurveyStarted(Guid WorkspaceId, Guid TestId, Guid? TestPlanId, Guid? AudienceId, string ProductType, DateTimeOffset StartedAt);

/// <summary>Who takes part.</summary>
public sealed record SurveyProfiled(Guid ParticipantId, IReadOnlyList<SurveyDemographic> Demographics);

/// <summary>What is known of a participant.</summary>
public sealed record SurveyDemographic(Guid? Id, string? Code, string? Label, string? Value, string? Type);

/// <summary>A task was answered.</summary>
public sealed record SurveyAnswered(Guid TaskId, int Position, string Text, long StartTimeMs, long EndTimeMs, JsonElement Answer);

/// <summary>A task was skipped.</summary>
public sealed record SurveySkipped(Guid TaskId, int Position, string Text, long StartTimeMs, long EndTimeMs, string TaskType, string Reason);

/// <summary>A group of tasks was scored.</summary>
public sealed record SurveyScored(Guid TaskGroupId, string Label, decimal Score, JsonElement Components, JsonElement Values);

/// <summary>The session ended.</summary>
public sealed record SurveyCompleted(DateTimeOffset FinishedAt);

/// <summary>A task of a <see cref="Survey"/>.</summary>
public sealed record SurveyTask(Guid Id, int Position, string Text, long StartTimeMs, long EndTimeMs, JsonElement? Answer, string? Skipped);

/// <summary>The document of a session. It takes events as they come, in order and once each; the service's promises are more.</summary>
public sealed record Survey(Guid Id)
{
    public int Version { get; init; }

    public SurveyStarted? Head { get; init; }

    public SurveyProfiled? Participant { get; init; }

    public SurveyScored? Group { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public IReadOnlyList<SurveyTask> Tasks { get; init; } = [];

    public Survey Apply(SurveyStarted happened) => this with { Head = happened };

    public Survey Apply(SurveyProfiled happened) => this with { Participant = happened };

    public Survey Apply(SurveyScored happened) => this with { Group = happened };

    public Survey Apply(SurveyCompleted happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        return this with { FinishedAt = happened.FinishedAt };
    }

    public Survey Apply(SurveyAnswered happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        return With(new SurveyTask(happened.TaskId, happened.Position, happened.Text, happened.StartTimeMs, happened.EndTimeMs, happened.Answer, Skipped: null));
    }

    public Survey Apply(SurveySkipped happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        return With(new SurveyTask(happened.TaskId, happened.Position, happened.Text, happened.StartTimeMs, happened.EndTimeMs, Answer: null, happened.Reason));
    }

    private Survey With(SurveyTask task) => this with { Tasks = [.. Tasks.Where(other => other.Id != task.Id).Append(task).OrderBy(other => other.Position)] };
}
