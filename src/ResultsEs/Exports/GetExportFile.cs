using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary><c>GET /export-files/{exportId}/{fileId}</c>: a file of an export, by its signed address.</summary>
internal static class GetExportFile
{
    public static readonly Operation Description = new("getExportFile", ApiTag.Exports, "A file of an export")
    {
        Route = (HttpMethods.Get, "/export-files/{exportId}/{fileId}"),
        Text = "The address is in the answer of `getExport`, with its parameters. A download that broke off can go on by `Range`.",
        Query =
        [
            new("expires", "Until when the address works, in seconds since 1970.", """{ "type": "integer", "format": "int64" }""", true),
            new("signature", "The signature.", """{ "type": "string" }""", true),
        ],
        Replies =
        [
            .. ExportFormats.ContentTypes.SelectMany(type => (Reply[])
            [
                new(StatusCodes.Status200OK, "The file.", type),
                new(StatusCodes.Status206PartialContent, "The range of bytes that was asked for.", type),
            ]),
        ],
        Refusals = [StatusCodes.Status405MethodNotAllowed, StatusCodes.Status416RangeNotSatisfiable],
    };

    public static void Map(IEndpointRouteBuilder endpoints) => PublicEndpoint.Map(endpoints, Description, SendAsync);

    private static async Task SendAsync(HttpContext http) => await (await FindAsync(http)).ExecuteAsync(http);

    private static async Task<IResult> FindAsync(HttpContext http)
    {
        var parameters = new RequestParameters(http);
        var (export, file) = (parameters.Id("exportId"), parameters.Id("fileId"));
        var (expires, signature) = (parameters.Text("expires"), parameters.Text("signature"));
        if (parameters.AreRefused(out var problem))
            return problem;

        var services = http.RequestServices;
        // An address that is over, forged, or of a file that is not there any more: the answers do not differ.
        if (!long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out var until)
            || !services.GetRequiredService<FileSigner>().IsGood(export, file, until, signature ?? "")
            || await services.GetRequiredService<ExportStore>().FindFileAsync(export, file, http.RequestAborted) is not { } found)
            return Problems.NotFound();

        if (services.GetRequiredService<ClientShares>().Exports.TakeOrRefuse(http, found.Owner) is { } refusal)
            return refusal;

        // The framework takes a range of any unit for bytes. RFC 9110, 14.2: ignore a unit that is unknown.
        if (!http.Request.Headers.Range.ToString().StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            http.Request.Headers.Remove("Range");
        return TypedResults.Stream(
            found.Content, ExportFormats.ContentType(found.Format), found.Name, enableRangeProcessing: true);
    }
}
