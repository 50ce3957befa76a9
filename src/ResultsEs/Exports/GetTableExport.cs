using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary><c>GET /api/v3/testResults/{testId}/export</c>: a table of a test's sessions.</summary>
public static class GetTableExport
{
    internal static readonly Operation Description = new("exportTable", ApiTag.Exports, "A table of a test's sessions")
    {
        Text = "The test's sessions, whatever their status, as rows of one table: in CSV, Parquet or NDJSON, or in CSV with a row a "
            + "session and a column a task or option (`wide-csv`). All that was stored before is in it; what is stored meanwhile may be. "
            + "The header `x-cursor` is what `since` of the next export takes. A response whose connection breaks off is not complete.",
        Query = [ExportQuery.Format, ExportQuery.Table, ExportQuery.Mark, ExportQuery.SinceCursor],
        Replies =
        [
            .. ExportFormats.ContentTypes.Select(type => new Reply(StatusCodes.Status200OK, "The rows.", type)
            {
                Headers = [ExportQuery.CursorHeader],
            }),
        ],
        Refusals = [StatusCodes.Status410Gone, StatusCodes.Status422UnprocessableEntity],
    };

    /// <summary>Sends the table.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/export")]
    [Audited(AuditKind.Export, "testId")]
    [Authorize(Scopes.StudiesRead)]
    [LongRequest]
    [Compressed]
    public static async Task<IResult> Get(
        HttpContext http, TableExports exports, ClientShares shares, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var (parameters, caller) = (new RequestParameters(http), Caller.From(http.User));
        var scope = new ExportScope(caller.Account, caller.Workspaces, parameters.Id("testId"));
        var format = ExportFormats.Of(parameters.Word("format", ExportFormats.Names) ?? "csv");
        var table = parameters.Word("table", Tables.Names);
        var withMark = parameters.Word("bom", ["true", "false"]) == "true";
        var since = ExportQuery.Since(parameters, scope);
        ExportQuery.RefuseMixture(parameters, format, table is not null, since is not null, withMark);
        if (parameters.AreRefused(out var problem))
            return problem;

        if (shares.Exports.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;
        if (!await exports.IsKnownAsync(scope, cancellation))
            return Problems.NotFound();

        try
        {
            var range = await exports.BeginAsync(scope, since, cancellation);
            var plan = format == ExportFormat.WideCsv ? await exports.PlanAsync(scope, cancellation) : null;
            var schema = plan is null ? Tables.Of(table ?? Tables.Answers.Name) : new TableSchema(TableSet.Wide, plan.Columns);
            return new TableExport(
                exports, scope, range, schema, plan, format, withMark, shares.ExportIdle, loggers.CreateLogger<TableExport>());
        }
        catch (Exception e) when (ExportQuery.RefusalOf(http, e) is { } told)
        {
            return told;
        }
    }
}
