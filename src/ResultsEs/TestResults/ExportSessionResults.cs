using System.Buffers;
using System.Data;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Authorization;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;
using Wolverine.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /api/v3/testResults/{testId}/sessionResults</c>: the details of a test's sessions, a line each.</summary>
public static class ExportSessionResults
{
    internal static readonly Operation Description = new("exportSessionResultsV3", ApiTag.Sessions, "The details of all of a test's sessions, a line each")
    {
        Text = "Each line is what `GET /api/v3/sessionResults/{sessionId}` answers. Sessions and their order are those of `GET /api/v2/sessionResults` with the same parameters; there are no parts. An answer that is complete ends as HTTP says; one that breaks off is not complete.",
        Query = SessionFilter.Query,
        Replies = [new(StatusCodes.Status200OK, "The sessions, in UTF-8; empty where the test has none of these.", SessionExport.ContentType)],
    };

    /// <summary>Sends the lines.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/sessionResults")]
    [Authorize(Scopes.StudiesRead)]
    public static async Task<IResult> Get(HttpContext http, ReadDatabase database, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var filter = SessionFilter.Read(parameters, parameters.Id("testId"));
        if (parameters.AreRefused(out var problem))
            return problem;

        // The first page is read before anything is sent, so that what fails here is still answered as everywhere.
        var pages = new SessionPages(database, Caller.From(http.User), filter);
        return await pages.FirstAsync(cancellation) is { } first ? new SessionExport(pages, first, loggers.CreateLogger<SessionExport>()) : Problems.NotFound();
    }
}

/// <summary>
/// The answer: while a page is written, the one after it is read. It holds two pages and no connection to the database while it waits for its client; one that stops reading is
/// cut off by the web server (Kestrel's MinResponseDataRate). Once it has begun, what fails breaks it off: an end would say that it is complete.
/// </summary>
internal sealed partial class SessionExport(SessionPages pages, SessionPage first, ILogger<SessionExport> logger) : IResult
{
    public const string ContentType = "application/x-ndjson";

    // Kestrel gives a client a second for each 240 bytes that it is handed.
    private const int WriteBytes = 32 * 1024;

    private long _sent;

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = ContentType;
        // Where there is no line it begins as well.
        await httpContext.Response.StartAsync(httpContext.RequestAborted);
        if (HeadRequests.IsOne(httpContext))
            return;

        try
        {
            for (var page = first; page is not null;)
            {
                var reading = pages.AfterAsync(page, httpContext.RequestAborted);
                await Task.WhenAll(WriteAsync(page, httpContext.Response.BodyWriter, httpContext.RequestAborted), reading);
                page = await reading;
            }
        }
        catch (Exception e)
        {
            if (!httpContext.RequestAborted.IsCancellationRequested)
                BrokeOff(logger, pages.Test, _sent, e);
            httpContext.Abort();
        }
    }

    private async Task WriteAsync(SessionPage page, PipeWriter body, CancellationToken cancellation)
    {
        var at = 0;
        foreach (var (end, session) in page.Behind)
        {
            await WriteAsync(page.Lines[at..end], body, cancellation);
            at = end;
            if (await pages.FoldedAsync(session, cancellation) is { } line)
                await WriteAsync((byte[])[.. line, SessionPages.EndOfLine], body, cancellation);
        }

        await WriteAsync(page.Lines[at..], body, cancellation);
        page.Return();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> lines, PipeWriter body, CancellationToken cancellation)
    {
        while (lines.Length > 0)
        {
            var part = lines[..Math.Min(lines.Length, WriteBytes)];
            await body.WriteAsync(part, cancellation);
            _sent += part.Span.Count(SessionPages.EndOfLine);
            lines = lines[part.Length..];
        }
    }

    [LoggerMessage(1501, LogLevel.Error, "The export of test {Test} broke off after {Sessions} sessions")]
    private static partial void BrokeOff(ILogger logger, Guid test, long sessions, Exception exception);
}

/// <summary>Some of an export's sessions.</summary>
/// <param name="Lines">Their lines but for those whose documents are behind their streams; in an array of the shared pool.</param>
/// <param name="Behind">Those others, each with the place of its line.</param>
/// <param name="Next">The last session, behind which the next page begins; null when there is none.</param>
/// <param name="NextLimit">How many sessions the next page is to have at most.</param>
internal sealed record SessionPage(ArraySegment<byte> Lines, IReadOnlyList<(int At, Guid Session)> Behind, Position? Next, int NextLimit)
{
    /// <summary>Whether there are any sessions.</summary>
    public bool IsEmpty => Lines.Count == 0 && Behind.Count == 0;

    /// <summary>Gives the array back: nobody looks at the lines again.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(Lines.Array!);
}

