using System.Text.Json;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>A test of a workspace of an account.</summary>
internal readonly record struct TestKey(string Tenant, Guid Workspace, Guid Test);

/// <summary>What of a session is counted, and where.</summary>
/// <param name="Workspace">The test's workspace.</param>
/// <param name="Test">The test.</param>
/// <param name="Part">What of it goes into the sums.</param>
/// <param name="Clips">The clips that the test has of it.</param>
internal sealed record CountedSession(Guid Workspace, Guid Test, SessionPart Part, IReadOnlyList<Guid> Clips)
{
    /// <summary>The scores as JSON.</summary>
    public string Scores => JsonSerializer.Serialize(Part.Scores, Json.Of<IReadOnlyDictionary<Guid, QxScore>>());

    /// <summary>What a document counts for; null while its start is not in, because until then it belongs to no test.</summary>
    public static CountedSession? Of(SessionResult document) => document.Body is { WorkspaceId: { } workspace, TestId: { } test }
        ? Of(workspace, test, document.Body.Status, document.Fold.TaskGroups, document.Fold.Media)
        : null;

    /// <summary>The same, of the members of a document that matter.</summary>
    public static CountedSession Of(Guid workspace, Guid test, SessionStatus status, IReadOnlyList<TaskGroupFold> groups, SessionMedia? media) => new(
        workspace,
        test,
        new SessionPart(status, groups.Where(group => group.Qx is not null).ToDictionary(group => group.Id, group => group.Qx!)),
        media is null ? [] : [.. media.Clips.Where(clip => clip.IsShown).Select(clip => clip.Id)]);

    /// <summary>Whether both count for the same.</summary>
    public static bool Same(CountedSession? a, CountedSession? b) => a is null || b is null
        ? a is null && b is null
        : a.Workspace == b.Workspace && a.Test == b.Test && a.Part.Status == b.Part.Status && a.Clips.SequenceEqual(b.Clips)
            && a.Part.Scores.Count == b.Part.Scores.Count
            && a.Part.Scores.All(score => b.Part.Scores.TryGetValue(score.Key, out var other) && Same(score.Value, other));

    private static bool Same(QxScore a, QxScore b) =>
        a with { Values = b.Values } == b
            && a.Values with { Behavioral = null } == b.Values with { Behavioral = null }
            && (a.Values.Behavioral ?? []).SequenceEqual(b.Values.Behavioral ?? []);

    /// <summary>The test of a session that counts for this.</summary>
    public TestKey TestOf(StreamKey session) => new(session.Account, Workspace, Test);
}
