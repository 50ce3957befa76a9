using Marten;
using Microsoft.AspNetCore.RateLimiting;
using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Explorer;

internal static class ExplorerSetup
{
    private static readonly string[] Pages = ["/", "/tests/{testId}", "/sessions/{sessionId}", "/operating", "/sign-in"];

    /// <summary>Adds the explorer: its pages, signing in, and the browser sessions.</summary>
    public static WebApplicationBuilder AddExplorer(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSettings<ExplorerOptions>(builder.Configuration.GetSection(ExplorerOptions.Section), ExplorerOptions.Problems);
        // The table is there also while the explorer is off, so that turning it on changes no schema.
        services.ConfigureMarten(options => options.Storage.Add(new BrowserSessionsSchema(options.Advanced.Migrator)));
        services.AddSingleton<ExplorerSite>();
        services.AddSingleton<BrowserCookies>();
        services.AddSingleton<BrowserSessions>();
        services.AddSingleton<ClientTokens>();
        services.AddSingleton<ProviderClient>();
        services.AddSingleton<SessionTokens>();
        services.AddSingleton<GetBrowserSession>();
        services.AddSingleton<SignIn>();
        services.AddSingleton<SignOut>();
        services.AddSingleton<BeginSignIn>();
        services.AddSingleton<EndSignIn>();
        services.AddHostedService<BrowserSessionsUpkeep>();
        return builder;
    }

    /// <summary>Adds the middleware by which cookies count, where there is an explorer. Before authentication.</summary>
    public static void UseSessions(WebApplication app)
    {
        if (IsOn(app))
            app.UseMiddleware<BrowserSessionMiddleware>();
    }

    /// <summary>Maps the explorer's pages and what they ask for beside the API.</summary>
    public static void MapExplorer(this WebApplication app)
    {
        if (!IsOn(app))
            return;

        foreach (var page in Pages)
            Map<ExplorerSite>(app, HttpMethods.Get, page, static (site, context) => site.ServePageAsync(context));
        // A page asks for dozens at once, of which none costs more than its bytes; a browser does so once a version.
        PublicEndpoint.Map(
            app, HttpMethods.Get, "/explorer/{hash}/{**path}", ExplorerSite.ServeFileAsync, new DisableRateLimitingAttribute(),
            new ImmutableAttribute());
        Map<GetBrowserSession>(
            app, HttpMethods.Get, GetBrowserSession.Path, static (get, context) => get.ServeAsync(context),
            new KnowsBrowserSessionAttribute());
        Map<SignIn>(
            app, HttpMethods.Post, SignIn.Path, static (signIn, context) => signIn.ServeAsync(context),
            new DisableRateLimitingAttribute(), new AuditedAttribute(AuditKind.Token));
        Map<SignOut>(
            app, HttpMethods.Post, SignOut.Path, static (signOut, context) => signOut.ServeAsync(context),
            new KnowsBrowserSessionAttribute());
        Map<SignOut>(app, HttpMethods.Get, SignOut.Path, static (signOut, context) => signOut.LeaveAsync(context));
        Map<BeginSignIn>(
            app, HttpMethods.Get, BeginSignIn.Path + "/{issuer}", static (begin, context) => begin.ServeAsync(context));
        Map<EndSignIn>(app, HttpMethods.Get, EndSignIn.Path, static (end, context) => end.ServeAsync(context));
    }

    // Made at the first request: a command maps endpoints, too, and needs no key.
    private static void Map<T>(
        WebApplication app, string method, string path, Func<T, HttpContext, Task> serve, params object[] metadata)
        where T : notnull =>
        PublicEndpoint.Map(
            app, method, path, context => serve(context.RequestServices.GetRequiredService<T>(), context), metadata);

    // Access alone is hosted without it.
    private static bool IsOn(WebApplication app) =>
        app.Services.GetRequiredService<IServiceProviderIsService>().IsService(typeof(ExplorerSite))
        && app.Services.GetRequiredService<IOptions<ExplorerOptions>>().Value.Enabled;
}
