using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Search;

/// <summary>The place of a passage in the order of hits: the time at which it was said, its session, and its part of it.</summary>
internal readonly record struct HitPlace(DateTime At, Guid Session, Guid Part)
{
    /// <summary>The place before all hits.</summary>
    public static readonly HitPlace First =
        new(DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc), Guid.AllBitsSet, Guid.AllBitsSet);
}

/// <summary>
/// Hits in their order, and the place after which to go on; null when there are no more. A hit whose session is not in its place any more
/// is left out.
/// </summary>
internal sealed record HitPage(IReadOnlyList<AnswerHit> Hits, HitPlace? Next)
{
    public static readonly HitPage Empty = new([], null);
}

/// <summary>
/// A search, on one connection. What it costs is bounded by what it looks at, however much the caller has, and however often the words are
/// said: words that are frequent are found by walking from the newest text on, others by the index of words.
/// </summary>
internal sealed class SearchQuery(NpgsqlConnection connection, Caller caller, string words, Guid? test)
{
    // Texts that are looked at first, all workspaces together; then those of the second walk.
    private const int FirstWalk = 300;
    private const int LongWalk = 20_000;
    private const int LeastWalk = 50;

    // Found by the index, more is left to the walk.
    private const int MaxFound = 5_000;

    // Milliseconds.
    private const string LongestStatement = "5000";

    private const string Order = "t.at desc, t.session_id desc, t.part desc";

    /// <summary>
    /// The statement that looks for a page. It walks first: through $9 texts of each workspace, also those of other tests, so that it
    /// ends. When that finds too few it finds all hits by the index of words, if $10 says so. The words are $3 and, as they were sent,
    /// $11; the most hits are $8, one more than the page has.
    /// </summary>
    internal static readonly string Sql =
        // The walk goes by the index of (tenant_id, workspace_id, at, session_id, part), backwards. What is found goes by the index of
        // words alone: "offset 0" keeps the planner from others. The words say the workspace; the row is asked all the same. What is
        // shown goes by the primary keys of texts (tenant_id, session_id, part) and of documents (tenant_id, id).
        $"""
        with walked as materialized (
          select t.at, t.session_id, t.part, t.is_hit, t.n
          from unnest($2) w(id)
          cross join lateral (
            select t.at, t.session_id, t.part, t.is_hit, row_number() over (order by {Order}) as n
            from (
              select t.at, t.session_id, t.part, t.words @@ $3::tsquery and ($4::uuid is null or t.test_id = $4) as is_hit
              from {SearchTable.Texts} t
              where t.tenant_id = $1 and t.workspace_id = w.id
                and (t.at, t.session_id, t.part) < ($5, $6, $7)
              order by {Order} limit $9
            ) t
          ) t
        ), ends as materialized (
          select t.at, t.session_id, t.part from walked t where t.n = $9 order by {Order} limit 1
        ), seen as materialized (
          select t.at, t.session_id, t.part from walked t
          left join ends e on true
          where t.is_hit and (e.at is null or (t.at, t.session_id, t.part) >= (e.at, e.session_id, e.part))
          order by {Order} limit $8
        ), way as materialized (
          select $10 and exists (select 1 from ends) and (select count(*) from seen) < $8 - 1 as is_found
        ), found as materialized (
          select t.at, t.session_id, t.part, t.tenant_id, t.workspace_id, t.test_id
          from {SearchTable.Texts} t
          where (select w.is_found from way w) and t.words @@ $3::tsquery limit {MaxFound + 1} offset 0
        ), hits as (
          select t.at, t.session_id, t.part from seen t where not (select w.is_found from way w)
          union all
          select t.at, t.session_id, t.part from found t
          where t.tenant_id = $1 and t.workspace_id = any($2) and ($4::uuid is null or t.test_id = $4)
            and (t.at, t.session_id, t.part) < ($5, $6, $7) and (select count(*) from found) <= {MaxFound}
        ), page as materialized (
          select t.at, t.session_id, t.part, row_number() over (order by {Order}) as n
          from (select t.at, t.session_id, t.part from hits t order by {Order} limit $8) t
        )
        select w.is_found, (select count(*) from found) > {MaxFound}, e.at, e.session_id, e.part, p.at, p.session_id, p.part,
          x.test_id, x.workspace_id, x.task_id, x.kind, x.start_ms, x.excerpt
        from way w
        left join ends e on true
        left join page p on true
        left join lateral (
          select t.test_id, t.workspace_id, t.task_id, t.kind, t.start_ms,
            ts_headline(t.language::regconfig, t.text, websearch_to_tsquery(t.language::regconfig, $11),
              'StartSel="{Excerpt.Begin}", StopSel="{Excerpt.End}", MaxWords=40, MinWords=20, ShortWord=0') as excerpt
          from {SearchTable.Texts} t
          join {SessionResultTable.Name} d on d.tenant_id = $1 and d.id = t.document_id
          where p.n < $8 and t.tenant_id = $1 and t.session_id = p.session_id and t.part = p.part
            and t.workspace_id = any($2) and d.workspace_id = t.workspace_id and d.test_id = t.test_id
          limit 1
        ) x on true
        order by p.n
        """;

    private readonly string _account = Tenant.Of(caller.Account);
    private string _query = "";

