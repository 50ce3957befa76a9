using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v2/testResults</c>: the tests of the caller's workspaces.</summary>
public static class GetTestResults
{
    internal static readonly Operation Description = new("listTestResults", ApiTag.Tests, "The tests of the caller's workspaces")
    {
        Text = "The tests that have sessions, ordered by id, each with its number of sessions by status. "
            + "A test with sessions in two workspaces is listed twice.",
        Query = Paging.Query,
        Replies = [Reply.Ok<TestResultsPage>("A page of the list.")],
    };

    private const string List = "testResults";

    // The primary key (tenant_id, workspace_id, test_id) is walked once per workspace, from the first test of the page. That of
    // definitions (tenant_id, id) finds those of the page: "offset 0" keeps the planner from scanning them instead.
    internal static readonly string Sql =
        $"""
        with part as materialized (
          select p.*
          from unnest($2::uuid[]) w(id)
          cross join lateral (
            select t.workspace_id, t.test_id, t.in_progress, t.complete, t.abandoned, t.product_type
            from results.test_totals t
            where t.tenant_id = $1 and t.workspace_id = w.id
              and t.test_id >= $3 and (t.test_id, t.workspace_id) > ($3, $4)
            order by t.test_id limit $5
          ) p
          order by p.test_id, p.workspace_id
          offset $6 limit $7
        ), counted as (
          select coalesce($8::bigint, (
            select count(*) from results.test_totals t where t.tenant_id = $1 and t.workspace_id = any($2))) as tests
        )
        select
          c.tests, p.workspace_id, p.test_id, p.in_progress, p.complete, p.abandoned, d.title, coalesce(d.product_type, p.product_type)
        from counted c left join part p on true
        left join lateral (
          {TestDefinitionTable.Sql("x.title, x.product_type", "$1", "p.test_id", "p.workspace_id")}) d on true
        order by p.test_id, p.workspace_id
        """;

    /// <summary>Sends a page of the list.</summary>
    [WolverineGet("/api/v2/testResults")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var paging = Paging.Read(parameters, List);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var page = await database.ReadAsync((source, stop) => ReadAsync(source, caller, paging, stop), cancellation);
        return JsonBody.Of(page, Json.Of<TestResultsPage>());
    }

    private static async Task<TestResultsPage> ReadAsync(
        NpgsqlDataSource source, Caller caller, Paging paging, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql, caller, paging.After?.Id ?? default, paging.After?.Within ?? default);
        command.Parameters.AddAll(paging.Offset + paging.Limit + 1, paging.Offset, paging.Limit + 1, paging.After?.TotalCount);
        // There is always a row, for the count.
        var rows = await command.ReadAllAsync(
            reader => (TotalCount: reader.GetInt64(0), Test: reader.IsDBNull(1) ? null : Test(reader)), cancellation);
        var (totalCount, tests) = (rows[0].TotalCount, rows.Select(row => row.Test).OfType<TestResult>().ToList());
        var shown = tests.Take(paging.Limit).ToList();
        var next = tests.Count > paging.Limit
            ? new Cursor(0, shown[^1].TestId, shown[^1].WorkspaceId, totalCount).Write(List)
            : null;
        return new TestResultsPage(shown, ListMeta.Of(paging, totalCount, next));
    }

    private static TestResult Test(NpgsqlDataReader reader) => new(
        reader.GetGuid(2),
        reader.GetGuid(1),
        reader.IsDBNull(6) ? null : reader.GetString(6),
        reader.IsDBNull(7) ? null : Enum.Parse<ProductType>(reader.GetString(7)),
        SessionsByStatus.Of(reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5)));
}

/// <summary>A page of tests.</summary>
internal sealed record TestResultsPage(IReadOnlyList<TestResult> Tests, ListMeta Meta);

/// <summary>A test in a workspace.</summary>
/// <param name="TestId">The test.</param>
/// <param name="WorkspaceId">The workspace.</param>
/// <param name="Title">Its title; null while nobody has defined it in this workspace.</param>
/// <param name="ProductType">What kind of test it is, by its definition or its first session.</param>
/// <param name="Sessions">Its sessions in this workspace.</param>
internal sealed record TestResult(
    Guid TestId,
    Guid WorkspaceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Title,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ProductType? ProductType,
    SessionsByStatus Sessions);

/// <summary>The number of a test's sessions, by status.</summary>
internal sealed record SessionsByStatus(long Total, long InProgress, long Complete, long Abandoned)
{
    public static SessionsByStatus Of(long inProgress, long complete, long abandoned) =>
        new(inProgress + complete + abandoned, inProgress, complete, abandoned);
}
