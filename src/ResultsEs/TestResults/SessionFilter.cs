using System.Globalization;
using ResultsEs.Common;
using ResultsEs.Http;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.TestResults;

/// <summary>Which sessions of a test are asked for.</summary>
internal sealed record SessionFilter
{
    public required Guid TestId { get; init; }

    /// <summary>One or more; by default the completed ones (results-api.md).</summary>
    public required IReadOnlyList<SessionStatus> Statuses { get; init; }

    /// <summary>Ended at this moment or later.</summary>
    public DateTimeOffset? FinishedSince { get; init; }

    /// <summary>Ended before this moment.</summary>
    public DateTimeOffset? FinishedUntil { get; init; }

    /// <summary>Changed at this moment or later; such a list goes from the oldest change to the newest, so that what changes meanwhile comes last.</summary>
    public DateTimeOffset? UpdatedSince { get; init; }

    public Guid? AudienceId { get; init; }

    /// <summary>A task of this type was answered or skipped; <c>SKIPPED</c>: some task was skipped.</summary>
    public string? TaskType { get; init; }

    /// <summary>The types that can be asked for.</summary>
    public static IReadOnlyCollection<string> TaskTypeNames { get; } =
        [.. Sessions.TaskTypes.TaskType.All.Select(type => type.Name), Sessions.TaskTypes.TaskType.Skipped, Sessions.TaskTypes.TaskType.Unrecognized];

    /// <summary>Whether the list is in the order of changes, not of ends.</summary>
    public bool IsByChange => UpdatedSince is not null;

    /// <summary>Whether it tells sessions apart by anything but test and status.</summary>
    public bool IsNarrow => (FinishedSince ?? FinishedUntil ?? UpdatedSince) is not null || AudienceId is not null || TaskType is not null;

    /// <summary>Tells this list from every other.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"sessionResults {TestId} {string.Join(',', Statuses)} {FinishedSince?.UtcTicks} {FinishedUntil?.UtcTicks} {UpdatedSince?.UtcTicks} {AudienceId} {TaskType}");

    /// <summary>The parameters of a request but for the test.</summary>
    public static IReadOnlyList<QueryParameter> Query { get; } =
    [
        new("status", "Where the session stands; may be there several times. Default: `COMPLETE`.", $$"""{ "type": "array", "items": {{QueryParameter.OneOf(WireEnumConverter<SessionStatus>.AllNames)}} }"""),
        new("finishedSince", "Ended at this moment or later.", QueryParameter.Time),
        new("finishedUntil", "Ended before this moment.", QueryParameter.Time),
        new("updatedSince", "Something of the session was stored at this moment or later.", QueryParameter.Time),
        new("audienceId", "The audience the participant was recruited from.", QueryParameter.Uuid),
        new("taskType", "A task of this type was answered or skipped; `SKIPPED`: some task was skipped.", QueryParameter.OneOf(TaskTypeNames)),
    ];

    /// <summary>Reads those parameters.</summary>
    public static SessionFilter Read(RequestParameters parameters, Guid test)
    {
        var statuses = parameters.Words("status", WireEnumConverter<SessionStatus>.AllNames).Select(WireEnumConverter<SessionStatus>.Value).Order().ToList();
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
