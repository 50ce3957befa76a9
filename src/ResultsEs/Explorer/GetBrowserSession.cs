using ResultsEs.Access;
using ResultsEs.Http;

[assembly: JsonContext<ResultsEs.Explorer.ExplorerJson>]

namespace ResultsEs.Explorer;

/// <summary>
/// <c>GET /explorer/session</c>: who has signed in, and by what one can. In Development it signs in the demo client, unless the user has
/// signed out.
/// </summary>
internal sealed class GetBrowserSession(
    BrowserCookies cookies, BrowserSessions sessions, SessionTokens tokens, Clients clients, Issuers issuers, WorkspaceNames names,
    IOptions<AccessOptions> options, IHostEnvironment environment)
{
    public const string Path = "/explorer/session";

    private Client? Demo => environment.IsDevelopment() && options.Value.Access.BuiltInTokens
        ? clients.Current.Find(AccessProblems.DemoClient)
        : null;

    public async Task ServeAsync(HttpContext context)
    {
        var state = new SessionState
        {
            Ways = new(options.Value.Access.BuiltInTokens,
            [
                .. issuers.All.Index().Where(one => one.Item.Options.Explorer is not null).Select(one =>
                    new SignInWay(NameOf(one.Item), $"{BeginSignIn.Path}/{one.Index.ToString(CultureInfo.InvariantCulture)}")),
            ]),
        };
        if (Caller.Find(context.User) is { } caller && context.Features.Get<BrowserSession>() is { } session)
            state = Of(state, caller, session);
        else if (Demo is { Secrets: [var secret, ..] } demo && !cookies.HasSignedOut(context)
            && !SameOrigin.IsForeign(context.Request, cookies.PublicAddress(context.Request)))
            state = Of(state, CallerOf(demo), await AddDemoAsync(context, demo, secret));
        else if (cookies.Read(context) is not null)
            cookies.Take(context, isAsked: false);

        await JsonBody.Of(state, Json.Of<SessionState>()).ExecuteAsync(context);
    }

    /// <summary>What the page calls an issuer.</summary>
    private static string NameOf(Issuer issuer) => issuer.Options.Explorer?.Name ?? issuer.Options.Authority!.Host;

    private static Caller CallerOf(Client client) => new(client.Account, [.. client.Workspaces], client.Id, [.. client.Scopes]);

    private async Task<BrowserSession> AddDemoAsync(HttpContext context, Client demo, ClientSecret secret)
    {
        var (cookie, idHash) = cookies.Make();
        var session = new BrowserSession(idHash, demo.Id) { SecretPrint = BrowserSession.PrintOf(secret.Hash), IsAutomatic = true };
        await sessions.AddAsync(session, cookies.Read(context), context.RequestAborted);
        cookies.Give(context, cookie);
        return session;
    }

    private SessionState Of(SessionState state, Caller caller, BrowserSession session) => state with
    {
        SignedIn = true,
        IsAutomatic = session.IsAutomatic,
        Name = session.Tokens?.Name ?? tokens.ClientOf(session)?.Id ?? caller.ClientId,
        Account = caller.Account,
        Workspaces = [.. caller.Workspaces.Select(id => new NamedWorkspace(id, names.Of(caller.Account, id)))],
        Scopes = caller.Scopes,
    };
}

/// <summary>Who has signed in to the explorer, and by what one can.</summary>
internal sealed record SessionState
{
    public bool SignedIn { get; init; }

    /// <summary>True for the demo client, whom nobody gave a secret.</summary>
    public bool IsAutomatic { get; init; }

    public string? Name { get; init; }

    public Guid? Account { get; init; }

    public IReadOnlyList<NamedWorkspace> Workspaces { get; init; } = [];

    public IReadOnlyList<string> Scopes { get; init; } = [];

    public required SignInWays Ways { get; init; }
}

internal sealed record NamedWorkspace(Guid Id, string Name);

internal sealed record SignInWays(bool Client, IReadOnlyList<SignInWay> Issuers);

internal sealed record SignInWay(string Name, string Href);

[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(SignInForm))]
[JsonSerializable(typeof(SignInState))]
[JsonSerializable(typeof(SignOutState))]
[JsonSerializable(typeof(SignOutAnswer))]
[JsonSerializable(typeof(ProviderTokens))]
[JsonSerializable(typeof(TokenAnswer))]
internal sealed partial class ExplorerJson : JsonSerializerContext;
