using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using ResultsEs.Contracts;
using ResultsEs.SessionResults.TaskTypes;

namespace ResultsEs.SessionResults;

/// <summary>The v2 body: the same document in other words.</summary>
internal sealed record SessionResultV2 : SessionHead
{
    [JsonConstructor]
    public SessionResultV2()
    {
    }

    [SetsRequiredMembers]
    private SessionResultV2(SessionHead head)
        : base(head)
    {
    }

    /// <summary>Ordered as in v3.</summary>
    [JsonPropertyOrder(1)]
    public IReadOnlyList<SessionTaskResult> SessionTaskResults { get; init; } = [];

    public static SessionResultV2 Of(SessionResult document)
    {
        var folds = document.Fold.Tasks.ToDictionary(task => task.Id);
        return new SessionResultV2(document.Body)
        {
            SessionTaskResults = [.. document.Body.Tasks.Select(task => Task(task, folds[task.Uuid]))],
        };
    }

    private static SessionTaskResult Task(TaskBody task, TaskFold fold)
    {
        var (type, response) = fold switch
        {
            { Reason: { } reason } => (TaskType.Skipped, Skip(reason, fold.Type!)),
            _ when TaskType.Find(fold.Type!) is { } known => (known.Name, task.Response?.Answer?.Payload),
            _ => (TaskType.Unrecognized, null),
        };
        return new SessionTaskResult
        {
            TaskId = task.Uuid,
            TaskType = type,
            TaskResponse = response,
            Text = task.Text,
            Position = fold.Position,
            StartTimeMs = task.Response!.StartTimeMs,
            EndTimeMs = task.Response.EndTimeMs,
        };
    }

    private static JsonElement? Skip(SkipReason reason, string type) =>
        JsonSerializer.SerializeToElement(new SkipPayload(reason, type), Json.Of<SkipPayload>());
}

/// <summary>A task in v2.</summary>
internal sealed record SessionTaskResult
{
    public required Guid TaskId { get; init; }

    /// <summary>One of the twelve task types, or <c>UNRECOGNIZED</c>.</summary>
    public required string TaskType { get; init; }

    /// <summary>The payload that v3 has under the task type's key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required JsonElement? TaskResponse { get; init; }

    public required string Text { get; init; }

    public required int Position { get; init; }

    public required long StartTimeMs { get; init; }

    public required long EndTimeMs { get; init; }
}

/// <summary>What v2 shows of a skipped task.</summary>
internal sealed record SkipPayload(SkipReason Reason, string SkippedType);
