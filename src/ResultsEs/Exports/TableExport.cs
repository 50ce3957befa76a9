using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary>
/// The response of an export of one table. While it waits for the client it holds a batch and what that becomes, and nothing of the
/// database. A client that takes nothing for a while is cut off, and any failure after the start aborts the response: a regular end would
/// say that it is complete.
/// </summary>
internal sealed partial class TableExport(
    TableExports exports, ExportScope scope, ExportRange range, TableSchema schema, WidePlan? plan, ExportFormat format, bool withMark,
    TimeSpan idle, ILogger<TableExport> logger) : IResult
{
    private const int WriteBytes = 32 * 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = ExportFormats.ContentType(format);
        response.Headers[ExportQuery.CursorHeader] = range.CursorOf(scope);
        response.Headers.ContentDisposition = $"attachment; filename=\"{schema.Name}-{scope.TestId}.{ExportFormats.Extension(format)}\"";
        await response.StartAsync(httpContext.RequestAborted);
        if (HeadRequests.IsOne(httpContext))
            return;

        await StreamedResponse.WriteAsync(
            httpContext, idle, patience => WriteAsync(response.BodyWriter, patience),
            failure =>
            {
                if (failure is null)
                    CutOff(logger, schema.Name, scope.TestId, idle.TotalSeconds);
                else
                    BrokeOff(logger, schema.Name, scope.TestId, failure);
            });
    }

    private async Task WriteAsync(PipeWriter body, Patience patience)
    {
        var file = await TableFile.CreateAsync(
            schema.Name, schema.Columns, format, withMark, (bytes, _) => SendAsync(body, bytes, patience), patience.Token);
        await using var tables = new TableSet([file], plan);
        await foreach (var _ in exports.WalkAsync(scope, range, default, tables, patience.Token))
        {
            // Each page is written as it comes.
        }

        await tables.EndAsync(patience.Token);
    }

    private static async ValueTask SendAsync(PipeWriter body, ReadOnlyMemory<byte> bytes, Patience patience)
    {
        for (; bytes.Length > 0; bytes = bytes[Math.Min(bytes.Length, WriteBytes)..])
            await patience.WriteAsync(body, bytes[..Math.Min(bytes.Length, WriteBytes)]);
    }

    [LoggerMessage(4502, LogLevel.Error, "The export of {Table} of test {Test} broke off")]
    private static partial void BrokeOff(ILogger logger, string table, Guid? test, Exception exception);

    [LoggerMessage(
        4503, LogLevel.Information, "The export of {Table} of test {Test} was cut off: its client took nothing for {Seconds} s")]
    private static partial void CutOff(ILogger logger, string table, Guid? test, double seconds);
}
