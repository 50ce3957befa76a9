using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Sessions;

/// <summary><c>GET /api/v3/sessionResults/{sessionId}</c>: session details, v3; as they are, or as they were.</summary>
public static class GetSessionResultV3
{
    internal static readonly Operation Description = new("getSessionResultV3", ApiTag.Sessions, "A session's details, v3")
    {
        Text = "A session is served once its start is stored, with what is known so far. Tasks are in the test plan's order. "
            + "With `version` or `asOf` it is served as it was. What was erased since is not in it.",
        Query = HistoryPlace.Query,
        Replies =
        [
            Reply.Ok<SessionBody>("The session.") with { Headers = [SessionHistory.VersionHeader] },
        ],
    };

    internal static readonly DocumentQuery Query = new(SessionResultTable.Documents, "d.data -> 'body'");

    /// <summary>Sends the stored body unchanged, or one of before.</summary>
    [WolverineGet("/api/v3/sessionResults/{sessionId}")]
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
        if (at is not null)
            return await SessionHistory.ReadAsync(http, database, shares, session, at, cancellation);

        var body = await SessionResultQuery.ReadAsync(database, Query, Caller.From(http.User), session, cancellation);
        return body is null ? Problems.NotFound() : new JsonBody(body);
    }
}
