using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v3/testResults/{testId}/sessionResults</c>: the details of a test's sessions, a line each.</summary>
public static class ExportSessionResults
{
    internal static readonly Operation Description = new(
        "exportSessionResultsV3", ApiTag.Sessions, "The details of all of a test's sessions, a line each")
    {
        Text = "Each line is a response of `GET /api/v3/sessionResults/{sessionId}`, with `updatedTime`: when something of the session "
            + "was last stored. Sessions and their order are those of "
            + "`GET /api/v2/sessionResults` with the same parameters, in one response without pages. "
            + "A session whose result cannot be given is a line with `sessionId` and `problem` (`title`, `status`, `detail`), which no "
            + "other line has. A response whose connection breaks off is not complete.",
        Query = SessionFilter.Query,
        Replies =
        [
            new(StatusCodes.Status200OK, "The sessions, in UTF-8; empty where the test has none of these.", SessionExport.ContentType)
            {
                Headers = [SessionExport.AsOfHeader],
            },
        ],
    };

    /// <summary>Sends the sessions, one JSON object a line.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/sessionResults")]
    [Audited(AuditKind.Export, "testId")]
    [Authorize(Scopes.StudiesRead)]
    [LongRequest]
    [Compressed]
    public static async Task<IResult> Get(
        HttpContext http, ReadDatabase database, ClientShares shares, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var filter = SessionFilter.Read(parameters, parameters.Id("testId"));
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        if (shares.Exports.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        // The first page is read before anything is sent, so a failure here is still answered as a problem.
        var pages = new SessionPages(database, caller, filter);
        return await pages.FirstAsync(cancellation) is { } first
            ? new SessionExport(pages, first, shares.ExportIdle, loggers.CreateLogger<SessionExport>())
            : Problems.NotFound();
    }
}
