using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Changes;

/// <summary><c>GET /api/v3/changes</c>: what became of the caller's sessions.</summary>
public static class GetChanges
{
    internal const int MaxWaitSeconds = 60;

    // A change without its session is shorter.
    private const int ItemBytes = 512;

    internal static readonly Operation Description = new("listChanges", ApiTag.Sessions, "What became of sessions, since a cursor")
    {
        Text = "Each session of the caller's workspaces that became, changed or went after the cursor, in an order that never shows a "
            + "later change before one that was still uncommitted. A session that changed several times comes once, as it is. "
            + "Go on with `nextCursor`, for ever. With `wait` the answer comes when there is a change, or when the time is over.",
        Query =
        [
            .. ChangeRequests.Query,
            new(
                "limit", "How many changes at most; with `include=session` it may be fewer.",
                Paging.Integer(1, Paging.MaxLimit, ChangeRequests.DefaultLimit)),
            new(
                "wait", "How many seconds to wait for a change, where there is none.",
                Paging.Integer(0, MaxWaitSeconds, 0)),
        ],
        Replies = [Reply.Ok<ChangesPage>("The changes.")],
        Refusals = [StatusCodes.Status410Gone],
    };

    /// <summary>Sends a page of changes.</summary>
    [WolverineGet("/api/v3/changes")]
    [Audited(AuditKind.Export, "testId")]
    [Authorize(Scopes.StudiesRead)]
    [LongRequest]
    [Compressed]
    public static async Task<IResult> Get(
        HttpContext http, ChangeFeed feed, ClientShares shares, IHostApplicationLifetime lifetime, TimeProvider time,
        CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var caller = Caller.From(http.User);
        var (query, after) = ChangeRequests.Read(parameters, caller, parameters.Text("after"), "after");
        var limit = parameters.Number("limit", 1, Paging.MaxLimit, ChangeRequests.DefaultLimit);
        var wait = parameters.Number("wait", 0, MaxWaitSeconds, 0);
        if (parameters.AreRefused(out var problem))
            return problem;

        // HEAD tells nothing of changes.
        var longest = TimeSpan.FromSeconds(HeadRequests.IsOne(http) ? 0 : wait);
        if (longest > TimeSpan.Zero && shares.Followers.TakeOrRefuse(http, caller) is { } refusal)
            return refusal;

        using var follower = new ChangeFollower(feed, query, limit, http, lifetime.ApplicationStopping, time);
        var (page, refused) = await ChangeRequests.ReadAsync(http, () => follower.NextAsync(after, longest, cancellation));
        return refused ?? new JsonBody(Body(page!, query.Account));
    }

    private static ReadOnlyMemory<byte> Body(ChangePage page, string account)
    {
        var json = new ArrayBufferWriter<byte>(ItemBytes * (1 + page.Changes.Count) + page.Changes.Sum(change => change.Session.Length));
        json.Write("{\"changes\":["u8);
        for (var i = 0; i < page.Changes.Count; i++)
        {
            if (i > 0)
                json.Write(","u8);
            ChangeItem.Write(json, page.Changes[i]);
        }

        json.Write(Encoding.UTF8.GetBytes(
            $"],\"nextCursor\":\"{page.Cursor.Write(account)}\",\"isAtEnd\":{(page.IsAtEnd ? "true" : "false")}}}"));
        return json.WrittenMemory;
    }
}
