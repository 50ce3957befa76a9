using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Sessions;

/// <summary><c>GET /api/v2/sessionResults/{sessionId}/transcript</c>: the session's transcript as WebVTT.</summary>
public static class GetTranscript
{
    internal static readonly Operation Description = new("getTranscript", ApiTag.Sessions, "A session's transcript as WebVTT")
    {
        Text = "Speakers are voices (`<v Moderator>`). 404 when there is no transcript. "
            + "With `version` or `asOf` it is the one that the session had.",
        Query = HistoryPlace.Query,
        Replies =
        [
            new(StatusCodes.Status200OK, "The transcript.", "text/vtt") { Headers = [SessionHistory.VersionHeader] },
            new(StatusCodes.Status206PartialContent, "The range of bytes that was asked for.", "text/vtt"),
        ],
        Refusals = [416],
    };

    // The unique index ux_events_tenant_id finds the event that the document names.
    internal static readonly DocumentQuery Query = new(
        SessionResultTable.Documents, "e.data", DocumentQuery.JoinEvent("(d.data -> 'fold' -> 'transcribed' ->> 'by')::uuid"));

    /// <summary>Sends the transcript, or the requested range of its bytes.</summary>
    [WolverineGet("/api/v2/sessionResults/{sessionId}/transcript")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(
        HttpContext http, ReadDatabase database, ClientShares shares, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var session = parameters.Id("sessionId");
        var at = HistoryPlace.Read(parameters);
        if (parameters.AreRefused(out var problem))
            return problem;

        var (transcript, refusal) = await ReadAsync(http, database, shares, session, at, cancellation);
        if (transcript is null)
            return refusal!;

        // The framework takes a range of any unit for bytes. RFC 9110, 14.2: ignore a unit that is unknown.
        if (!http.Request.Headers.Range.ToString().StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            http.Request.Headers.Remove("Range");
        var file = Encoding.UTF8.GetBytes(WebVtt.Write(transcript.Cues));
        await TypedResults.Bytes(file, "text/vtt; charset=utf-8", enableRangeProcessing: true).ExecuteAsync(http);
        // A refused range has no body yet, so a problem can still be written.
        if (http.Response.StatusCode == StatusCodes.Status416RangeNotSatisfiable)
            (http.Response.ContentType, http.Response.ContentLength) = (null, null);
        return TypedResults.Empty;
    }

    /// <summary>Reads the transcript, as it is or was, or makes the answer where there is none for the caller.</summary>
    internal static async Task<(SessionTranscribed? Transcript, IResult? Refusal)> ReadAsync(
        HttpContext http, ReadDatabase database, ClientShares shares, Guid session, HistoryPlace? at, CancellationToken cancellation)
    {
        if (at is not null)
        {
            var (was, refusal) = await SessionHistory.TranscriptAsync(http, database, shares, session, at, cancellation);
            return (was, was is null ? refusal ?? Problems.NotFound() : null);
        }

        return await SessionResultQuery.ReadAsync(database, Query, Caller.From(http.User), session, cancellation) is { } json
            ? (JsonSerializer.Deserialize(json, Json.Of<SessionTranscribed>()), null)
            : (null, Problems.NotFound());
    }
}
