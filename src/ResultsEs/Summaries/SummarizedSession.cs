using ResultsEs.Changes;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary>A session as it is summarised.</summary>
/// <param name="Key">The key of its document.</param>
/// <param name="Session">The session.</param>
/// <param name="Workspace">Its workspace.</param>
/// <param name="Test">Its test.</param>
/// <param name="Start">When it began.</param>
/// <param name="Status">Its status.</param>
/// <param name="StoredAt">When something of it was last stored.</param>
internal sealed record SummarizedSession(
    Guid Key, Guid Session, Guid Workspace, Guid Test, DateTimeOffset Start, SessionStatus Status, DateTimeOffset StoredAt)
{
    /// <summary>The most demographic answers of a session by which it can be found: those with the smallest codes.</summary>
    public const int MaxDemographics = 50;

    /// <summary>The most characters of a demographic answer by which sessions can be found.</summary>
    public const int MaxDemographic = 200;

    /// <summary>The most tasks of a session: those of the first places.</summary>
    public const int MaxTasks = 400;

    // Scores are stored in millionths.
    private const int Millionths = 1_000_000;

    /// <summary>Its audience and its demographic answers.</summary>
    public IReadOnlyList<SummaryItem> Traits { get; private init; } = [];

    /// <summary>Its tasks that were answered or skipped.</summary>
    public IReadOnlyList<SummarizedTask> Tasks { get; private init; } = [];

    /// <summary>Its scores; none while it is not complete.</summary>
    public IReadOnlyList<SummarizedScore> Scores { get; private init; } = [];

    /// <summary>Makes what is summarised of a document; null until the session's start is known.</summary>
    public static SummarizedSession? Of(FollowedDocument followed)
    {
        var (key, document, storedAt) = followed;
        if (document.Body is not { WorkspaceId: { } workspace, TestId: { } test, StartTime: { } start })
            return null;

        var folds = document.Fold.Tasks.ToDictionary(task => task.Id);
        var counted = CountedSession.Of(document);
        return new SummarizedSession(key, document.Id, workspace, test, start, document.Body.Status, storedAt)
        {
            Traits = [.. TraitsOf(document.Body).DistinctBy(trait => trait.Digest)],
            Tasks =
            [
                .. document.Body.Tasks.Where(task => task.Response is not null)
                    .Take(MaxTasks)
                    .Select(task => SummarizedTask.Of(task, folds[task.Uuid])),
            ],
            Scores = [.. (counted?.Part.Scores ?? new Dictionary<Guid, QxScore>()).Select(score => ScoreOf(score.Key, score.Value))],
        };
    }

    private static IEnumerable<SummaryItem> TraitsOf(SessionBody session)
    {
        if (session.AudienceId is { } audience)
            yield return SummaryItem.Of(SummaryItemKind.Audience, default, new() { Id = audience.ToString() });

        var answers = (session.SessionParticipant?.DemographicsInfo ?? [])
            .Where(answer => answer is { Code: { Length: > 0 and <= MaxDemographic }, Value.Length: <= MaxDemographic })
            .OrderBy(answer => answer.Code, StringComparer.Ordinal)
            .Take(MaxDemographics);
        foreach (var answer in answers)
            yield return SummaryItem.Of(SummaryItemKind.Demographic, default, new()
            {
                Code = answer.Code,
                Label = SummaryItem.Cut(answer.Label),
                Text = answer.Value,
            });
    }

    private static SummarizedScore ScoreOf(Guid group, QxScore score) => new(
        group,
        SummaryItem.Of(SummaryItemKind.Label, group, new() { Label = SummaryItem.Cut(score.Label) }),
        [
            Of(score.Score), score.Behavioral is { } behavioral ? Of(behavioral) : null, Of(score.Attitudinal), Of(score.Values.Usability),
            Of(score.Values.Trust), Of(score.Values.Appearance), Of(score.Values.Loyalty),
        ],
        [.. (score.Values.Behavioral ?? []).Select(Of)]);

    private static int Of(decimal score) => (int)Math.Round(score * Millionths, MidpointRounding.AwayFromZero);
}

/// <summary>A task of a session.</summary>
/// <param name="Id">The task.</param>
/// <param name="Items">What is counted of it; the first is the task as the participant read it, not there where it was skipped.</param>
/// <param name="DurationMs">From its begin to its answer, in milliseconds; null where it was skipped.</param>
/// <param name="Words">The words of its answer in which one can look; null where it has none.</param>
internal sealed record SummarizedTask(Guid Id, IReadOnlyList<CountedItem> Items, long? DurationMs, string? Words)
{
    public static SummarizedTask Of(TaskBody task, TaskFold fold)
    {
        var response = task.Response!;
        var head = SummaryItem.Of(
            SummaryItemKind.Task, task.Uuid, new() { Text = SummaryItem.Cut(task.Text), Type = task.Type, Position = fold.Position });
        return new SummarizedTask(
            task.Uuid,
            [new CountedItem(head, !response.Skipped), .. TaskItems.Of(task, fold).Take(TaskItems.MaxOfAnswer - 1)],
            response.Skipped ? null : response.EndTimeMs - response.StartTimeMs,
            TaskItems.WordsOf(task));
    }
}

/// <summary>A score of a task group.</summary>
/// <param name="Group">The task group.</param>
/// <param name="Label">Its label.</param>
/// <param name="Values">
/// Score, behavioural, attitudinal, usability, trust, appearance and loyalty, in millionths; the behavioural one may be null.
/// </param>
/// <param name="Behavioral">The behavioural values, in millionths.</param>
internal sealed record SummarizedScore(Guid Group, SummaryItem Label, IReadOnlyList<int?> Values, IReadOnlyList<int> Behavioral);
