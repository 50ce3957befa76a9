using System.Text.Json.Serialization;
using ResultsEs.Common;
using ResultsEs.Sessions;

[assembly: JsonContext<ResultsEs.TestResults.TestTotalsJson>]

namespace ResultsEs.TestResults;

/// <summary>What of a session counts in its test.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="Scores">Its QX scores by task group; they count while it is complete.</param>
internal sealed record SessionPart(SessionStatus Status, IReadOnlyDictionary<Guid, QxScore> Scores)
{
    /// <summary>The scores that count.</summary>
    public IEnumerable<KeyValuePair<Guid, QxScore>> Counted => Status == SessionStatus.Complete ? Scores : [];
}

/// <summary>
/// What the sessions of a test come to. Sums of exact decimals, so that taking a part away undoes adding it, whatever came
/// in between.
/// </summary>
/// <param name="InProgress">Sessions that run.</param>
/// <param name="Complete">Sessions that are complete.</param>
/// <param name="Abandoned">Sessions that were left.</param>
/// <param name="Qx">Sums of the complete sessions' QX scores by task group.</param>
internal sealed record TestTotal(long InProgress, long Complete, long Abandoned, IReadOnlyDictionary<Guid, QxSums> Qx)
{
    /// <summary>No sessions.</summary>
    public static readonly TestTotal None = new(0, 0, 0, new Dictionary<Guid, QxSums>());

    /// <summary>Whether no session is left.</summary>
    public bool IsEmpty => (InProgress, Complete, Abandoned) == (0, 0, 0);

    /// <summary>With another session's part.</summary>
    public TestTotal With(SessionPart part) => Change(part, 1);

    /// <summary>Without a session's part, which must be in it.</summary>
    public TestTotal Without(SessionPart part) => Change(part, -1);

    /// <summary>The totals of one test in two workspaces as one.</summary>
    public TestTotal Merge(TestTotal other) => new(
        InProgress + other.InProgress,
        Complete + other.Complete,
        Abandoned + other.Abandoned,
        Qx.Concat(other.Qx).GroupBy(group => group.Key).ToDictionary(group => group.Key, group => group.Select(pair => pair.Value).Aggregate((a, b) => a.Plus(b, 1))));

    private TestTotal Change(SessionPart part, int sign)
    {
        var qx = new Dictionary<Guid, QxSums>(Qx);
        foreach (var (group, score) in part.Counted)
        {
            qx[group] = qx.GetValueOrDefault(group, QxSums.None).Plus(QxSums.Of(score), sign);
            if (qx[group].Sessions == 0)
                qx.Remove(group);
        }

        return new TestTotal(
            InProgress + (part.Status == SessionStatus.InProgress ? sign : 0),
            Complete + (part.Status == SessionStatus.Complete ? sign : 0),
            Abandoned + (part.Status == SessionStatus.Abandoned ? sign : 0),
            qx);
    }
}

/// <summary>Sums of a task group's QX scores.</summary>
/// <param name="Sessions">How many sessions have a score.</param>
/// <param name="Labels">How many of them have each label.</param>
/// <param name="Score">Sum of the scores.</param>
/// <param name="Attitudinal">Sum of the attitudinal components.</param>
/// <param name="Behavioral">Of the behavioural components, which a session may lack.</param>
/// <param name="BehavioralValues">Of the behavioural values by their place in the list, which may be shorter in some sessions.</param>
/// <param name="Usability">Sum of the usability values.</param>
/// <param name="Trust">Sum of the trust values.</param>
/// <param name="Appearance">Sum of the appearance values.</param>
/// <param name="Loyalty">Sum of the loyalty values.</param>
internal sealed record QxSums(
    long Sessions,
    IReadOnlyDictionary<string, long> Labels,
    decimal Score,
    decimal Attitudinal,
    Sum Behavioral,
    IReadOnlyList<Sum> BehavioralValues,
    decimal Usability,
    decimal Trust,
    decimal Appearance,
    decimal Loyalty)
{
    public static readonly QxSums None = new(0, new Dictionary<string, long>(StringComparer.Ordinal), 0, 0, default, [], 0, 0, 0, 0);

    /// <summary>The label most sessions have; of several the first in ordinal order.</summary>
    [JsonIgnore]
    public string Label => Labels.OrderByDescending(label => label.Value).ThenBy(label => label.Key, StringComparer.Ordinal).First().Key;

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

    /// <summary>These and others, or these without others.</summary>
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

/// <summary>A sum, and of how many.</summary>
internal readonly record struct Sum(long Count, decimal Total)
{
    public Sum Plus(Sum other, int sign) => new(Count + (sign * other.Count), Total + (sign * other.Total));
}

/// <summary>The source-generated JSON contracts of the read model and of what is shown of it.</summary>
[JsonSerializable(typeof(IReadOnlyDictionary<Guid, QxScore>))]
[JsonSerializable(typeof(IReadOnlyDictionary<Guid, QxSums>))]
[JsonSerializable(typeof(TestResultsPage))]
[JsonSerializable(typeof(QxScoresOfTest))]
[JsonSerializable(typeof(SessionResultsPage))]
internal sealed partial class TestTotalsJson : JsonSerializerContext;
