using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary><c>POST /api/v3/exports</c>: has an export made in the background.</summary>
public static class CreateExport
{
    internal static readonly Operation Description = new("createExport", ApiTag.Exports, "Have tables exported in the background")
    {
        Text = "Of a test, of a workspace, or of all workspaces of the token. `Location` is where `getExport` says how far it is. "
            + "All that was stored before it began is in it; what is stored meanwhile may be. What is asked for stands in the query or, "
            + "under the same names, in a JSON body; each once.",
        Query =
        [
            new("testId", "Only sessions of this test. `wide-csv` needs it.", QueryParameter.Uuid),
            new("workspaceId", "Only sessions of this workspace.", QueryParameter.Uuid),
            ExportQuery.Format,
            new(
                "table",
                "The tables; repeat the parameter for several. Default: all. Not for `wide-csv`.",
                $$"""{ "type": "array", "items": {{QueryParameter.OneOf(Tables.Names)}} }"""),
            ExportQuery.Mark,
            ExportQuery.SinceCursor,
        ],
        Replies =
        [
            Reply.Json<ExportJob>(StatusCodes.Status202Accepted, "The export waits, or is being made.") with { Headers = ["Location"] },
        ],
        Refusals = [404, 413, 415],
    };

    /// <summary>Notes what is to be exported.</summary>
    [WolverinePost("/api/v3/exports")]
    [Audited(AuditKind.Export)]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Post(
        HttpContext http, TableExports exports, ExportStore store, CancellationToken cancellation)
    {
        if (await ExportBody.AddToQueryAsync(http.Request, cancellation) is { } refusal)
            return refusal;

        var (parameters, caller) = (new RequestParameters(http), Caller.From(http.User));
        var (test, workspace) = (parameters.UuidOrNull("testId"), parameters.UuidOrNull("workspaceId"));
        var scope = new ExportScope(caller.Account, workspace is { } one ? [one] : caller.Workspaces, test);
        var format = ExportFormats.Of(parameters.Word("format", ExportFormats.Names) ?? "csv");
        var tables = parameters.Words("table", Tables.Names);
        var withMark = parameters.Word("bom", ["true", "false"]) == "true";
        var since = ExportQuery.Since(parameters, scope);
        ExportQuery.RefuseMixture(parameters, format, hasTable: tables.Count > 0, since is not null, withMark);
        if (format == ExportFormat.WideCsv && test is null)
            parameters.Refuse("testId", "is required for wide-csv");
        if (parameters.AreRefused(out var problem))
            return problem;

        if ((workspace is { } wanted && !caller.Workspaces.Contains(wanted)) || !await exports.IsKnownAsync(scope, cancellation))
            return Problems.NotFound();

        var all = format == ExportFormat.WideCsv ? [TableSet.Wide] : tables.Count > 0 ? tables : Tables.Names;
        // With since, what went is always told.
        if (since is not null && !all.Contains(Tables.Changes.Name, StringComparer.Ordinal))
            all = [.. all, Tables.Changes.Name];
        var ask = new ExportAsk(scope, all, format, withMark, parameters.Text("since"));
        if (await store.AddAsync(caller.ClientId, ask, cancellation) is not { } id)
        {
            http.Response.Headers.RetryAfter = "60";
            return Problems.Of(
                StatusCodes.Status429TooManyRequests,
                "The account has as many exports under way as it may, or their files take all the room they may. Ask again later.",
                type: Problems.QuotaExceeded);
        }

        http.Response.Headers.Location = $"/api/v3/exports/{id}";
        var job = (await store.FindAsync(caller, id, cancellation))!;
        return JsonBody.Of(job, Json.Of<ExportJob>(), StatusCodes.Status202Accepted);
    }
}
