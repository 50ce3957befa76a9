using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Changes;

/// <summary>
/// A caller who reads the feed and waits for more. It ends with the request, the caller's token and the node.
/// </summary>
internal sealed class ChangeFollower : IDisposable
{
    private readonly ChangeFeed _feed;
    private readonly ChangeQuery _query;
    private readonly int _limit;
    private readonly CancellationTokenSource _over;
    private readonly CancellationToken _cancellation;

    public ChangeFollower(ChangeFeed feed, ChangeQuery query, int limit, HttpContext http, CancellationToken stopping, TimeProvider time)
    {
        (_feed, _query, _limit, _cancellation) = (feed, query, limit, http.RequestAborted);
        _over = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        var left = TokenEnd(http.User) - time.GetUtcNow();
        if (left <= TimeSpan.Zero)
            _over.Cancel();
        else if (left < TimeSpan.FromDays(1))
            _over.CancelAfter(left);
    }

    /// <summary>True when nothing is waited for any more.</summary>
    public bool IsOver => _over.IsCancellationRequested;

    /// <summary>Reads the next page, and waits for it to have a change; without one after the time, or when the wait is over.</summary>
    public async Task<ChangePage> NextAsync(ChangeCursor after, TimeSpan longest, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var page = await _feed.ReadAsync(_query, after, _limit, cancellation);
        while (page.Changes.Count == 0)
        {
            var left = longest - Stopwatch.GetElapsedTime(began);
            if (page.IsAtEnd && (left <= TimeSpan.Zero || IsOver))
                return page;
            if (page.IsAtEnd)
                page = page with { Cursor = await PassAsync(page.Cursor, left) };
            page = await _feed.ReadAsync(_query, page.Cursor, _limit, cancellation);
        }

        return page;
    }

    public void Dispose() => _over.Dispose();

    /// <summary>Waits, and passes over what is others' meanwhile.</summary>
    private async Task<ChangeCursor> PassAsync(ChangeCursor cursor, TimeSpan longest)
    {
        try
        {
            return cursor with { Position = await _feed.WaitAsync(_query, cursor.Position, longest, _over.Token) };
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            return cursor;
        }
    }

    private static DateTimeOffset TokenEnd(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirst("exp")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) + BearerTokens.ClockSkew
            : DateTimeOffset.MaxValue;
}

/// <summary>What the endpoints of the feed have in common.</summary>
internal static class ChangeRequests
{
    public const int DefaultLimit = 100;

    // A cursor is longer, so none is this word.
    private const string Now = "now";

    public static readonly IReadOnlyList<QueryParameter> Query =
    [
        new(
            "after",
            "The `nextCursor` of the page before: what changed after it. `now`: what changes from now on. Default: from the begin, which "
            + "is every session, each once.",
            """{ "type": "string" }"""),
        new("testId", "Only changes of sessions of this test. A cursor may be used with any test.", QueryParameter.Uuid),
        new(
            "include", "`session`: with each session that is there, its details as v3 has them.", QueryParameter.OneOf(["session"])),
    ];

    /// <summary>Reads what is asked for, and where the reader stands.</summary>
    public static (ChangeQuery Query, ChangeCursor After) Read(RequestParameters parameters, Caller caller, string? cursor, string name)
    {
        var account = Tenant.Of(caller.Account);
        var after = ChangeCursor.Begin;
        if (cursor == Now)
            after = ChangeCursor.Now;
        else if (cursor is not null && !ChangeCursor.TryRead(cursor, account, out after))
            parameters.Refuse(name, "must be a nextCursor of this account's changes, or now");
        var query = new ChangeQuery(
            account, caller.Workspaces, parameters.UuidOrNull("testId"), parameters.Word("include", ["session"]) is not null);
        return (query, after);
    }

    /// <summary>Reads a page, or makes the answer that says why there is none.</summary>
    public static async Task<(ChangePage? Page, IResult? Refusal)> ReadAsync(HttpContext http, Func<Task<ChangePage>> read)
    {
        try
        {
            return (await read(), null);
        }
        catch (ChangesGoneException)
        {
            return (null, Problems.Of(
                StatusCodes.Status410Gone,
                "What was removed after this cursor is kept no longer, so a copy would keep what went. Begin anew: ask without after, and "
                + "drop from the copy what has not come by the time isAtEnd is true."));
        }
        catch (FeedNotFilledException)
        {
            http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
            return (null, Problems.Of(
                StatusCodes.Status503ServiceUnavailable,
                "The sessions that are older than the feed are being filled in. Ask again later."));
        }
    }
}
