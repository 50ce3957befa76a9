using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary><c>GET /api/v3/exports/{exportId}</c>: how far an export is, and its files.</summary>
public static class GetExport
{
    internal static readonly Operation Description = new("getExport", ApiTag.Exports, "An export's progress and files")
    {
        Text = "An export of any client of the account, for who has all of its workspaces. Once it is done this is its manifest: every "
            + "file with its rows and its SHA-256, and the cursor up to which it has everything. Addresses of files work for 15 minutes; "
            + "ask again for new ones.",
        Replies = [Reply.Ok<ExportJob>("The export.")],
    };

    /// <summary>Sends the record of the export.</summary>
    [WolverineGet("/api/v3/exports/{exportId}")]
    [Audited(AuditKind.Export, "exportId")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ExportStore store, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var id = parameters.Id("exportId");
        if (parameters.AreRefused(out var problem))
            return problem;

        return await store.FindAsync(Caller.From(http.User), id, cancellation) is { } job
            ? JsonBody.Of(job, Json.Of<ExportJob>())
            : Problems.NotFound();
    }
}
