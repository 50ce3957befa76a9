using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary><c>GET /api/v2/testResults/{testId}/highlightreels/{reelId}</c>: the state of a reel's file, and its download URL.</summary>
public static class GetHighlightReel
{
    internal static readonly Operation Description = new("getHighlightReel", ApiTag.Media, "A highlight reel's file")
    {
        Text = "The URL works for 15 minutes; it is there when the status is `GENERATED`.",
        Replies = [Reply.Ok<HighlightReelFile>("The state of the file.")],
    };

    // The primary key (tenant_id, id) finds the row, or the partial index of (tenant_id, stream_id).
    internal static readonly string Sql =
        $"""
        select r.data from {HighlightReelTable.Documents.QualifiedName} r
        where r.tenant_id = $1 and r.workspace_id = any($2) and r.test_id = $3
          and (r.id = $4 or (r.{DocumentTable.Stream} is not null and r.{DocumentTable.Stream} = $4))
        order by r.workspace_id limit 1
        """;

    /// <summary>Sends the state, with a signed URL of a file that exists.</summary>
    [WolverineGet("/api/v2/testResults/{testId}/highlightreels/{reelId}")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ObjectStore store, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (test, id) = (parameters.Id("testId"), parameters.Id("reelId"));
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        var found = await database.ReadAsync((source, stop) => ReadAsync(source, caller, test, id, stop), cancellation);
        if (found is not { IsShown: true } reel)
            return Problems.NotFound();

        var (status, key) = Rendering.Of(reel.Cut!.Stamp, reel.Rendering);
        if (key is null)
            return JsonBody.Of(new HighlightReelFile(id, status, ReelUrl: null), Json.Of<HighlightReelFile>());

        return await store.SignAsync(caller.Account, reel.WorkspaceId!.Value, key, GetClip.Validity) is { } signed
            ? JsonBody.Of(new HighlightReelFile(id, status, signed.Url), Json.Of<HighlightReelFile>())
            : ObjectStore.NotConfigured();
    }

    private static async Task<HighlightReel?> ReadAsync(
        NpgsqlDataSource source, Caller caller, Guid test, Guid id, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql, caller, test, id);
        var reels = await command.ReadAllAsync(reader => reader.GetFieldValue<byte[]>(0), cancellation);
        return reels.Select(reel => JsonSerializer.Deserialize(reel, Json.Of<HighlightReel>())).SingleOrDefault();
    }
}

/// <summary>A highlight reel's file.</summary>
/// <param name="ReelId">The reel.</param>
/// <param name="Status">The state of the file.</param>
/// <param name="ReelUrl">The file's URL, valid for 15 minutes and without a token; absent unless it is generated.</param>
internal sealed record HighlightReelFile(Guid ReelId, RenderingStatus Status, string? ReelUrl);
