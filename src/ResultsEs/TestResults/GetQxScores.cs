using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v2/testResults/{testId}/qxScores</c>: averages over a test's completed sessions.</summary>
public static class GetQxScores
{
    internal static readonly Operation Description = new("getQxScores", ApiTag.Tests, "The QX scores of a test")
    {
        Text = "Averages over the test's completed sessions, 0–100, rounded to two decimals. "
            + "404 where neither the definition nor a session of the test is of the product type `NON_THINK_OUT_LOUD`.",
        Replies = [Reply.Ok<QxScoresOfTest>("The scores.")],
    };

    // The sessions (ix_session_result_2_interaction) tell whether it is an interaction test: the totals (primary key) may not show it yet.
    internal static readonly string Sql =
        $"""
        select t.in_progress, t.complete, t.abandoned, t.qx
        from unnest($2::uuid[]) w(id)
        left join results.test_totals t on t.tenant_id = $1 and t.workspace_id = w.id and t.test_id = $3
        where exists (select 1 from unnest($2::uuid[]) i(id) cross join lateral ({InteractionTest.Sql("$1", "i.id", "$3")}) one)
        """;

    /// <summary>Sends the averages.</summary>
    [WolverineGet("/api/v2/testResults/{testId}/qxScores")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation) =>
        OneTest.SendAsync(http, "testId", database, ReadAsync, cancellation);

    private static async Task<QxScoresOfTest?> ReadAsync(
        NpgsqlDataSource source, Caller caller, Guid test, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql, caller, test);
        var totals = await command.ReadAllAsync(
            reader => reader.IsDBNull(0) ? TestTotal.None : TestTotalsStore.Total(reader, 0), cancellation);
        return totals.Count == 0 ? null : QxScoresOfTest.Of(test, totals.Aggregate((sum, total) => sum.Merge(total)));
    }
}

/// <summary>The QX scores of a test.</summary>
internal sealed record QxScoresOfTest(Guid TestId, IReadOnlyList<QxScoreOfGroup> QxScores, QxScoresMeta Meta)
{
    public static QxScoresOfTest Of(Guid testId, TestTotal total) => new(
        testId,
        [.. total.Qx.OrderBy(group => group.Key).Select(group => QxScoreOfGroup.Of(group.Key, group.Value))],
        new QxScoresMeta(total.Qx.Count, total.Complete));
}

/// <summary>The numbers of task groups and sessions behind the averages.</summary>
/// <param name="TotalQxTasks">The number of task groups with a score.</param>
/// <param name="Completes">The number of completed sessions.</param>
internal sealed record QxScoresMeta(int TotalQxTasks, long Completes);

/// <summary>A task group's averages; 0–100, rounded to two decimals.</summary>
internal sealed record QxScoreOfGroup(
    Guid TaskGroupId, string Label, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? QxScore,
    QxComponentAverages Components, QxValueAverages Values)
{
    public static QxScoreOfGroup Of(Guid group, QxSums sums) => new(
        group,
        sums.Label,
        Average(sums.Score, sums.Sessions),
        new QxComponentAverages(
            sums.Behavioral.Count == 0 ? null : Average(sums.Behavioral.Total, sums.Behavioral.Count),
            Average(sums.Attitudinal, sums.Sessions)),
        new QxValueAverages(
            sums.BehavioralValues.Count == 0 ? null : [.. sums.BehavioralValues.Select(value => Average(value.Total, value.Count))],
            Average(sums.Usability, sums.Sessions),
            Average(sums.Trust, sums.Sessions),
            Average(sums.Appearance, sums.Sessions),
            Average(sums.Loyalty, sums.Sessions)));

    private static decimal Average(decimal total, long count) => Math.Round(total / count, 2, MidpointRounding.AwayFromZero);
}

/// <summary>Averages of the two components.</summary>
internal sealed record QxComponentAverages(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? Behavioral, decimal Attitudinal);

/// <summary>Averages of the single values. The behavioural ones are averaged by their place in the list.</summary>
internal sealed record QxValueAverages(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] IReadOnlyList<decimal>? Behavioral,
    decimal Usability, decimal Trust, decimal Appearance, decimal Loyalty);
