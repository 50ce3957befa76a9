using ResultsEs.EventStore;
using ResultsEs.Sessions;

[assembly: JsonContext<ResultsEs.TestResults.TestTotalsJson>]

namespace ResultsEs.TestResults;

/// <summary>
/// The part of a session in its test's totals. Its QX scores, by task group, and its NPS answers, by task, are none while it is not
/// complete.
/// </summary>
internal sealed record SessionPart(
    SessionStatus Status, IReadOnlyDictionary<Guid, QxScore> Scores, IReadOnlyDictionary<Guid, int> Nps)
{
    /// <summary>The part of a session that is not complete.</summary>
    public static SessionPart Incomplete(SessionStatus status) =>
        new(status, new Dictionary<Guid, QxScore>(), new Dictionary<Guid, int>());
}

/// <summary>
/// The totals of a test: its sessions by status, sums of the complete ones' QX scores by task group, and their NPS answers by task.
/// Sums are exact decimals, so removing a part undoes adding it, whatever came in between.
/// </summary>
internal sealed record TestTotal(
    long InProgress, long Complete, long Abandoned, IReadOnlyDictionary<Guid, QxSums> Qx, IReadOnlyDictionary<Guid, NpsCount> Nps)
{
    public static readonly TestTotal None = new(0, 0, 0, new Dictionary<Guid, QxSums>(), new Dictionary<Guid, NpsCount>());

    public bool IsEmpty => (InProgress, Complete, Abandoned) == (0, 0, 0);

    public TestTotal With(SessionPart part) => Change(part, 1);

    /// <summary>The totals without a part, which must be in them.</summary>
    public TestTotal Without(SessionPart part) => Change(part, -1);

    /// <summary>Merges the totals of one test in two workspaces.</summary>
    public TestTotal Merge(TestTotal other) => new(
        InProgress + other.InProgress,
        Complete + other.Complete,
        Abandoned + other.Abandoned,
        Qx.Concat(other.Qx)
            .GroupBy(group => group.Key, group => group.Value)
            .ToDictionary(group => group.Key, group => group.Aggregate((a, b) => a.Plus(b, 1))),
        Nps.Concat(other.Nps)
            .GroupBy(task => task.Key, task => task.Value)
            .ToDictionary(task => task.Key, task => task.Aggregate((sum, count) => sum.Plus(count, 1))));

    private TestTotal Change(SessionPart part, int sign)
    {
        var qx = new Dictionary<Guid, QxSums>(Qx);
        foreach (var (group, score) in part.Scores)
        {
            qx[group] = qx.GetValueOrDefault(group, QxSums.None).Plus(QxSums.Of(score), sign);
            if (qx[group].Sessions == 0)
                qx.Remove(group);
        }

        var nps = new Dictionary<Guid, NpsCount>(Nps);
        foreach (var (task, score) in part.Nps)
        {
            nps[task] = nps.GetValueOrDefault(task).Plus(NpsCount.Of(score), sign);
            if (nps[task] == default)
                nps.Remove(task);
        }

        return new TestTotal(
            InProgress + (part.Status == SessionStatus.InProgress ? sign : 0),
            Complete + (part.Status == SessionStatus.Complete ? sign : 0),
            Abandoned + (part.Status == SessionStatus.Abandoned ? sign : 0),
            qx,
            nps);
    }
}

/// <summary>
/// The sums of a task group's QX scores, with the number of sessions in all and by label. The labels are stored by themselves.
/// Behavioural sums have counts of their own, since a session may lack them. Their values are by place in the list.
/// </summary>
internal sealed record QxSums(
    long Sessions, [property: JsonIgnore] IReadOnlyDictionary<string, long> Labels, decimal Score, decimal Attitudinal, Sum Behavioral,
    IReadOnlyList<Sum> BehavioralValues, decimal Usability, decimal Trust, decimal Appearance, decimal Loyalty)
{
    public static readonly QxSums None = new(0, new Dictionary<string, long>(StringComparer.Ordinal), 0, 0, default, [], 0, 0, 0, 0);

    /// <summary>The label of most sessions that are not erased; on a tie the first in ordinal order.</summary>
    [JsonIgnore]
    public string Label => Labels.OrderBy(label => label.Key == Masking.Text).ThenByDescending(label => label.Value)
        .ThenBy(label => label.Key, StringComparer.Ordinal).First().Key;

    public static QxSums Of(QxScore score) => new(
        1,
        new Dictionary<string, long>(StringComparer.Ordinal) { [score.Label] = 1 },
        score.Score,
        score.Attitudinal,
        score.Behavioral is { } behavioral ? new Sum(1, behavioral) : default,
        [.. (score.Values.Behavioral ?? []).Select(value => new Sum(1, value))],
        score.Values.Usability,
        score.Values.Trust,
        score.Values.Appearance,
        score.Values.Loyalty);

    /// <summary>The sums plus (<paramref name="sign"/> 1) or minus (−1) others.</summary>
    public QxSums Plus(QxSums other, int sign)
    {
        var labels = new Dictionary<string, long>(Labels, StringComparer.Ordinal);
        foreach (var (label, sessions) in other.Labels)
        {
            labels[label] = labels.GetValueOrDefault(label) + (sign * sessions);
            if (labels[label] == 0)
                labels.Remove(label);
        }

        var values = Enumerable.Range(0, Math.Max(BehavioralValues.Count, other.BehavioralValues.Count))
            .Select(i => BehavioralValues.ElementAtOrDefault(i).Plus(other.BehavioralValues.ElementAtOrDefault(i), sign))
            .ToList();
        while (values is [.., { Count: 0 }])
            values.RemoveAt(values.Count - 1);

        return new QxSums(
            Sessions + (sign * other.Sessions),
            labels,
            Score + (sign * other.Score),
            Attitudinal + (sign * other.Attitudinal),
            Behavioral.Plus(other.Behavioral, sign),
            values,
            Usability + (sign * other.Usability),
            Trust + (sign * other.Trust),
            Appearance + (sign * other.Appearance),
            Loyalty + (sign * other.Loyalty));
    }
}

/// <summary>A sum with the number of its values.</summary>
internal readonly record struct Sum(long Count, decimal Total)
{
    public Sum Plus(Sum other, int sign) => new(Count + (sign * other.Count), Total + (sign * other.Total));
}

[JsonSerializable(typeof(IReadOnlyDictionary<Guid, QxScore>))]
[JsonSerializable(typeof(QxSums))]
[JsonSerializable(typeof(IReadOnlyDictionary<Guid, int>))]
[JsonSerializable(typeof(IReadOnlyDictionary<Guid, NpsCount>))]
[JsonSerializable(typeof(IReadOnlyList<TaskBody>))]
[JsonSerializable(typeof(TestResultsPage))]
[JsonSerializable(typeof(QxScoresOfTest))]
[JsonSerializable(typeof(SessionResultsPage))]
internal sealed partial class TestTotalsJson : JsonSerializerContext;
