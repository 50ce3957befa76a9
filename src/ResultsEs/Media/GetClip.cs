using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary><c>GET /api/v2/sessionResults/{sessionId}/clips/{clipUuid}</c>: the state of a clip's file, and its download URL.</summary>
public static class GetClip
{
    internal static readonly Operation Description = new("getClip", ApiTag.Media, "A clip's file")
    {
        Text = "The URL works for 15 minutes; it is there when the status is `GENERATED`.",
        Replies = [Reply.Ok<ClipFile>("The state of the file.")],
    };

    internal static readonly TimeSpan Validity = TimeSpan.FromMinutes(15);

    /// <summary>Sends the state, with a signed URL of a file that exists.</summary>
    [WolverineGet("/api/v2/sessionResults/{sessionId}/clips/{clipUuid}")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ObjectStore store, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (session, id) = (parameters.Id("sessionId"), parameters.Id("clipUuid"));
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (await SessionMediaQuery.ReadAsync(database, caller, session, cancellation) is not { } found
            || found.Media.Clips.FirstOrDefault(clip => clip.Id == id && clip.IsShown) is not { } clip)
            return Problems.NotFound();

        var (status, key) = Rendering.Of(clip.Cut!.Stamp, clip.Rendering);
        if (key is null)
            return JsonBody.Of(new ClipFile(id, status, ClipUrl: null), Json.Of<ClipFile>());

        return await store.SignAsync(caller.Account, found.Workspace, key, Validity) is { } signed
            ? JsonBody.Of(new ClipFile(id, status, signed.Url), Json.Of<ClipFile>())
            : ObjectStore.NotConfigured();
    }
}

/// <summary>A clip's file.</summary>
/// <param name="ClipUuid">The clip.</param>
/// <param name="Status">The state of the file.</param>
/// <param name="ClipUrl">The file's URL, valid for 15 minutes and without a token; absent unless it is generated.</param>
internal sealed record ClipFile(Guid ClipUuid, RenderingStatus Status, string? ClipUrl);
