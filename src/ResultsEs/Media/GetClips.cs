using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary><c>GET /api/v2/sessionResults/{sessionId}/clips</c>: the clips of a session's recording.</summary>
public static class GetClips
{
    internal static readonly Operation Description = new("listClips", ApiTag.Media, "The clips of a session's recording")
    {
        Text = "In the order of the recording; at most 1,000. 404 where there is no recording, whatever clips there are.",
        Replies = [Reply.Ok<ClipsOfSession>("The clips.")],
    };

    /// <summary>Sends the clips in the order of the recording.</summary>
    [WolverineGet("/api/v2/sessionResults/{sessionId}/clips")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var session = parameters.Id("sessionId");
        if (parameters.AreRefused(out var problem))
            return problem;

        // Without a recording there is nothing to cut. Clients tell a session without one by that.
        var caller = Caller.From(http.User);
        return await SessionMediaQuery.ReadAsync(database, caller, session, cancellation) is { Media.Video: not null } found
            ? JsonBody.Of(ClipsOfSession.Of(found.Test, found.Media), Json.Shown<ClipsOfSession>())
            : Problems.NotFound();
    }
}

/// <summary>The clips of a session's recording.</summary>
/// <param name="StudyUuid">The session's test.</param>
/// <param name="Clips">The clips in the order of the recording.</param>
/// <param name="VideoRegions">The places of screen and camera in the picture; absent when the picture shows only one of them.</param>
internal sealed record ClipsOfSession(Guid StudyUuid, IReadOnlyList<ClipOfSession> Clips, VideoRegions? VideoRegions)
{
    public static ClipsOfSession Of(Guid test, SessionMedia media) =>
        new(test, [.. media.Shown().Select(ClipOfSession.Of)], media.Video?.Regions);
}

/// <summary>A clip.</summary>
/// <param name="Uuid">The clip.</param>
/// <param name="Name">The clip's name.</param>
/// <param name="Description">A description in its author's words.</param>
/// <param name="TimeStartMs">Begin, milliseconds since the session's start.</param>
/// <param name="TimeEndMs">End, milliseconds since the session's start.</param>
/// <param name="VideoUuid">The recording it is cut from.</param>
/// <param name="HasAudio">Whether it has sound.</param>
/// <param name="HasCamera">Whether it has the participant's camera.</param>
/// <param name="Layout">The layout of screen and camera; absent when there is only one of them.</param>
internal sealed record ClipOfSession(
    Guid Uuid, string Name, string? Description, long TimeStartMs, long TimeEndMs, Guid VideoUuid, bool HasAudio, bool HasCamera,
    ClipLayout? Layout)
{
    public static ClipOfSession Of(Clip clip)
    {
        var cut = clip.Cut!;
        return new(
            clip.Id, cut.Name, cut.Description, cut.TimeStartMs, cut.TimeEndMs, cut.VideoId, cut.HasAudio, cut.HasCamera, cut.Layout);
    }
}
