using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Sessions;

/// <summary><c>GET /api/v2/sessionResults/{sessionId}</c>: session details, v2.</summary>
public static class GetSessionResultV2
{
    internal static readonly Operation Description = new("getSessionResultV2", ApiTag.Sessions, "A session's details, v2")
    {
        Text = "The same session as in v3, in v2's words.",
        Replies = [Reply.Ok<SessionResultV2>("The session.")],
    };

    // The whole document: v2 also shows parts of the fold's state.
    internal static readonly DocumentQuery Query = new(SessionResultTable.Documents, "d.data");

    /// <summary>Sends the stored document, rendered as v2.</summary>
    [WolverineGet("/api/v2/sessionResults/{sessionId}")]
    [Audited(AuditKind.Read, "sessionId")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var session = parameters.Id("sessionId");
        if (parameters.AreRefused(out var problem))
            return problem;

        return await SessionResultQuery.ReadAsync(database, Query, Caller.From(http.User), session, cancellation) is { } document
            ? new JsonBody(SessionResultV2.Render(document))
            : Problems.NotFound();
    }
}
