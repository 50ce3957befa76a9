using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>
/// <c>GET /explorer/callback</c>: takes a browser that comes back from an issuer, and gives it a session. Whatever is wrong, it is sent
/// to the page for signing in, which says so.
/// </summary>
internal sealed class EndSignIn(
    BrowserCookies cookies, BrowserSessions sessions, Issuers issuers, ProviderClient provider, RateLimits limits, Audit audit,
    TimeProvider time)
{
    public const string Path = "/explorer/callback";

    // An authorization code is much shorter.
    private const int MaxCode = 4_000;

    /// <summary>The address that issuers send browsers back to.</summary>
    public static Uri AddressOf(Uri publicAddress) => new(publicAddress, Path[1..]);

    /// <summary>The page that says why signing in failed, by one of its words.</summary>
    public static string Failed(string why) => $"/sign-in?failed={why}";

    public async Task ServeAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var state = cookies.TakeKept(context, time.GetUtcNow());
        if (state is null || !IsSame(state.State, query["state"].ToString())
            || issuers.Find(state.Issuer) is not { Options.Explorer: not null } issuer
            || cookies.PublicAddress(context.Request) is not { } address)
            await FailAsync(context, "expired");
        else if (!ProviderClient.IsOf(issuer, query["iss"].Count == 0 ? null : query["iss"].ToString())
            || query["code"].ToString() is not { Length: > 0 and <= MaxCode } code)
            await FailAsync(context, "refused", issuer);
        else
        {
            var answer = await provider.TakeCodeAsync(issuer, code, state, AddressOf(address), context.RequestAborted);
            if (answer is { Verdict: ProviderVerdict.Given, Caller: { } caller })
                await GiveAsync(context, issuer, answer, caller, state.ReturnTo);
            else
                await FailAsync(context, WordOf(answer.Verdict), issuer);
        }
    }

    private static string WordOf(ProviderVerdict verdict) => verdict switch
    {
        ProviderVerdict.Unreachable => "unreachable",
        ProviderVerdict.WithoutAccess => "access",
        _ => "refused",
    };

    private static bool IsSame(string kept, string brought) => CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(kept), Encoding.UTF8.GetBytes(brought));

    private async Task GiveAsync(HttpContext context, Issuer issuer, ProviderAnswer answer, Caller caller, string returnTo)
    {
        var (cookie, idHash) = cookies.Make();
        var session = new BrowserSession(idHash, caller.ClientId)
        {
            Issuer = issuer.Name,
            Tokens = answer.Tokens,
            TokenEndsAt = answer.EndsAt,
        };
        await sessions.AddAsync(session, cookies.Read(context), context.RequestAborted);
        cookies.Give(context, cookie);
        Note(context, "done", caller.ClientId, caller.Account);
        context.Response.Redirect(returnTo);
    }

    private async Task FailAsync(HttpContext context, string why, Issuer? issuer = null)
    {
        Note(context, why, issuer?.Name, account: null);
        if ((await limits.TakeFailureAsync(context, client: null)).Allowed)
            context.Response.Redirect(Failed(why));
        else
            await limits.RefuseAsync(context);
    }

    // Both outcomes are a redirect, so the audit is told by a word and not by the status.
    private void Note(HttpContext context, string outcome, string? client, Guid? account) =>
        audit.Note(new AuditEntry(AuditKind.Token, $"GET {Path}", outcome)
        {
            Account = account,
            Client = AuditEntry.Shortened(client),
            Address = context.Connection.RemoteIpAddress,
        });
}
