using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>A test in a workspace of an account.</summary>
internal readonly record struct TestKey(string Tenant, Guid Workspace, Guid Test);

/// <summary>
/// What a session counts for: its test, its part of the totals, the ids of its shown clips, and what its test is known by as long as
/// nobody has defined it: when the session started, and the kind of test that it ran.
/// </summary>
internal sealed record CountedSession(
    Guid Workspace, Guid Test, SessionPart Part, IReadOnlyList<Guid> Clips, DateTimeOffset? StartedAt, ProductType? ProductType)
{
    /// <summary>What a document counts for; null until its start has arrived, because before that it belongs to no test.</summary>
    public static CountedSession? Of(SessionResult document) => document.Body is { WorkspaceId: { } workspace, TestId: { } test }
        ? Of(
            workspace, test, document.Body.Status, document.Fold.TaskGroups, document.Fold.Media, document.Body.Tasks,
            document.Body.StartTime, document.Body.ProductType)
        : null;

    /// <summary>The task groups of a session that count in its test's totals: those with the smallest ids.</summary>
    public const int MaxGroups = 100;

    /// <summary>The behavioural values of a score that count.</summary>
    public const int MaxBehavioralValues = TaskGroupScoredValidator.MaxBehavioralValues;

    /// <summary>True when a node of the version before counted it last. Then this version's totals lack its scores.</summary>
    public bool IsOfVersionBefore { get; init; }

    public static CountedSession Of(
        Guid workspace, Guid test, SessionStatus status, IReadOnlyList<TaskGroupFold> groups, SessionMedia? media,
        IReadOnlyList<TaskBody> tasks, DateTimeOffset? startedAt, ProductType? productType) => new(
        workspace,
        test,
        status == SessionStatus.Complete
            ? new SessionPart(status, ScoresOf(groups), NpsAnswers.Of(tasks))
            : SessionPart.Incomplete(status),
        media is null ? [] : [.. media.Clips.Where(clip => clip.IsShown).Select(clip => clip.Id)],
        startedAt,
        productType);

    public static bool Same(CountedSession? a, CountedSession? b) => a is null || b is null
        ? a is null && b is null
        : a.Workspace == b.Workspace && a.Test == b.Test && a.Part.Status == b.Part.Status && a.Clips.SequenceEqual(b.Clips)
            && a.StartedAt == b.StartedAt && a.ProductType == b.ProductType
            && a.Part.Nps.Count == b.Part.Nps.Count
            && a.Part.Nps.All(answer => b.Part.Nps.TryGetValue(answer.Key, out var other) && answer.Value == other)
            && a.Part.Scores.Count == b.Part.Scores.Count
            && a.Part.Scores.All(score => b.Part.Scores.TryGetValue(score.Key, out var other) && Same(score.Value, other));

    // What is stored may hold more than a recorder may send now.
    private static Dictionary<Guid, QxScore> ScoresOf(IReadOnlyList<TaskGroupFold> groups) => groups
        .Where(group => group.Qx is not null)
        .OrderBy(group => group.Id)
        .Take(MaxGroups)
        .ToDictionary(group => group.Id, group => group.Qx!.Values.Behavioral?.Count > MaxBehavioralValues
            ? group.Qx with { Values = group.Qx.Values with { Behavioral = [.. group.Qx.Values.Behavioral.Take(MaxBehavioralValues)] } }
            : group.Qx!);

    private static bool Same(QxScore a, QxScore b) =>
        a with { Values = b.Values } == b
            && a.Values with { Behavioral = null } == b.Values with { Behavioral = null }
            && (a.Values.Behavioral ?? []).SequenceEqual(b.Values.Behavioral ?? []);

    /// <summary>The key of the test in the account of <paramref name="session"/>.</summary>
    public TestKey TestOf(StreamKey session) => new(session.Account, Workspace, Test);
}
