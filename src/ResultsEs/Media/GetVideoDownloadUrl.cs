using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Media;

/// <summary><c>GET /api/v2/sessionResults/{sessionId}/videoDownloadUrl</c>: a URL that downloads the session's recording.</summary>
public static class GetVideoDownloadUrl
{
    internal static readonly Operation Description = new("getVideoDownloadUrl", ApiTag.Media, "A URL that downloads a session's recording")
    {
        Text = "The URL works for one hour. 404 when there is no recording.",
        Replies = [Reply.Ok<VideoDownloadUrl>("The URL.")],
    };

    internal static readonly TimeSpan Validity = TimeSpan.FromHours(1);

    /// <summary>Sends a signed URL.</summary>
    [WolverineGet("/api/v2/sessionResults/{sessionId}/videoDownloadUrl")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ObjectStore store, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var session = parameters.Id("sessionId");
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        // The recording of an erased session is gone.
        if (await SessionMediaQuery.ReadAsync(database, caller, session, cancellation)
            is not { Media.Video: { ObjectKey: not Masking.Text } video } found)
            return Problems.NotFound();

        return await store.SignAsync(caller.Account, found.Workspace, video.ObjectKey, Validity) is { } signed
            ? JsonBody.Of(new VideoDownloadUrl(signed.Url, session, signed.ExpiresAt), Json.Of<VideoDownloadUrl>())
            : ObjectStore.NotConfigured();
    }
}

/// <summary>A URL that downloads a session's recording.</summary>
/// <param name="VideoUrl">The URL, valid for one hour and without a token.</param>
/// <param name="SessionId">The session.</param>
/// <param name="ExpiresAt">The end of the URL's validity.</param>
internal sealed record VideoDownloadUrl(
    string VideoUrl, Guid SessionId, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset ExpiresAt);
