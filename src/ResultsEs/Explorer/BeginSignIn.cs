using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Explorer;

/// <summary><c>GET /explorer/sign-in/{issuer}</c>: sends the browser to an issuer, by its number in the settings.</summary>
internal sealed class BeginSignIn(BrowserCookies cookies, Issuers issuers, ProviderClient provider, TimeProvider time)
{
    public const string Path = "/explorer/sign-in";

    public async Task ServeAsync(HttpContext context)
    {
        if (!int.TryParse(context.Request.RouteValues["issuer"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            || issuers.All.ElementAtOrDefault(index) is not { Options.Explorer: not null } issuer
            || cookies.PublicAddress(context.Request) is not { } address)
        {
            await Problems.NotFound().ExecuteAsync(context);
            return;
        }

        var state = new SignInState(
            issuer.Name, Random(), Random(), Random(), ReturnTo.Of(context.Request.Query["returnTo"]),
            time.GetUtcNow() + SignInState.Longest);
        if (await provider.AddressAsync(issuer, state, EndSignIn.AddressOf(address), context.RequestAborted) is { } there)
        {
            cookies.Keep(context, state);
            context.Response.Redirect(there.AbsoluteUri);
        }
        else
            context.Response.Redirect(EndSignIn.Failed("unreachable"));
    }

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
