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
          select coalesce($8, (
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
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = paging.Offset + paging.Limit + 1 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = paging.Offset });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = paging.Limit + 1 });
        command.Parameters.Add(new NpgsqlParameter<long?> { TypedValue = paging.After?.TotalCount });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var tests = new List<TestResult>();
        long totalCount = 0;
        while (await reader.ReadAsync(cancellation))
        {
            totalCount = reader.GetInt64(0);
            if (!reader.IsDBNull(1))
            {
                var sessions = SessionsByStatus.Of(reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5));
                tests.Add(new TestResult(reader.GetGuid(2), reader.GetGuid(1), sessions));
            }
        }

        var shown = tests.Take(paging.Limit).ToList();
        var next = tests.Count > paging.Limit
            ? new Position(0, shown[^1].TestId, shown[^1].WorkspaceId, totalCount).Write(List)
            : null;
        return new TestResultsPage(shown, ListMeta.Of(paging, totalCount, next));
    }
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