    /// <summary>
    /// Sets what holds for the statements of the transaction, and makes the query of the index from the words, for each workspace and
    /// language that has texts.
    /// </summary>
    /// <param name="completeTo">The time before which all changes are visible.</param>
    /// <param name="mostWords">The most words of all these together.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The time before which all that was stored can be found, and what is wrong with the words, or null.</returns>
    public async Task<(DateTimeOffset AsOf, string? Wrong)> BeginAsync(
        DateTimeOffset completeTo, int mostWords, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        // The planner does not know how often the words of one workspace occur, and would read whole tables and compile. So it is told
        // what to use, and plans once a connection, which takes longer than to find a rare word.
        batch.Add(
            """
            select set_config('statement_timeout', $1, true), set_config('jit', 'off', true),
              set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
            """, [LongestStatement]);
        SearchTable.Progress.AddAsOf(batch, _account, completeTo);
        // The primary key (tenant_id, workspace_id, language).
        batch.Add(
            $"""
            select l.workspace_id, l.language, q.query::text, querytree(q.query)
            from (
              select null::uuid as workspace_id, '{SearchLanguage.Simple}'::varchar as language
              union all
              select l.workspace_id, l.language from {SearchTable.Languages} l where l.tenant_id = $1 and l.workspace_id = any($2)
            ) l
            cross join lateral (select websearch_to_tsquery(l.language::regconfig, $3) as query) q
            """, [_account, caller.Workspaces, SearchLanguage.Lower(words)]);
        await batch.PrepareAsync(cancellation);
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var asOf = reader.GetFieldValue<DateTimeOffset>(0);
        await reader.NextResultAsync(cancellation);
        var parts = new List<(Guid? Workspace, string Language, string Query, string Tree)>();
        while (await reader.ReadAsync(cancellation))
            parts.Add((reader.IsDBNull(0) ? null : reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3)));
        return (asOf, Scope(parts, mostWords));
    }

    /// <summary>
    /// Makes the query of the index from those of workspaces and languages. Returns what is wrong with the words, or null.
    /// </summary>
    private string? Scope(IReadOnlyList<(Guid? Workspace, string Language, string Query, string Tree)> parts, int mostWords)
    {
        // "T" says that the index could not find it.
        if (!IsFound(parts.Single(part => part.Workspace is null).Tree))
            return "must have a word that all hits have; a word to be left out alone finds nothing";

        var found = parts.Where(part => part.Workspace is not null && IsFound(part.Tree)).ToList();
        if (found.Sum(part => part.Query.Count(letter => letter == '\'') / 2) > mostWords)
            return "has more words than can be looked for in so many workspaces";

        _query = string.Join(" | ", found.Select(part => Scoped(part.Workspace!.Value, part.Language, part.Query)));
        return null;

        static bool IsFound(string tree) => tree is not ("" or "T");
    }

    /// <summary>Finds the next hits after a place.</summary>
    public async Task<HitPage> FindAsync(HitPlace after, int limit, CancellationToken cancellation) =>
        _query.Length == 0
            ? HitPage.Empty
            : await FindAsync(after, limit, FirstWalk, mayBeFound: true, cancellation)
                ?? (await FindAsync(after, limit, LongWalk, mayBeFound: false, cancellation))!;

    private string Scoped(Guid workspace, string language, string query)
    {
        var scoped = $"({SearchScope.Scoped(query, SearchScope.Of(_account, workspace, language))})";
        return test is { } only ? $"({scoped} & '{SearchScope.OfTest(_account, workspace, only)}')" : scoped;
    }

    /// <summary>
    /// Walks from a place on, in each workspace as far as its part of the walk goes. Hits are those that come before the end of every
    /// walk, so their order is that of all hits. When that is too few, and they may be found by the index of words, they are: null when
    /// they are too many.
    /// </summary>
    private async Task<HitPage?> FindAsync(HitPlace after, int limit, int length, bool mayBeFound, CancellationToken cancellation)
    {
        var each = Math.Max(LeastWalk, length / Math.Max(1, caller.Workspaces.Length));
        // One hit more than asked for tells that there are more.
        var rows = await new NpgsqlCommand(Sql, connection).ReadPreparedAsync(
            [
                _account, caller.Workspaces, _query, new NpgsqlParameter<Guid?> { TypedValue = test }, after.At, after.Session, after.Part,
                limit + 1L, (long)each, mayBeFound, SearchLanguage.Lower(words),
            ],
            reader => (
                IsFound: reader.GetBoolean(0), AreTooMany: reader.GetBoolean(1), End: Place(reader, 2), Hit: Place(reader, 5),
                Answer: reader.IsDBNull(8) ? null : Answer(reader)),
            cancellation);
        if (rows[0].AreTooMany)
            return null;

        var hits = rows.Select(row => row.Hit).OfType<HitPlace>().ToList();
        return new HitPage(
            [.. rows.Select(row => row.Answer).OfType<AnswerHit>()],
            hits.Count > limit ? hits[limit - 1] : rows[0].IsFound ? null : rows[0].End);
    }

    private static AnswerHit Answer(NpgsqlDataReader reader) => new(
        reader.GetGuid(6),
        reader.GetGuid(8),
        reader.GetGuid(9),
        reader.IsDBNull(10) ? null : reader.GetGuid(10),
        Enum.Parse<SearchKind>(reader.GetString(11)),
        reader.GetFieldValue<DateTimeOffset>(5),
        reader.GetInt64(12),
        Excerpt.Of(reader.GetString(13)));

    private static HitPlace? Place(NpgsqlDataReader reader, int column) => reader.IsDBNull(column)
        ? null
        : new HitPlace(reader.GetDateTime(column), reader.GetGuid(column + 1), reader.GetGuid(column + 2));
}
