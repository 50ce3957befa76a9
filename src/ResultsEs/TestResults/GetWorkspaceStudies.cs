using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /v1/workspaces/{workspaceUuid}</c>: the tests of a workspace.</summary>
public static class GetWorkspaceStudies
{
    internal const int PageSize = 50;

    internal static readonly Operation Description = new("listWorkspaceStudies", ApiTag.Tests, "The tests of a workspace")
    {
        Text = "The newest ordered first, 50 at most. A test that nobody has defined stands by its first session's start, "
            + "and has its id for a title.",
        Query =
        [
            new("after", "The `cursor` of a test: the tests that follow it.", CursorSchema),
            new("before", "The `cursor` of a test: the tests just before it. Not with `after`.", CursorSchema),
        ],
        Replies = [Reply.Ok<IReadOnlyList<WorkspaceStudy>>("A part of the list; empty behind its end.")],
    };

    private const string CursorSchema = """{ "type": "string" }""";

    /// <summary>Sends a part of the list.</summary>
    [WolverineGet("/v1/workspaces/{workspaceUuid}")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var workspace = parameters.Id("workspaceUuid");
        var (after, before) = (Read(parameters, "after", workspace), Read(parameters, "before", workspace));
        if (parameters.Text("after") is not null && parameters.Text("before") is not null)
            parameters.Refuse("before", "must not be there with after");
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (!caller.Workspaces.Contains(workspace))
            return Problems.NotFound();

        var part = await database.ReadAsync((source, stop) => ReadAsync(source, caller, workspace, after, before, stop), cancellation);
        return JsonBody.Of(part, Json.Of<IReadOnlyList<WorkspaceStudy>>());
    }

    /// <summary>
    /// Builds the statement of a part. It walks ix_test_definition_ordered from the cursor, and ix_test_totals_started for tests without
    /// a definition in this workspace. Rows are looked up for the part alone: "offset 0" keeps the planner from scanning tables instead.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Guid account, Guid workspace, Cursor? after, Cursor? before)
    {
        var (tenant, within) = (command.Add(Tenant.Of(account)), command.Add(workspace));
        var (direction, comparison) = before is null ? ("desc", "<") : ("asc", ">");
        var place = (before ?? after) is { } cursor
            ? $"{comparison} ({command.Add(new DateTimeOffset(cursor.Key, TimeSpan.Zero))}, {command.Add(cursor.Id)})"
            : null;
        command.CommandText =
            $"""
            with part as materialized (
              select p.test_id, p.moment
              from (
                (select coalesce(d.{DocumentTable.Stream}, d.id) as test_id, d.ordered_at as moment
                 from {TestDefinitionTable.Name} d
                 where d.tenant_id = {tenant} and d.workspace_id = {within}{Seek("d.ordered_at", "d.id")}
                 order by d.ordered_at {direction}, d.id {direction} limit {PageSize})
                union all
                (select t.test_id, t.first_started_at
                 from results.test_totals t
                 where t.tenant_id = {tenant} and t.workspace_id = {within}{Seek("t.first_started_at", "t.test_id")}
                   and not exists ({TestDefinitionTable.Sql("1", tenant, "t.test_id", within)})
                 order by t.first_started_at {direction}, t.test_id {direction} limit {PageSize})
              ) p
              order by p.moment {direction}, p.test_id {direction} limit {PageSize}
            )
            select p.test_id, p.moment, d.title, coalesce(d.product_type, t.product_type), d.data -> 'orderedBy'
            from part p
            left join lateral (
              {TestDefinitionTable.Sql("x.title, x.product_type, x.data", tenant, "p.test_id", within)}) d on true
            left join lateral (
              select x.product_type from results.test_totals x
              where x.tenant_id = {tenant} and x.workspace_id = {within} and x.test_id = p.test_id offset 0) t on true
            order by p.moment desc, p.test_id desc
            """;

        string Seek(string moment, string id) => place is null ? "" : $" and ({moment}, {id}) {place}";
    }

    /// <summary>The name of a workspace's list. A cursor is valid for one such list.</summary>
    internal static string ListOf(Guid workspace) => $"studies {workspace}";

    private static Cursor? Read(RequestParameters parameters, string name, Guid workspace) =>
        parameters.CursorOrNull(name, ListOf(workspace), "must be the cursor of a test of this workspace");

    private static async Task<IReadOnlyList<WorkspaceStudy>> ReadAsync(
        NpgsqlDataSource source, Caller caller, Guid workspace, Cursor? after, Cursor? before, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller.Account, workspace, after, before);
        return await command.ReadAllAsync(
            reader => WorkspaceStudy.Of(
                workspace,
                reader.GetGuid(0),
                reader.GetFieldValue<DateTimeOffset>(1),
                reader.IsDBNull(2) ? null : reader.GetString(2),
                reader.IsDBNull(3) ? null : Enum.Parse<ProductType>(reader.GetString(3)),
                reader.IsDBNull(4) ? null : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(4), Json.Of<StudyOrderer>())),
            cancellation);
    }
}

/// <summary>A test in the list of its workspace.</summary>
internal sealed record WorkspaceStudy
{
    /// <summary>The test.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>Its title; its id while nobody has defined it.</summary>
    public required string Title { get; init; }

    /// <summary>Always <c>STUDYV2</c>: its results are served by v2 and v3.</summary>
    public string Type { get; init; } = "STUDYV2";

    /// <summary>What kind of test it is, by its definition or its first session.</summary>
    public ProductType? ProductType { get; init; }

    /// <summary>When it was ordered; when its first session began while nobody has defined it.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset OrderedAt { get; init; }

    public required StudyOrderer OrderedBy { get; init; }

    /// <summary>The test's place in the list, for <c>after</c> and <c>before</c>.</summary>
    public required string Cursor { get; init; }

    public static WorkspaceStudy Of(
        Guid workspace, Guid test, DateTimeOffset moment, string? title, ProductType? productType, StudyOrderer? orderedBy) => new()
        {
            Uuid = test,
            Title = title ?? test.ToString(),
            ProductType = productType,
            OrderedAt = moment,
            OrderedBy = orderedBy ?? StudyOrderer.Unknown,
            Cursor = new Cursor(moment.UtcTicks, test, default, TotalCount: 0).Write(GetWorkspaceStudies.ListOf(workspace)),
        };
}
