namespace ResultsEs.Explorer;

/// <summary><c>POST /explorer/sign-out</c>: ends the browser session, on all nodes.</summary>
internal sealed class SignOut(BrowserCookies cookies, BrowserSessions sessions)
{
    public const string Path = "/explorer/sign-out";

    public async Task ServeAsync(HttpContext context)
    {
        if (SameOrigin.IsForeign(context.Request, cookies.PublicAddress(context.Request)))
        {
            await SameOrigin.RefuseAsync(context);
            return;
        }

        if (cookies.Read(context) is { } idHash)
            await sessions.EndAsync(idHash, context.RequestAborted);
        cookies.Take(context, isAsked: true);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
