using ResultsEs.Http;

namespace ResultsEs.Explorer;

/// <summary>Marks an endpoint without a token that knows who has signed in.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KnowsBrowserSessionAttribute : Attribute;

/// <summary>
/// The middleware before authentication that puts the token of a browser session into a request with its cookie. All that follows is as
/// for a bearer token: scopes, limits, shares, audit. A request with a token of its own is left alone.
/// </summary>
internal sealed class BrowserSessionMiddleware(
    RequestDelegate next, BrowserCookies cookies, BrowserSessions sessions, SessionTokens tokens)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization.Count == 0 && context.Request.Headers.Cookie.Count > 0
            && IsFor(context.GetEndpoint()) && cookies.Read(context) is { } idHash)
        {
            if (!SameOrigin.IsForeign(context.Request, cookies.PublicAddress(context.Request)))
                await TakeAsync(context, idHash);
            else if (!SameOrigin.IsSafe(context.Request.Method))
            {
                await SameOrigin.RefuseAsync(context);
                return;
            }
        }

        await next(context);
    }

    // Also where there is no endpoint: that is 404 for who has signed in, and 401 for others.
    private static bool IsFor(Endpoint? endpoint) =>
        !PublicEndpoint.Is(endpoint) || endpoint?.Metadata.GetMetadata<KnowsBrowserSessionAttribute>() is not null;

    private async Task TakeAsync(HttpContext context, byte[] idHash)
    {
        if (await sessions.FindAsync(idHash, context.RequestAborted) is not { } session
            || await tokens.OfAsync(session, context.RequestAborted) is not { } token)
            return;

        context.Request.Headers.Authorization = "Bearer " + token;
        context.Features.Set(session);
    }
}
