using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v2/testResults</c>: the tests of the caller's workspaces.</summary>
public static class GetTestResults
{
    internal static readonly Operation Description = new("listTestResults", ApiTag.Tests, "The tests of the caller's workspaces")
    {
        Text = "In the order of their ids, with the sessions of each by status. A test in two workspaces is there twice.",
        Query = Paging.Query,
        Replies = [Reply.Ok<TestResultsPage>("A part of the list.")],
    };

    private const string List = "testResults";

    // The primary key (tenant_id, workspace_id, test_id) is walked once per workspace, from the first test of the page.
    internal const string Sql =
        """
        with part as materialized (
          select p.*
          from unnest($2::uuid[]) w(id)
          cross join lateral (
            select t.workspace_id, t.test_id, t.in_progress, t.complete, t.abandoned
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
        select c.tests, p.workspace_id, p.test_id, p.in_progress, p.complete, p.abandoned
        from counted c left join part p on true
        order by p.test_id, p.workspace_id
        """;

    /// <summary>Sends a page of the list.</summary>
    [WolverineGet("/api/v2/testResults")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var paging = Paging.Read(parameters, List);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var page = await database.ReadAsync((source, stop) => ReadAsync(source, caller, paging, stop), cancellation);
        return TypedResults.Json(page, Json.Of<TestResultsPage>());
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
        reader.GetGuid(2), reader.GetGuid(1), SessionsByStatus.Of(reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5)));
}

/// <summary>A part of the list of tests.</summary>
internal sealed record TestResultsPage(IReadOnlyList<TestResult> Tests, ListMeta Meta);

/// <summary>A test in a workspace.</summary>
internal sealed record TestResult(Guid TestId, Guid WorkspaceId, SessionsByStatus Sessions);

/// <summary>How many sessions a test has.</summary>
internal sealed record SessionsByStatus(long Total, long InProgress, long Complete, long Abandoned)
{
    public static SessionsByStatus Of(long inProgress, long complete, long abandoned) =>
        new(inProgress + complete + abandoned, inProgress, complete, abandoned);
}
