using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Api;
using ResultsEs.Lists;
using ResultsEs.Postgres;
using Wolverine.Http;

namespace ResultsEs.SessionResults;

/// <summary><c>GET /api/v3/testResults/{testId}/sessionResults</c>: the details of a test's sessions, a line each.</summary>
public static class ExportSessionResults
{
    internal static readonly Operation Description = new(HttpMethods.Get, "/api/v3/testResults/{testId}/sessionResults", "exportSessionResultsV3")
    {
        Tag = ApiDescription.Sessions,
        Summary = "The details of all of a test's sessions, a line each",
        Text = "Each line is what `GET /api/v3/sessionResults/{sessionId}` answers. Sessions and their order are those of `GET /api/v2/sessionResults` with the same parameters; there are no parts. An answer that is complete ends as HTTP says; one that breaks off is not complete.",
        Scope = Scopes.StudiesRead,
        Query = SessionFilter.Query,
        Replies =
        [
            new Reply(StatusCodes.Status200OK, "The sessions, in UTF-8; empty where the test has none of these.", SessionExport.ContentType, Type: null)
            {
                Examples = new Dictionary<string, Func<JsonNode>>(StringComparer.Ordinal) { ["thinkOutLoud"] = SampleAnswers.SessionLines },
            },
        ],
        Refusals = [400, 404],
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

    // What Kestrel gives a client time for: 240 bytes a second of what is under way.
    private const int FlushBytes = 32 * 1024;

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

    private async Task WriteAsync(SessionPage page, PipeWriter lines, CancellationToken cancellation)
    {
        foreach (var (session, json) in page.Sessions)
        {
            if ((json ?? await pages.FoldedAsync(session, cancellation)) is not { } line)
                continue;

            lines.Write(line);
            lines.Write("\n"u8);
            _sent++;
            if (lines.UnflushedBytes >= FlushBytes)
                await lines.FlushAsync(cancellation);
        }

        await lines.FlushAsync(cancellation);
    }

    [LoggerMessage(1501, LogLevel.Error, "The export of test {Test} broke off after {Sessions} sessions")]
    private static partial void BrokeOff(ILogger logger, Guid test, long sessions, Exception exception);
}

/// <summary>Some of an export's sessions.</summary>
/// <param name="Sessions">Each with the JSON of its line, or without where its document is behind its stream.</param>
/// <param name="Next">The last of them, behind which the next page begins; null when there is none.</param>
/// <param name="NextLimit">How many sessions the next page is to have at most.</param>
internal sealed record SessionPage(IReadOnlyList<(Guid Session, byte[]? Json)> Sessions, Position? Next, int NextLimit);

/// <summary>Reads an export page by page, each in a short query of its own: nothing in the database waits for the client.</summary>
internal sealed class SessionPages(ReadDatabase database, Caller caller, SessionFilter filter)
{
    // A page is as large as this and a document at most, and two are in memory.
    private const int PageBytes = 1024 * 1024;
    private const int FirstLimit = 25;
    private const int MostLimit = 200;

    public Guid Test => filter.TestId;

    /// <summary>The first page; null when the caller has no session of the test.</summary>
    public Task<SessionPage?> FirstAsync(CancellationToken cancellation) => database.ReadAsync(
        async (source, stop) => await ReadAsync(source, after: null, FirstLimit, stop) is var page && (page.Sessions.Count > 0 || await IsKnownAsync(source, stop)) ? page : null,
        cancellation);

    /// <summary>The page after a page; null when that was the last.</summary>
    public async Task<SessionPage?> AfterAsync(SessionPage page, CancellationToken cancellation) => page.Next is { } last
        ? await database.ReadAsync((source, stop) => ReadAsync(source, last, page.NextLimit, stop), cancellation)
        : null;

    /// <summary>The JSON of a session whose document is behind its stream, as a client that asks for it alone gets it; null when that shows that it is not the caller's.</summary>
    public Task<byte[]?> FoldedAsync(Guid session, CancellationToken cancellation) =>
        SessionResultQuery.ReadAsync(database, GetSessionResultV3.Sql, caller, session, cancellation);

    private async Task<SessionPage> ReadAsync(NpgsqlDataSource source, Position? after, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller, filter, after, limit);
        await using var reader = await command.ExecuteReaderAsync(cancellation);

        var sessions = new List<(Guid, byte[]?)>(limit);
        var (bytes, last) = (0L, after);
        while (bytes < PageBytes && await reader.ReadAsync(cancellation))
        {
            var (session, json) = (reader.GetGuid(0), reader.IsDBNull(2) ? null : reader.GetFieldValue<byte[]>(2));
            sessions.Add((session, json));
            bytes += json?.Length ?? 0;
            last = new Position(reader.GetFieldValue<DateTimeOffset>(1).UtcTicks, session, default, TotalCount: 0);
        }

        // As many as would fill a page if they are like these: what the database sends beyond a page is thrown away.
        var nextLimit = (int)Math.Clamp(sessions.Count * (long)PageBytes / Math.Max(1, bytes), 1, MostLimit);
        return new SessionPage(sessions, sessions.Count == limit || bytes >= PageBytes ? last : null, nextLimit);
    }

    private async Task<bool> IsKnownAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        command.CommandText = $"select {new SessionWalk(command, caller, filter).IsKnown}";
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>
    /// A page in the order of the list. The primary keys (tenant_id, id) find its documents and streams; the order is made before a document is unpacked, and each is unpacked as it
    /// is sent, so that what a page has no room for costs little.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Caller caller, SessionFilter filter, Position? after, int limit)
    {
        var walk = new SessionWalk(command, caller, filter);
        command.CommandText =
            $"""
            select o.id, o.moment, case when not o.is_behind then o.data -> 'body' end
            from (
              select p.id, p.moment, d.data, d.mt_version is distinct from s.version as is_behind
              from ({walk.Part(after, offset: 0, limit)}) p
              join {SessionResultTable.Name} d on d.tenant_id = {walk.Account} and d.id = p.id
              left join {MartenSetup.Schema}.mt_streams s on s.tenant_id = {walk.Account} and s.id = p.id
              order by p.moment {walk.Direction}, p.id {walk.Direction}
              offset 0
            ) o
            order by o.moment {walk.Direction}, o.id {walk.Direction}
            """;
    }
}
