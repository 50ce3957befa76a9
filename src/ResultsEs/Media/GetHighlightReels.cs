using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

[assembly: JsonContext<ResultsEs.Media.MediaJson>]

namespace ResultsEs.Media;

/// <summary><c>GET /api/v2/testResults/{testId}/highlightreels</c>: the highlight reels of a test.</summary>
public static class GetHighlightReels
{
    internal static readonly Operation Description = new("listHighlightReels", ApiTag.Media, "The highlight reels of a test")
    {
        Text = "The reel that changed last is the first. All of them where there are no more than 500; `meta` is there when there are "
            + "more, or when a page was asked for.",
        Query = Paging.QueryOf(Paging.MaxLimit),
        Replies = [Reply.Ok<HighlightReelsOfTest>("The reels.")],
    };

    // One more than a reel can hold.
    private const int MostClips = SessionMedia.MaxClips + 1;

    // HighlightReel.IsShown decides. This lets pass a little more: deletions of the same moment, or by a clock that was ahead.
    private const string IsListed =
        """
        (r.data #>> '{deleted,at}' is null or r.published_at >= (r.data #>> '{deleted,at}')::timestamptz
          or r.data #>> '{deleted,isAhead}' is not null)
        """;

    /// <summary>Sends the reels, the latest change first.</summary>
    [WolverineGet("/api/v2/testResults/{testId}/highlightreels")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var test = parameters.Id("testId");
        var paging = Paging.Read(parameters, ListOf(test), Paging.MaxLimit);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var isPageAsked = parameters.Text("limit") is not null || paging is not { Offset: 0, After: null };
        var found = await database.ReadAsync((source, stop) => ReadAsync(source, caller, test, paging, isPageAsked, stop), cancellation);
        return found is null ? Problems.NotFound() : JsonBody.Of(found, Json.Of<HighlightReelsOfTest>());
    }

    /// <summary>
    /// Builds the statement of a page, which has a row in any case, with whether the test is known and its clips. It walks
    /// ix_highlight_reel_published once per workspace, ix_session_result_2_list (the test is known) and ix_test_sessions_clips.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Caller caller, Guid test, Paging paging)
    {
        var (tenant, workspaces, id) = (command.Add(Tenant.Of(caller.Account)), command.Add(caller.Workspaces), command.Add(test));
        var ofTest =
            $"""
            r.tenant_id = {tenant} and r.workspace_id = w.id and r.test_id = {id} and r.published_at is not null and {IsListed}
            """;
        var seek = "";
        if (paging.After is { } after)
        {
            var (moment, last) = (command.Add(new DateTimeOffset(after.Key, TimeSpan.Zero)), command.Add(after.Id));
            seek = $" and r.published_at <= {moment} and (r.published_at < {moment} or r.id > {last})";
        }

        var count = paging.After is { } cursor
            ? command.Add(cursor.TotalCount)
            : $"(select count(*) from unnest({workspaces}::uuid[]) w(id) join {HighlightReelTable.Documents.QualifiedName} r on {ofTest})";
        command.CommandText =
            $"""
            with part as materialized (
              select p.id, p.published_at
              from unnest({workspaces}::uuid[]) w(id)
              cross join lateral (
                select r.id, r.published_at from {HighlightReelTable.Documents.QualifiedName} r
                where {ofTest}{seek}
                order by r.published_at desc, r.id limit {command.Add(paging.Offset + paging.Limit + 1)}
              ) p
              order by p.published_at desc, p.id offset {command.Add(paging.Offset)} limit {command.Add(paging.Limit + 1)}
            )
            select
              c.known, c.clips, c.reels, p.published_at, p.id, r.data
            from (
              select
                exists (
                  select 1 from unnest({workspaces}::uuid[]) w(id)
                  cross join lateral ({TestExists.Sql(tenant, "w.id", id)}) one) as known,
                array(select unnest(s.clips) from results.test_sessions s
                      where s.tenant_id = {tenant} and s.workspace_id = any({workspaces}) and s.test_id = {id} and s.clips <> '{"{}"}'
                      limit {MostClips}) as clips,
                ({count})::bigint as reels
            ) c
            left join part p on true
            left join lateral (
              select x.data from {HighlightReelTable.Documents.QualifiedName} x
              where x.tenant_id = {tenant} and x.id = p.id offset 0) r on true
            order by p.published_at desc, p.id
            """;
    }

