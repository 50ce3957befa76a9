using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using ResultsEs.Common;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Tests.TestResults;

/// <summary>The sums behind a test's totals.</summary>
public sealed partial class TestTotalLaws
{
    private static readonly Guid[] Groups = [Guid.NewGuid(), Guid.NewGuid()];

    private static readonly Gen<decimal> Score = Gen.Int[0, 100_000].Select(n => n / 1000m);

    private static readonly Gen<decimal?> MaybeScore = Gen.Select(Gen.Bool, Score, (there, score) => there ? score : (decimal?)null);

    private static readonly Gen<QxScore> AnyScore = Gen.Select(
        Gen.Int[0, 2].Select(n => $"label {n}"), Score, MaybeScore, Score.Array[0, 3].Null(), Score.Array[4],
        (label, score, behavioral, values, rest) => new QxScore(label, score, behavioral, score, new QxScoreValues(values, rest[0], rest[1], rest[2], rest[3])));

    private static readonly Gen<SessionPart> AnyPart = Gen.Select(
        Gen.Enum<SessionStatus>(), AnyScore.Array[0, 2], Gen.Int[0, 10].Array[0, 2],
        (status, scores, nps) => new SessionPart(
            status,
            (status == SessionStatus.Complete ? scores : []).Select((score, n) => (score, n)).ToDictionary(pair => Groups[pair.n], pair => pair.score),
            (status == SessionStatus.Complete ? nps : []).Select((score, n) => (score, n)).ToDictionary(pair => Groups[pair.n], pair => pair.score)));

    [Fact]
    public void Taking_a_part_away_undoes_adding_it_whatever_came_in_between() => Gen
        .Select(AnyPart.Array[0, 6], AnyPart, AnyPart.Array[0, 6])
        .Sample((before, part, between) =>
        {
            var expected = between.Aggregate(before.Aggregate(TestTotal.None, With), With);
            var actual = between.Aggregate(before.Aggregate(TestTotal.None, With).With(part), With).Without(part);

            Assert.Equal(Text(expected), Text(actual));
        });

    [Fact]
    public void The_order_of_sessions_does_not_matter_nor_whether_they_lie_in_one_workspace() => Gen
        .Select(AnyPart.Array[0, 8], Gen.Int[0, 8], Gen.Int[0, int.MaxValue])
        .Sample((parts, cut, seed) =>
        {
            var shuffled = parts.ToArray();
            new Random(seed).Shuffle(shuffled);
            var (left, right) = (shuffled.Take(cut).Aggregate(TestTotal.None, With), shuffled.Skip(cut).Aggregate(TestTotal.None, With));

            Assert.Equal(Text(parts.Aggregate(TestTotal.None, With)), Text(left.Merge(right)));
        });

    [Fact]
    public void The_averages_are_those_of_the_complete_sessions_that_have_the_value() => AnyPart.Array[1, 8].Sample(parts =>
    {
        var complete = parts.Where(part => part.Status == SessionStatus.Complete).ToList();
        var shown = QxScoresOfTest.Of(Guid.Empty, parts.Aggregate(TestTotal.None, With));

        Assert.Equal(complete.Count, shown.Meta.Completes);
        Assert.Equal(complete.SelectMany(part => part.Scores.Keys).Distinct().Order(), shown.QxScores.Select(group => group.TaskGroupId));
        foreach (var group in shown.QxScores)
        {
            var scores = complete.Where(part => part.Scores.ContainsKey(group.TaskGroupId)).Select(part => part.Scores[group.TaskGroupId]).ToList();
            Assert.Equal(Mean(scores.Select(score => (decimal?)score.Score)), group.QxScore);
            Assert.Equal(Mean(scores.Select(score => score.Behavioral)), group.Components.Behavioral);
            Assert.Equal(Mean(scores.Select(score => (decimal?)score.Values.Loyalty)), group.Values.Loyalty);
            var places = scores.Max(score => score.Values.Behavioral?.Count ?? 0);
            Assert.Equal(
                Enumerable.Range(0, places).Select(place => Mean(scores.Select(score => score.Values.Behavioral?.Count > place ? score.Values.Behavioral[place] : (decimal?)null))!.Value),
                group.Values.Behavioral ?? []);
        }
    });

    [Fact]
    public void Net_promoter_scores_are_the_shares_of_the_three_groups() => Gen.Int[0, 10].Array[1, 40].Sample(scores =>
    {
        var total = scores.Aggregate(TestTotal.None, (sum, score) =>
            sum.With(new SessionPart(SessionStatus.Complete, new Dictionary<Guid, QxScore>(), new Dictionary<Guid, int> { [Groups[0]] = score })));
        var shown = Assert.Single(Study.Of(Guid.Empty, null, scores.Length, total.Nps).NetPromoterScores);

        Assert.Equal(
            (Groups[0], Percent(score => score >= 9), Percent(score => score is 7 or 8), Percent(score => score <= 6)),
            (shown.TaskId, shown.PromoterPercentage, shown.PassivePercentage, shown.DetractorPercentage));
        Assert.Equal(shown.PromoterPercentage - shown.DetractorPercentage, shown.Score);

        int Percent(Func<int, bool> group) => (int)Math.Round(100m * scores.Count(group) / scores.Length, MidpointRounding.AwayFromZero);
    });

    private static TestTotal With(TestTotal total, SessionPart part) => total.With(part);

    private static decimal? Mean(IEnumerable<decimal?> values) =>
        values.OfType<decimal>().ToList() is { Count: > 0 } some ? Math.Round(some.Sum() / some.Count, 2, MidpointRounding.AwayFromZero) : null;

    // 1.50 and 1.5 are the same sum.
    private static string Text(TestTotal total) => TrailingZeros().Replace(
        string.Join(' ', total.InProgress, total.Complete, total.Abandoned)
        + string.Join('\n', total.Nps.OrderBy(task => task.Key).Select(task => $"{task.Key} {task.Value}")) + string.Join('\n', total.Qx.OrderBy(group => group.Key).Select(group =>
            group.Key + string.Join(',', group.Value.Labels.OrderBy(label => label.Key, StringComparer.Ordinal)) + JsonSerializer.Serialize(group.Value, Json.Of<QxSums>()))),
        "${digit}");

    [GeneratedRegex(@"(?<digit>\d)\.0+\b|(?<=\.\d*[1-9])0+\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TrailingZeros();
}
