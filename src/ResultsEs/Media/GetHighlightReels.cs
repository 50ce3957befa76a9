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
        Text = "The reel that changed last is the first.",
        Replies = [Reply.Ok<HighlightReelsOfTest>("The reels.")],
    };

    // By ix_session_result_2_list (the test is known), ix_highlight_reel_test (reels) and ix_test_sessions_clips (clips).
    internal static readonly string Sql =
        $$"""
        select
          exists (
            select 1 from unnest($2::uuid[]) w(id)
            cross join lateral ({{TestExists.Sql("$1", "w.id", "$3")}}) one),
          array(select r.data from {{HighlightReelTable.Documents.QualifiedName}} r
                where r.tenant_id = $1 and r.workspace_id = any($2) and r.test_id = $3),
          array(select unnest(s.clips) from results.test_sessions s
                where s.tenant_id = $1 and s.workspace_id = any($2) and s.test_id = $3 and s.clips <> '{}')
        """;

    /// <summary>Sends the reels, the latest change first.</summary>
    [WolverineGet("/api/v2/testResults/{testId}/highlightreels")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation) =>
        OneTest.SendAsync(http, "testId", database, ReadAsync, cancellation);

    private static async Task<HighlightReelsOfTest?> ReadAsync(
        NpgsqlDataSource source, Caller caller, Guid test, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql, caller, test);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var reels = reader.GetFieldValue<string[]>(1)
            .Select(json => JsonSerializer.Deserialize(json, Json.Of<HighlightReel>())!)
            .Where(reel => reel.IsShown).ToList();
        return reader.GetBoolean(0) || reels.Count > 0 ? HighlightReelsOfTest.Of(reels, reader.GetFieldValue<Guid[]>(2)) : null;
    }
}

/// <summary>The highlight reels of a test.</summary>
/// <param name="Reels">The reels; the one that changed last is the first.</param>
/// <param name="StudyWithClips">Whether any session of the test has a clip.</param>
internal sealed record HighlightReelsOfTest(IReadOnlyList<HighlightReelOfTest> Reels, bool StudyWithClips)
{
    public static HighlightReelsOfTest Of(IReadOnlyList<HighlightReel> reels, IReadOnlyCollection<Guid> clips)
    {
        var ordered = reels.OrderByDescending(reel => reel.Cut!.Stamp.At).ThenBy(reel => reel.Id);
        return new([.. ordered.Select(reel => HighlightReelOfTest.Of(reel, clips))], clips.Count > 0);
    }
}

/// <summary>A highlight reel.</summary>
/// <param name="Uuid">The reel.</param>
/// <param name="Name">The reel's name.</param>
/// <param name="DurationMs">The reel's duration in milliseconds.</param>
/// <param name="LastUpdatedAtMs">The time of its last publication, milliseconds since 1970-01-01T00:00Z.</param>
/// <param name="NumClips">The number of clips in it.</param>
/// <param name="AreAllClipsInReel">Whether every clip of the test's sessions is in it.</param>
internal sealed record HighlightReelOfTest(
    Guid Uuid, string Name, long DurationMs, long LastUpdatedAtMs, int NumClips, bool AreAllClipsInReel)
{
    public static HighlightReelOfTest Of(HighlightReel reel, IReadOnlyCollection<Guid> clips)
    {
        var cut = reel.Cut!;
        var areAllIn = clips.Count > 0 && clips.All(cut.ClipIds.ToHashSet().Contains);
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