    private static string ListOf(Guid test) => $"highlightreels {test}";

    private static async Task<HighlightReelsOfTest?> ReadAsync(
        NpgsqlDataSource source, Caller caller, Guid test, Paging paging, bool isPageAsked, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller, test, paging);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (isKnown, clips, count, rows) = (false, Array.Empty<Guid>(), 0L, 0);
        var reels = new List<HighlightReelOfTest>();
        Cursor? last = null;
        // One reel at a time is in memory, because each may name 1,000 clips.
        while (await reader.ReadAsync(cancellation))
        {
            if (rows++ == 0)
                (isKnown, clips, count) = (reader.GetBoolean(0), reader.GetFieldValue<Guid[]>(1), reader.GetInt64(2));
            if (reader.IsDBNull(3) || rows > paging.Limit)
                continue;

            var reel = JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(5), Json.Of<HighlightReel>())!;
            last = new Cursor(reader.GetFieldValue<DateTimeOffset>(3).UtcTicks, reader.GetGuid(4), default, count);
            if (reel.IsShown)
                reels.Add(HighlightReelOfTest.Of(reel, clips));
        }

        if (!isKnown && count == 0)
            return null;

        var next = rows > paging.Limit ? last!.Value.Write(ListOf(test)) : null;
        var meta = isPageAsked || next is not null ? ListMeta.Of(paging, count, next) : null;
        return new HighlightReelsOfTest(reels, clips.Length > 0, meta);
    }
}

/// <summary>The highlight reels of a test, or a page of them.</summary>
/// <param name="Reels">The reels; the one that changed last is the first.</param>
/// <param name="StudyWithClips">Whether any session of the test has a clip.</param>
/// <param name="Meta">Which part of the list this is; absent when it is all of it and no page was asked for.</param>
internal sealed record HighlightReelsOfTest(IReadOnlyList<HighlightReelOfTest> Reels, bool StudyWithClips, ListMeta? Meta);

/// <summary>A highlight reel.</summary>
/// <param name="Uuid">The reel.</param>
/// <param name="Name">The reel's name.</param>
/// <param name="DurationMs">The reel's duration in milliseconds.</param>
/// <param name="LastUpdatedAtMs">The time of its last publication, milliseconds since 1970-01-01T00:00Z.</param>
/// <param name="NumClips">The number of clips in it.</param>
/// <param name="AreAllClipsInReel">
/// Whether every clip of the test's sessions is in it: false for a test with more clips than a reel can have.
/// </param>
internal sealed record HighlightReelOfTest(
    Guid Uuid, string Name, long DurationMs, long LastUpdatedAtMs, int NumClips, bool AreAllClipsInReel)
{
    public static HighlightReelOfTest Of(HighlightReel reel, IReadOnlyCollection<Guid> clips)
    {
        var cut = reel.Cut!;
        var areAllIn = clips.Count is > 0 and <= SessionMedia.MaxClips && clips.All(cut.ClipIds.ToHashSet().Contains);
        return new(reel.Id, cut.Name, cut.DurationMs, cut.Stamp.At.ToUnixTimeMilliseconds(), cut.ClipIds.Count, areAllIn);
    }
}

[JsonSerializable(typeof(SessionMedia))]
[JsonSerializable(typeof(HighlightReel))]
[JsonSerializable(typeof(VideoDownloadUrl))]
[JsonSerializable(typeof(ClipsOfSession))]
[JsonSerializable(typeof(ClipFile))]
[JsonSerializable(typeof(HighlightReelsOfTest))]
[JsonSerializable(typeof(HighlightReelFile))]
internal sealed partial class MediaJson : JsonSerializerContext;
