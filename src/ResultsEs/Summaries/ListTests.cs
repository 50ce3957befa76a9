using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary><c>GET /api/v3/testResults</c>: the tests of the caller's workspaces, by their latest activity.</summary>
public static class ListTests
{
    private const int MaxLimit = 100;

    // Tests that one request looks at, all workspaces together.
    internal const int MaxLooked = 2_000;

    // A test is looked at and not listed while its totals are behind, or when its sessions are gone.
    internal const int LookedPerListed = 4;

    internal static readonly Operation Description = new("listTests", ApiTag.Tests, "The tests with sessions, the latest first")
    {
        Text = "The tests that have sessions, ordered by when something of one was last stored. A test with sessions in two workspaces is "
            + "listed twice. A page may have fewer tests than asked for, and still a `nextAfter`.",
        Query =
        [
            new("q", "Only tests whose title or id contains this, in small or capital letters.", QueryParameter.Sought),
            new("limit", "The page size: how many tests at most.", Paging.Integer(1, MaxLimit, Paging.DefaultLimit)),
            new("after", "The `nextAfter` of the page before, with the same `q`.", """{ "type": "string" }"""),
        ],
        Replies = [Reply.Ok<SummarizedTestsPage>("A page of the tests.")],
    };

    // ix_summary_tests_stored backwards, once for each workspace; then the primary keys of totals and definitions, test by test, for as
    // many as are listed: so those that are looked at are in order first.
    internal static readonly string Sql =
        $"""
        with looked as materialized (
          select p.*, row_number() over (order by p.last_stored_at desc, p.test_id desc, p.workspace_id desc) as place
          from unnest($2::uuid[]) w(id)
          cross join lateral (
            select t.workspace_id, t.test_id, t.last_stored_at from {SummaryTable.Tests} t
            where t.tenant_id = $1 and t.workspace_id = w.id and t.last_stored_at <= $3
              and (t.last_stored_at, t.test_id, t.workspace_id) < ($3, $4, $5)
            order by t.last_stored_at desc, t.test_id desc limit $7
          ) p
          order by p.last_stored_at desc, p.test_id desc, p.workspace_id desc limit $7
        )
        select l.test_id, l.workspace_id, l.last_stored_at, l.place, d.title, coalesce(d.product_type, x.product_type), x.in_progress,
          x.complete, x.abandoned
        from (select * from looked order by place) l
        left join lateral (
          select x.* from results.test_totals x
          where x.tenant_id = $1 and x.workspace_id = l.workspace_id and x.test_id = l.test_id offset 0) x on true
        left join lateral (
          {TestDefinitionTable.Sql("x.title, x.product_type", "$1", "l.test_id", "l.workspace_id")}) d on true
        where l.place = $7 or x.test_id is not null
        order by l.place
        limit $6
        """;

    /// <summary>Sends a page of the tests.</summary>
    [WolverineGet("/api/v3/testResults")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var words = parameters.Sought("q")?.ToLowerInvariant();
        var limit = parameters.Number("limit", 1, MaxLimit, Paging.DefaultLimit);
        var list = $"tests {words}";
        var after = parameters.CursorOrNull("after", list, "must be a nextAfter of this list, with the same q");
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var page = await database.ReadAsync(
            (source, stop) => ReadAsync(source, caller, words, after, limit, list, stop), cancellation);
        return JsonBody.Of(page, Json.Of<SummarizedTestsPage>());
    }

    private static async Task<SummarizedTestsPage> ReadAsync(
        NpgsqlDataSource source, Caller caller, string? words, Cursor? after, int limit, string list, CancellationToken cancellation)
    {
        // PostgreSQL's small letters depend on how the database was made, so words are looked for here. Without words nearly every test
        // is one to list.
        var (listed, looked) = words is null ? (limit + 1, LookedPerListed * (limit + 1)) : (MaxLooked, MaxLooked);
        await using var command = source.CreateCommand(Sql);
        var rows = await command.ReadAllAsync(
            [
                Tenant.Of(caller.Account), caller.Workspaces,
                after is { } place ? new DateTime(place.Key, DateTimeKind.Utc) : DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc),
                after?.Id ?? Guid.AllBitsSet, after?.Within ?? Guid.AllBitsSet,
                listed, looked,
            ],
            reader => (
                Key: new Cursor(reader.GetDateTime(2).Ticks, reader.GetGuid(0), reader.GetGuid(1), TotalCount: 0),
                Place: reader.GetInt64(3),
                Test: Test(reader, words)),
            cancellation);
        var tests = rows.Where(row => row.Test is not null).ToList();
        if (tests.Count > limit)
            return new SummarizedTestsPage([.. tests.Take(limit).Select(row => row.Test!)], tests[limit - 1].Key.Write(list));

        var end = rows.Where(row => row.Place == looked).Select(row => (Cursor?)row.Key).FirstOrDefault();
        return new SummarizedTestsPage([.. tests.Select(row => row.Test!)], end?.Write(list));
    }

    /// <summary>The test of a row; null where it stands only for the end of what was looked at.</summary>
    private static SummarizedTestItem? Test(NpgsqlDataReader reader, string? words)
    {
        if (reader.IsDBNull(6))
            return null;

        var (id, title) = (reader.GetGuid(0), reader.IsDBNull(4) ? null : reader.GetString(4));
        if (words is not null && title?.ToLowerInvariant().Contains(words, StringComparison.Ordinal) != true
            && !id.ToString().Contains(words, StringComparison.Ordinal))
            return null;

        return new SummarizedTestItem(
            id,
            reader.GetGuid(1),
            title,
            reader.IsDBNull(5) ? null : Enum.Parse<ProductType>(reader.GetString(5)),
            SessionsByStatus.Of(reader.GetInt64(6), reader.GetInt64(7), reader.GetInt64(8)),
            reader.GetFieldValue<DateTimeOffset>(2));
    }
}

/// <summary>A page of tests.</summary>
/// <param name="Tests">The tests, the latest activity first.</param>
/// <param name="NextAfter">Where the next page begins; absent in the last page.</param>
internal sealed record SummarizedTestsPage(IReadOnlyList<SummarizedTestItem> Tests, string? NextAfter);

/// <summary>A test in a workspace.</summary>
/// <param name="TestId">The test.</param>
/// <param name="WorkspaceId">The workspace.</param>
/// <param name="Title">Its title; null while nobody has defined it in this workspace.</param>
/// <param name="ProductType">What kind of test it is, by its definition or its first session.</param>
/// <param name="Sessions">Its sessions in this workspace.</param>
/// <param name="LastActivityTime">When something of one of them was last stored.</param>
internal sealed record SummarizedTestItem(
    Guid TestId,
    Guid WorkspaceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Title,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ProductType? ProductType,
    SessionsByStatus Sessions,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset LastActivityTime);
