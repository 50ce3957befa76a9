using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Changes;

/// <summary><c>GET /api/v3/changes/stream</c>: the same as Server-Sent Events.</summary>
public static class StreamChanges
{
    internal const string LastEventId = "Last-Event-ID";

    // A page is in memory.
    private const int Limit = 250;

    internal static readonly Operation Description = new("streamChanges", ApiTag.Sessions, "What becomes of sessions, as it happens")
    {
        Text = "The changes of `GET /api/v3/changes`, each as a Server-Sent Event: `event` is its kind, `data` its JSON, `id` the cursor "
            + "behind it. The header `Last-Event-ID`, which browsers send when they connect again, goes before `after`. A comment comes "
            + "when nothing else does. The stream ends with the token, and when the node stops: connect again.",
        Query = ChangeRequests.Query,
        Replies = [new(StatusCodes.Status200OK, "The changes, without an end.", ChangeStream.ContentType)],
        Refusals = [StatusCodes.Status410Gone],
    };

    /// <summary>Sends changes until the client has enough.</summary>
    [WolverineGet("/api/v3/changes/stream")]
    [Audited(AuditKind.Export, "testId")]
    [Authorize(Scopes.StudiesRead)]
    [LongRequest]
    public static async Task<IResult> Get(
        HttpContext http, ChangeFeed feed, ClientShares shares, IHostApplicationLifetime lifetime, TimeProvider time,
        ILoggerFactory loggers, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var caller = Caller.From(http.User);
        var last = http.Request.Headers[LastEventId].ToString();
        var (query, after) = last.Length > 0
            ? ChangeRequests.Read(parameters, caller, last, LastEventId)
            : ChangeRequests.Read(parameters, caller, parameters.Text("after"), "after");
        if (parameters.AreRefused(out var problem))
            return problem;
        if (shares.Followers.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        // The first page is read before anything is sent, so a failure here is still answered as a problem.
        var follower = new ChangeFollower(feed, query, Limit, http, lifetime.ApplicationStopping, time);
        http.Response.RegisterForDispose(follower);
        var (page, refused) = await ChangeRequests.ReadAsync(http, () => follower.NextAsync(after, TimeSpan.Zero, cancellation));
        return refused ?? new ChangeStream(follower, page!, query.Account, shares.ExportIdle, loggers.CreateLogger<ChangeStream>());
    }
}

/// <summary>
/// The response of a stream. It holds one page, and while it waits for the client or for changes no database connection. A client that
/// takes nothing for a while is cut off.
/// </summary>
internal sealed partial class ChangeStream(
    ChangeFollower follower, ChangePage first, string account, TimeSpan idle, ILogger<ChangeStream> logger) : IResult
{
    public const string ContentType = "text/event-stream";

    private static readonly TimeSpan BetweenSigns = TimeSpan.FromSeconds(15);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = ContentType;
        // Proxies that would gather a response pass this one on.
        httpContext.Response.Headers["X-Accel-Buffering"] = "no";
        await httpContext.Response.StartAsync(httpContext.RequestAborted);
        if (HeadRequests.IsOne(httpContext))
            return;

        await StreamedResponse.WriteAsync(
            httpContext, idle, patience => WriteAsync(httpContext, patience),
            failure =>
            {
                if (failure is null)
                    CutOff(logger, idle.TotalSeconds);
                else
                    BrokeOff(logger, failure);
            });
    }

    private async Task WriteAsync(HttpContext http, Patience patience)
    {
        var body = http.Response.BodyWriter;
        for (var page = first; ; page = await follower.NextAsync(page.Cursor, BetweenSigns, http.RequestAborted))
        {
            foreach (var change in page.Changes)
                await WriteAsync(body, change, page.Cursor, patience);
            // A sign of life, which also moves the client's last id where others' changes were passed over.
            if (page.Changes.Count == 0)
                await patience.WriteAsync(body, Encoding.UTF8.GetBytes($": \nid: {page.Cursor.Write(account)}\n\n"));
            if (follower.IsOver)
                return;
        }
    }

    private ValueTask WriteAsync(PipeWriter body, SessionChange change, ChangeCursor page, Patience patience)
    {
        var cursor = page with { Position = change.Position };
        var text = new ArrayBufferWriter<byte>();
        text.Write(Encoding.UTF8.GetBytes($"id: {cursor.Write(account)}\nevent: {ChangeItem.Of(change).Kind}\ndata: "));
        ChangeItem.Write(text, change);
        text.Write("\n\n"u8);
        return patience.WriteAsync(body, text.WrittenMemory);
    }

    [LoggerMessage(4006, LogLevel.Information, "A stream of changes was cut off: its client took nothing for {Seconds} s")]
    private static partial void CutOff(ILogger logger, double seconds);

    [LoggerMessage(4007, LogLevel.Error, "A stream of changes broke off; its client connects again")]
    private static partial void BrokeOff(ILogger logger, Exception exception);
}
