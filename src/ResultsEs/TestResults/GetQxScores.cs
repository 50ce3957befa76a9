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
            + "At most 1,000 task groups, those of most sessions; `totalQxTasks` counts up to 10,000. "
            + "404 where neither the definition nor a session of the test is of the product type `NON_THINK_OUT_LOUD`.",
        Replies = [Reply.Ok<QxScoresOfTest>("The scores.")],
    };

    /// <summary>The most task groups that an answer lists, for each workspace of the test.</summary>
    internal const int MaxGroups = 1_000;

    private const int MaxCounted = 10_000;

    // The labels of a group that count where a test lies in several workspaces. In one the first alone matters.
    private const int MaxLabels = 20;

    private const string OfGroup = "l.tenant_id = $1 and l.workspace_id = w.id and l.test_id = $3 and l.group_id = g.group_id";

    // The sessions (ix_session_result_2_interaction) tell whether it is an interaction test: the totals (primary key) may not show it yet.
    // Groups by ix_test_group_totals_sessions, labels by ix_test_group_labels_sessions: of those with most sessions, and of the first in
    // ordinal order among these, so that it costs little however many there are.
    internal static readonly string Sql =
        $"""
        select w.id, t.complete, n.groups, g.group_id, g.sums, l.labels, l.sessions
        from unnest($2::uuid[]) w(id)
        left join results.test_totals t on t.tenant_id = $1 and t.workspace_id = w.id and t.test_id = $3
        cross join lateral (
          select count(*) as groups from (
            select 1 from results.test_group_totals g
            where g.tenant_id = $1 and g.workspace_id = w.id and g.test_id = $3 limit {MaxCounted}) c) n
        left join lateral (
          select g.group_id, g.sums from results.test_group_totals g
          where g.tenant_id = $1 and g.workspace_id = w.id and g.test_id = $3
          order by g.sessions desc limit {MaxGroups}) g on true
        left join lateral (
          select array_agg(x.label) as labels, array_agg(x.sessions) as sessions from (
            (select l.label, l.sessions from results.test_group_labels l where {OfGroup} order by l.sessions desc limit {MaxLabels})
            union
            (select l.label, l.sessions from results.test_group_labels l
             where {OfGroup} and l.sessions = (select max(l.sessions) from results.test_group_labels l where {OfGroup})
             order by l.place limit 1)) x) l on g.group_id is not null
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
        var rows = await command.ReadAllAsync(
            reader => (
                Workspace: reader.GetGuid(0),
                Complete: reader.IsDBNull(1) ? 0 : reader.GetInt64(1),
                Groups: reader.GetInt64(2),
                Group: reader.IsDBNull(3) ? default : Group(reader)),
            cancellation);
        if (rows.Count == 0)
            return null;

        var workspaces = rows.GroupBy(row => row.Workspace).Select(some => (
            some.First().Groups,
            Total: TestTotal.None with
            {
                Complete = some.First().Complete,
                Qx = some.Where(row => row.Groups > 0).ToDictionary(row => row.Group.Key, row => row.Group.Value),
            })).ToList();
        var total = workspaces.Select(workspace => workspace.Total).Aggregate((sum, more) => sum.Merge(more));
        // Where an answer lists them all, a group of two workspaces counts once.
        var isCut = workspaces.Exists(workspace => workspace.Groups > MaxGroups);
        return QxScoresOfTest.Of(test, total, isCut ? workspaces.Sum(workspace => workspace.Groups) : total.Qx.Count);
    }

    private static KeyValuePair<Guid, QxSums> Group(NpgsqlDataReader reader)
    {
        var labels = reader.GetFieldValue<string[]>(5).Zip(reader.GetFieldValue<long[]>(6))
            .ToDictionary(label => label.First, label => label.Second, StringComparer.Ordinal);
        return KeyValuePair.Create(reader.GetGuid(3), TestTotalsStore.SumsOf(reader.GetFieldValue<byte[]>(4), labels));
    }
}

/// <summary>The QX scores of a test.</summary>
internal sealed record QxScoresOfTest(Guid TestId, IReadOnlyList<QxScoreOfGroup> QxScores, QxScoresMeta Meta)
{
    public static QxScoresOfTest Of(Guid testId, TestTotal total, long? groups = null) => new(
        testId,
        [.. total.Qx.OrderBy(group => group.Key).Select(group => QxScoreOfGroup.Of(group.Key, group.Value))],
        new QxScoresMeta(groups ?? total.Qx.Count, total.Complete));
}

/// <summary>The numbers of task groups and sessions behind the averages.</summary>
/// <param name="TotalQxTasks">The number of task groups with a score.</param>
/// <param name="Completes">The number of completed sessions.</param>
internal sealed record QxScoresMeta(long TotalQxTasks, long Completes);

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
