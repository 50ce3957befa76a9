using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

internal sealed record SessionFilter
{
    public required Guid TestId { get; init; }

    /// <summary>One or more; default: <see cref="SessionStatus.Complete"/> alone (results-api.md).</summary>
    public required IReadOnlyList<SessionStatus> Statuses { get; init; }

    /// <summary>Ended at this time or later.</summary>
    public DateTimeOffset? FinishedSince { get; init; }

    /// <summary>Ended before this time.</summary>
    public DateTimeOffset? FinishedUntil { get; init; }

    /// <summary>Changed at this time or later. Such a list starts with the oldest change, so changes made meanwhile come last.</summary>
    public DateTimeOffset? UpdatedSince { get; init; }

    public Guid? AudienceId { get; init; }

    /// <summary>Has a task of this type, answered or skipped; <c>SKIPPED</c>: has any skipped task.</summary>
    public string? TaskType { get; init; }

    /// <summary>The values of <see cref="TaskType"/>.</summary>
    public static IReadOnlyCollection<string> TaskTypeNames { get; } =
    [
        .. Sessions.TaskTypes.TaskType.All.Select(type => type.Name),
        Sessions.TaskTypes.TaskType.Skipped,
        Sessions.TaskTypes.TaskType.Unrecognized,
    ];

    /// <summary>True when the list is ordered by change instead of by end.</summary>
    public bool IsByChange => UpdatedSince is not null;

    /// <summary>True when it filters by more than test and status.</summary>
    public bool IsNarrow => (FinishedSince ?? FinishedUntil ?? UpdatedSince) is not null || AudienceId is not null || TaskType is not null;

    /// <summary>The list with its filters, as text. A cursor is valid for one such list.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"sessionResults {TestId} {string.Join(',', Statuses)} {FinishedSince?.UtcTicks} {FinishedUntil?.UtcTicks} "
            + $"{UpdatedSince?.UtcTicks} {AudienceId} {TaskType}");

    /// <summary>The parameters of a request, except the test.</summary>
    public static IReadOnlyList<QueryParameter> Query { get; } =
    [
        new(
            "status",
            "Only sessions with this status; repeat the parameter for several. Default: `COMPLETE`.",
            $$"""{ "type": "array", "items": {{QueryParameter.OneOf(WireEnumConverter<SessionStatus>.AllNames)}} }"""),
        new("finishedSince", "Only sessions that ended at this moment or later.", QueryParameter.Time),
        new("finishedUntil", "Only sessions that ended before this moment.", QueryParameter.Time),
        new("updatedSince", "Only sessions of which something was stored at this moment or later.", QueryParameter.Time),
        new("audienceId", "Only sessions of this audience.", QueryParameter.Uuid),
        new(
            "taskType",
            "Only sessions with an answered or skipped task of this type; `SKIPPED`: with any skipped task.",
            QueryParameter.OneOf(TaskTypeNames)),
    ];

    public static SessionFilter Read(RequestParameters parameters, Guid test)
    {
        var statuses = parameters.Words("status", WireEnumConverter<SessionStatus>.AllNames)
            .Select(WireEnumConverter<SessionStatus>.Value).Order().ToList();
        var filter = new SessionFilter
        {
            TestId = test,
            Statuses = statuses.Count > 0 ? statuses : [SessionStatus.Complete],
            FinishedSince = parameters.Time("finishedSince"),
            FinishedUntil = parameters.Time("finishedUntil"),
            UpdatedSince = parameters.Time("updatedSince"),
            AudienceId = parameters.UuidOrNull("audienceId"),
            TaskType = parameters.Word("taskType", TaskTypeNames),
        };
        if (filter.FinishedUntil < filter.FinishedSince)
            parameters.Refuse("finishedUntil", "must not be before finishedSince");
        return filter;
    }
}