/// <summary>Reads an export page by page, each in a short query of its own: nothing in the database waits for the client.</summary>
internal sealed class SessionPages(ReadDatabase database, Caller caller, SessionFilter filter)
{
    public const byte EndOfLine = (byte)'\n';

    // A page is as large as this and a document at most, and two are in memory.
    private const int PageBytes = 1024 * 1024;
    private const int FirstLimit = 25;
    private const int MostLimit = 250;

    // What most sessions need.
    private const int FirstBytes = FirstLimit * 16 * 1024;

    // What jsonb sends before its text.
    private const int JsonbVersion = 1;

    public Guid Test => filter.TestId;

    /// <summary>The first page; null when the caller has no session of the test.</summary>
    public Task<SessionPage?> FirstAsync(CancellationToken cancellation) => database.ReadAsync(
        async (source, stop) => await ReadAsync(source, after: null, FirstLimit, stop) is var page && (!page.IsEmpty || await IsKnownAsync(source, stop)) ? page : null,
        cancellation);

    /// <summary>The page after a page; null when that was the last.</summary>
    public async Task<SessionPage?> AfterAsync(SessionPage page, CancellationToken cancellation) => page.Next is { } last
        ? await database.ReadAsync((source, stop) => ReadAsync(source, last, page.NextLimit, stop), cancellation)
        : null;

    /// <summary>The JSON of a session whose document is behind its stream, as a client that asks for it alone gets it; null when that shows that it is not the caller's.</summary>
    public Task<byte[]?> FoldedAsync(Guid session, CancellationToken cancellation) =>
        SessionResultQuery.ReadAsync(database, GetSessionResultV3.Query, caller, session, cancellation);

    private async Task<SessionPage> ReadAsync(NpgsqlDataSource source, Position? after, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller, filter, after, limit, database.ComparesStreams);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);

        var lines = ArrayPool<byte>.Shared.Rent(after is null ? FirstBytes : PageBytes + (PageBytes / 8));
        var behind = new List<(int, Guid)>();
        var (sessions, filled, last) = (0, 0, after);
        while (filled < PageBytes && await reader.ReadAsync(cancellation))
        {
            var session = reader.GetGuid(0);
            last = new Position(reader.GetFieldValue<DateTimeOffset>(1).UtcTicks, session, default, TotalCount: 0);
            sessions++;
            if (await reader.IsDBNullAsync(2, cancellation))
            {
                behind.Add((filled, session));
                continue;
            }

            await using var json = await reader.GetStreamAsync(2, cancellation);
            var length = (int)json.Length;
            if (lines.Length - filled < length)
                lines = Larger(lines, filled, length);
            // The byte before the text gives way to the one behind it.
            await json.ReadExactlyAsync(lines.AsMemory(filled, JsonbVersion), cancellation);
            if (lines[filled] != JsonbVersion)
                throw new NotSupportedException($"PostgreSQL sends jsonb in version {lines[filled]} of its format.");
            await json.ReadExactlyAsync(lines.AsMemory(filled, length - JsonbVersion), cancellation);
            filled += length;
            lines[filled - 1] = EndOfLine;
        }

        // As many as would fill a page if they are like these: what the database sends beyond a page is thrown away.
        var nextLimit = (int)Math.Clamp(sessions * (long)PageBytes / Math.Max(1, filled), 1, MostLimit);
        return new SessionPage(new ArraySegment<byte>(lines, 0, filled), behind, sessions == limit || filled >= PageBytes ? last : null, nextLimit);
    }

    private static byte[] Larger(byte[] lines, int filled, int more)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(filled + more, lines.Length * 2));
        lines.AsSpan(0, filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(lines);
        return larger;
    }

    private async Task<bool> IsKnownAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        command.CommandText = $"select {new SessionWalk(command, caller, filter).IsKnown}";
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>
    /// A page in the order of the list. The primary keys (tenant_id, id) find each document and its stream, one after the other and whatever a planner thinks of reading a whole table instead; a
    /// document is unpacked as it is sent, so that what a page has no room for costs little.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Caller caller, SessionFilter filter, Position? after, int limit, bool comparesStreams = true)
    {
        var walk = new SessionWalk(command, caller, filter);
        command.CommandText =
            $"""
            select p.id, p.moment, case when not o.lags then o.data -> 'body' end
            from ({walk.Part(after, offset: 0, limit)}) p
            cross join lateral (
              select d.data, {DocumentQuery.Lags(comparesStreams)} as lags
              from {SessionResultTable.Name} d
              where d.tenant_id = {walk.Account} and d.id = p.id
              offset 0
            ) o
            order by p.moment {walk.Direction}, p.id {walk.Direction}
            """;
    }
}
