using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Explorer;

/// <summary>
/// <c>POST /explorer/sign-out</c>: ends the browser session, on all nodes. Who signed in by an issuer that people can sign out at is told
/// where to go for that: <c>GET</c> of the same address, which leads there. What the issuer is given is in a cookie until then, so that
/// no script sees it.
/// </summary>
internal sealed class SignOut(
    BrowserCookies cookies, BrowserSessions sessions, Issuers issuers, ProviderClient provider, TimeProvider time)
{
    public const string Path = "/explorer/sign-out";

    private const string SignInPage = "sign-in";

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
        if (context.Features.Get<BrowserSession>() is { Issuer: { } name, Tokens: { } tokens }
            // An issuer that cannot be reached now keeps nobody from signing out here.
            && issuers.Find(name) is { Options.Explorer: not null, Keys.Current.EndSessionEndpoint: not null })
        {
            cookies.Keep(context, new SignOutState(name, tokens.Id, time.GetUtcNow() + SignOutState.Longest));
            await JsonBody.Of(new SignOutAnswer(Path), Json.Of<SignOutAnswer>()).ExecuteAsync(context);
        }
        else
            context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Sends a browser that has just signed out here to its issuer, which sends it back to the page for signing in.</summary>
    public async Task LeaveAsync(HttpContext context)
    {
        var address = cookies.PublicAddress(context.Request);
        var there = !SameOrigin.IsForeign(context.Request, address) && address is not null
            && cookies.TakeSignOut(context, time.GetUtcNow()) is { } state
            && issuers.Find(state.Issuer) is { Options.Explorer: not null } issuer
            ? await provider.SignOutAddressAsync(issuer, state.IdToken, new Uri(address, SignInPage), context.RequestAborted)
            : null;
        context.Response.Redirect(there?.AbsoluteUri ?? "/" + SignInPage);
    }
}

/// <summary>What is left to do after signing out here.</summary>
/// <param name="Location">Where the browser goes to sign out at its issuer, too.</param>
internal sealed record SignOutAnswer(string Location);
