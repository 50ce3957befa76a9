using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary>
/// The response of an export: it reads the next page while it writes one. While it waits for the client it holds two pages
/// and no database connection. A client that takes nothing for a while is cut off.
/// A session that fails by its own fault is a line that says so. Any other failure after the start aborts the response, because a
/// regular end would say that it is complete.
/// </summary>
internal sealed partial class SessionExport(SessionPages pages, SessionPage first, TimeSpan idle, ILogger<SessionExport> logger) : IResult
{
    public const string ContentType = "application/x-ndjson";

    /// <summary>The header with the time, by the database's clock, before which the export shows all changes.</summary>
    public const string AsOfHeader = "x-as-of";

    private const int WriteBytes = 32 * 1024;

    private long _sent;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = ContentType;
        httpContext.Response.Headers[AsOfHeader] = MillisecondsUtcConverter.Text(first.AsOf);
        // The response starts even when there is no line.
        await httpContext.Response.StartAsync(httpContext.RequestAborted);
        if (HeadRequests.IsOne(httpContext))
            return;

        await StreamedResponse.WriteAsync(
            httpContext, idle, patience => WriteAsync(httpContext, patience),
            failure =>
            {
                if (failure is null)
                    CutOff(logger, pages.Test, _sent, idle.TotalSeconds);
                else
                    BrokeOff(logger, pages.Test, _sent, failure);
            });
    }

    private async Task WriteAsync(HttpContext http, Patience patience)
    {
        for (var page = first; page is not null;)
        {
            var reading = pages.AfterAsync(page, http.RequestAborted);
            await Task.WhenAll(WriteAsync(page, http.Response.BodyWriter, patience), reading);
            page = await reading;
        }
    }

    private async Task WriteAsync(SessionPage page, PipeWriter body, Patience patience)
    {
        var at = 0;
        foreach (var (end, session) in page.Lagging)
        {
            await WriteAsync(page.Lines[at..end], body, patience);
            at = end;
            if (await LineAsync(session, patience.Token) is { } line)
                await WriteAsync(line, body, patience);
        }

        await WriteAsync(page.Lines[at..], body, patience);
        page.Return();
    }

    private async Task<byte[]?> LineAsync(Guid session, CancellationToken cancellation)
    {
        try
        {
            return await pages.CaughtUpAsync(session, cancellation);
        }
        catch (Exception e) when (TakenApart.IsItemsOwn(e))
        {
            NotGiven(logger, session, pages.Test, e);
            return ExportLine.OfProblem(session, ExportLine.ReasonOf(e));
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> lines, PipeWriter body, Patience patience)
    {
        while (lines.Length > 0)
        {
            var part = lines[..Math.Min(lines.Length, WriteBytes)];
            await patience.WriteAsync(body, part);
            _sent += part.Span.Count(ExportLine.End);
            lines = lines[part.Length..];
        }
    }

    [LoggerMessage(3101, LogLevel.Error, "Session {Session} is a problem in an export of test {Test}, because its result cannot be made")]
    private static partial void NotGiven(ILogger logger, Guid session, Guid test, Exception exception);

    [LoggerMessage(1501, LogLevel.Error, "The export of test {Test} broke off after {Sessions} sessions")]
    private static partial void BrokeOff(ILogger logger, Guid test, long sessions, Exception exception);

    [LoggerMessage(
        3501, LogLevel.Information,
        "The export of test {Test} was cut off after {Sessions} sessions: its client took nothing for {Seconds} s")]
    private static partial void CutOff(ILogger logger, Guid test, long sessions, double seconds);
}
