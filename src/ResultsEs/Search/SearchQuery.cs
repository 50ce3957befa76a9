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

/// <summary>Hits in their order, and the place after which to go on; null when there are no more.</summary>
internal sealed record HitPage(IReadOnlyList<HitPlace> Hits, HitPlace? Next)
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

    private const string Order = "t.at desc, t.session_id desc, t.part desc";

    private readonly string _account = Tenant.Of(caller.Account);
    private string _query = "";

    /// <summary>Makes the query of the index from the words, for each workspace and language that has texts.</summary>
    /// <param name="mostWords">The most words of all these together.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What is wrong with the words, or null.</returns>
    public async Task<string?> PrepareAsync(int mostWords, CancellationToken cancellation)
    {
        // The primary key (tenant_id, workspace_id, language).
        var parts = await new NpgsqlCommand(
            $"""
            select l.workspace_id, l.language, q.query::text, querytree(q.query)
            from (
              select null::uuid as workspace_id, '{SearchLanguage.Simple}'::varchar as language
              union all
              select l.workspace_id, l.language from {SearchTable.Languages} l where l.tenant_id = $1 and l.workspace_id = any($2)
            ) l
            cross join lateral (select websearch_to_tsquery(l.language::regconfig, $3) as query) q
            """, connection).ReadAllAsync(
            [_account, caller.Workspaces, SearchLanguage.Lower(words)],
            reader => (
                Workspace: reader.IsDBNull(0) ? (Guid?)null : reader.GetGuid(0), Language: reader.GetString(1),
                Query: reader.GetString(2), Tree: reader.GetString(3)),
            cancellation);
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
    public async Task<HitPage> FindAsync(HitPlace after, int limit, CancellationToken cancellation)
    {
        if (_query.Length == 0)
            return HitPage.Empty;

        var first = await WalkAsync(after, limit, FirstWalk, cancellation);
        if (first.Hits.Count == limit || first.Next is null)
            return first;
        return await FoundAsync(after, limit, cancellation) ?? await WalkAsync(after, limit, LongWalk, cancellation);
    }

    /// <summary>Reads what is shown of hits. One whose session is not in its place any more is left out.</summary>
    public Task<List<AnswerHit>> ReadAsync(IReadOnlyList<HitPlace> hits, CancellationToken cancellation) =>
        // The primary keys of texts (tenant_id, session_id, part) and of documents (tenant_id, id).
        new NpgsqlCommand(
            $"""
            select t.session_id, t.test_id, t.workspace_id, t.task_id, t.kind, t.at, t.start_ms,
              ts_headline(t.language::regconfig, t.text, websearch_to_tsquery(t.language::regconfig, $5),
                'StartSel="{Excerpt.Begin}", StopSel="{Excerpt.End}", MaxWords=40, MinWords=20, ShortWord=0')
            from unnest($3, $4) with ordinality k(session_id, part, n)
            join {SearchTable.Texts} t on t.tenant_id = $1 and t.session_id = k.session_id and t.part = k.part
            join {SessionResultTable.Name} d on d.tenant_id = $1 and d.id = t.document_id
            where t.workspace_id = any($2) and d.workspace_id = t.workspace_id and d.test_id = t.test_id
            order by k.n
            """, connection).ReadAllAsync(
            [
                _account, caller.Workspaces, hits.Select(hit => hit.Session).ToArray(), hits.Select(hit => hit.Part).ToArray(),
                SearchLanguage.Lower(words),
            ],
            reader => new AnswerHit(
                reader.GetGuid(0),
                reader.GetGuid(1),
                reader.GetGuid(2),
                reader.IsDBNull(3) ? null : reader.GetGuid(3),
                Enum.Parse<SearchKind>(reader.GetString(4)),
                reader.GetFieldValue<DateTimeOffset>(5),
                reader.GetInt64(6),
                Excerpt.Of(reader.GetString(7))),
            cancellation);

    /// <summary>The statement of a walk, whose words are $3. Texts of other tests are walked over, so that it ends.</summary>
    internal static string WalkSql(int limit, int each) =>
        // The index of (tenant_id, workspace_id, at, session_id, part), backwards.
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
              order by {Order} limit {each}
            ) t
          ) t
        ), ends as (
          select t.at, t.session_id, t.part from walked t where t.n = {each} order by {Order} limit 1
        )
        select e.at, e.session_id, e.part, h.at, h.session_id, h.part
        from (select 1) one
        left join ends e on true
        left join lateral (
          select t.at, t.session_id, t.part from walked t
          where t.is_hit and (e.at is null or (t.at, t.session_id, t.part) >= (e.at, e.session_id, e.part))
          order by {Order} limit {limit + 1}
        ) h on true
        order by h.at desc, h.session_id desc, h.part desc
        """;

    /// <summary>The statement that finds all hits, up to <see cref="MaxFound"/>; its words are $3.</summary>
    internal static string FoundSql(int limit) =>
        // The index of words alone: "offset 0" keeps the planner from others. The words say the workspace; the row is asked all the same.
        $"""
        with found as materialized (
          select t.at, t.session_id, t.part, t.tenant_id, t.workspace_id, t.test_id
          from {SearchTable.Texts} t where t.words @@ $3::tsquery limit {MaxFound + 1} offset 0
        )
        select (select count(*) from found), h.at, h.session_id, h.part
        from (select 1) one
        left join lateral (
          select t.at, t.session_id, t.part from found t
          where t.tenant_id = $1 and t.workspace_id = any($2) and ($4::uuid is null or t.test_id = $4)
            and (t.at, t.session_id, t.part) < ($5, $6, $7)
          order by {Order} limit {limit + 1}
        ) h on true
        order by h.at desc, h.session_id desc, h.part desc
        """;

    private string Scoped(Guid workspace, string language, string query)
    {
        var scoped = $"({SearchScope.Scoped(query, SearchScope.Of(_account, workspace, language))})";
        return test is { } only ? $"({scoped} & '{SearchScope.OfTest(_account, workspace, only)}')" : scoped;
    }

    /// <summary>
    /// Walks from a place on, in each workspace as far as its part of the walk goes. Hits are those that come before the end of every
    /// walk, so their order is that of all hits.
    /// </summary>
    private async Task<HitPage> WalkAsync(HitPlace after, int limit, int length, CancellationToken cancellation)
    {
        var each = Math.Max(LeastWalk, length / Math.Max(1, caller.Workspaces.Length));
        var rows = await new NpgsqlCommand(WalkSql(limit, each), connection).ReadAllAsync(
            [_account, caller.Workspaces, _query, test, after.At, after.Session, after.Part],
            reader => (End: Place(reader, 0), Hit: Place(reader, 3)),
            cancellation);
        return Page([.. rows.Select(row => row.Hit).OfType<HitPlace>()], limit, rows[0].End);
    }

    /// <summary>Finds all hits by the index of words; null when they are too many.</summary>
    private async Task<HitPage?> FoundAsync(HitPlace after, int limit, CancellationToken cancellation)
    {
        var rows = await new NpgsqlCommand(FoundSql(limit), connection).ReadAllAsync(
            [_account, caller.Workspaces, _query, test, after.At, after.Session, after.Part],
            reader => (Count: reader.GetInt64(0), Hit: Place(reader, 1)),
            cancellation);
        return rows[0].Count > MaxFound ? null : Page([.. rows.Select(row => row.Hit).OfType<HitPlace>()], limit, end: null);
    }

    /// <summary>The page of hits, of which one more than asked for tells that there are more.</summary>
    private static HitPage Page(List<HitPlace> hits, int limit, HitPlace? end) =>
        hits.Count > limit ? new HitPage(hits[..limit], hits[limit - 1]) : new HitPage(hits, end);

    private static HitPlace? Place(NpgsqlDataReader reader, int column) => reader.IsDBNull(column)
        ? null
        : new HitPlace(reader.GetDateTime(column), reader.GetGuid(column + 1), reader.GetGuid(column + 2));
}
