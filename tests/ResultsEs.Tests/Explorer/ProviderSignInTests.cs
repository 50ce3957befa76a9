using System.Net;
using System.Web;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Explorer;

/// <summary>Signing in to the explorer by an OpenID provider.</summary>
[Collection(nameof(ExplorerNodes))]
public sealed class ProviderSignInTests(ExplorerNodes nodes)
{
    private const string Workspaces = "/v1/workspaces";

    [Fact]
    public async Task A_person_signs_in_by_a_provider_and_reads_what_its_token_may_read_on_all_nodes()
    {
        using var asked = nodes.Browser();
        var ways = (await asked.JsonAsync("/explorer/session"))["ways"]!;
        Assert.Equal(["Nobody /explorer/sign-in/0", "127.0.0.1 /explorer/sign-in/1"], ways["issuers"]!.AsArray().Select(way => $"{way!["name"]} {way["href"]}"));

        var (browser, returnedTo) = await nodes.SignedInByProviderAsync("/tests/1?status=COMPLETE");
        using var _ = browser;
        Assert.Equal("/tests/1?status=COMPLETE", returnedTo);
        Assert.Equal(["results"], browser.Cookies.Keys);
        var session = await browser.JsonAsync("/explorer/session");
        Assert.Equal(
            (true, false, "Ada Lovelace", TestClients.AccountOne.ToString(), TestClients.WorkspaceA.ToString(), "studies:read"),
            ((bool)session["signedIn"]!, (bool)session["isAutomatic"]!, (string)session["name"]!, (string)session["account"]!,
                (string)session["workspaces"]!.AsArray().Single()!["id"]!, (string)session["scopes"]!.AsArray().Single()!));
        using var second = browser.At(nodes.Second);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await browser.StatusAsync(Workspaces), await second.StatusAsync(Workspaces)));
        using (var write = await browser.PostAsync("/api/v2/sessionEvents", Array.Empty<int>()))
            Assert.Equal(HttpStatusCode.Forbidden, write.StatusCode);

        var read = Guid.NewGuid();
        Assert.Equal(HttpStatusCode.NotFound, await browser.StatusAsync($"/api/v3/sessionResults/{read}"));
        await Wait.UntilAsync(async () => await nodes.SqlAsync($"""
            select count(*) from results.audit where client = '{nodes.Provider} ada' and account = '{TestClients.AccountOne}'
                and (subject = '{read}' or (kind = 'token' and action = 'GET /explorer/callback' and outcome = 'done'))
            """) is >= 2L);

        using (await second.PostAsync("/explorer/sign-out"))
            Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync(Workspaces));
    }

    [Fact]
    public async Task Signing_out_ends_the_session_here_at_once_and_leads_to_the_provider_which_ends_its_own()
    {
        var there = new Dictionary<string, string>(StringComparer.Ordinal);
        var (browser, _) = await nodes.SignedInByProviderAsync("/", there);
        using var first = browser;
        using var second = browser.At(nodes.Second);
        Assert.Contains("code=", await SilentlyAsync(), StringComparison.Ordinal);

        using (var signedOut = await browser.PostAsync("/explorer/sign-out"))
            Assert.Equal((HttpStatusCode.OK, """{"location":"/explorer/sign-out"}"""), (signedOut.StatusCode, await signedOut.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        Assert.Equal(HttpStatusCode.Unauthorized, await second.StatusAsync(Workspaces));
        Assert.Matches("^results-sign-out=[A-Za-z0-9_-]+; max-age=60; path=/; samesite=lax; httponly$", browser.Set);

        // Another site learns nothing, and takes nothing away.
        Assert.Equal("/sign-in", await LeavesAsync("cross-site"));
        var address = new Uri(await LeavesAsync("same-origin"));
        var query = HttpUtility.ParseQueryString(address.Query);
        Assert.Equal(
            ($"{nodes.Provider}/session/end", "explorer", "http://localhost/sign-in", 3),
            (address.GetLeftPart(UriPartial.Path), query["client_id"], query["post_logout_redirect_uri"], query["id_token_hint"]!.Split('.').Length));
        Assert.Equal("http://localhost/sign-in", (await nodes.SignOutAtProviderAsync(address, there))?.ToString());
        Assert.Contains("error=login_required", await SilentlyAsync(), StringComparison.Ordinal);
        Assert.Equal("/sign-in", await LeavesAsync("same-origin"));
        Assert.False((bool)(await browser.JsonAsync("/explorer/session"))["signedIn"]!);

        // Whether the provider knows somebody without asking.
        async Task<string> SilentlyAsync()
        {
            using var other = nodes.Browser();
            using var begun = await other.GetAsync("/explorer/sign-in/1");
            return (await nodes.ThroughProviderAsync(new Uri(begun.Headers.Location + "&prompt=none"), there)).Query;
        }

        async Task<string> LeavesAsync(string site)
        {
            using var answer = await second.GetAsync("/explorer/sign-out", site);
            return answer.Headers.Location!.ToString();
        }
    }

    [Fact]
    public async Task The_way_to_the_provider_holds_a_challenge_and_nothing_that_is_secret()
    {
        using var browser = nodes.Browser();
        using var begun = await browser.GetAsync("/explorer/sign-in/1?returnTo=//evil.example/");
        var there = begun.Headers.Location!;
        var query = HttpUtility.ParseQueryString(there.Query);
        Assert.Equal(
            ("code", "explorer", "http://localhost/explorer/callback", "openid studies:read offline_access", "S256", "https://results-api/"),
            (query["response_type"], query["client_id"], query["redirect_uri"], query["scope"], query["code_challenge_method"], query["resource"]));
        Assert.True(query["state"]!.Length == 43 && query["nonce"]!.Length == 43 && query["code_challenge"]!.Length == 43);
        Assert.Matches("^results-sign-in=[A-Za-z0-9_-]+; max-age=600; path=/; samesite=lax; httponly$", browser.Set);
        Assert.DoesNotContain(query["state"]!, browser.Set, StringComparison.Ordinal);

        var back = await nodes.ThroughProviderAsync(there);
        using var ended = await browser.GetAsync(back.PathAndQuery, "cross-site");
        Assert.Equal("/", ended.Headers.Location!.ToString());
    }

    [Fact]
    public async Task Only_the_browser_that_began_ends_it_once_and_nothing_else_makes_a_session()
    {
        using var browser = nodes.Browser();
        using var begun = await browser.GetAsync("/explorer/sign-in/1");
        var back = (await nodes.ThroughProviderAsync(begun.Headers.Location!)).PathAndQuery;

        // An attacker's own answer in the browser of somebody else.
        using var victim = nodes.Browser();
        Assert.Equal("/sign-in?failed=expired", await CallbackAsync(victim, back));
        using (await victim.GetAsync("/explorer/sign-in/1"))
            Assert.Equal("/sign-in?failed=expired", await CallbackAsync(victim, back));
        Assert.DoesNotContain("results", victim.Cookies.Keys);

        Assert.Equal("/", await CallbackAsync(browser, back));
        Assert.Equal("/sign-in?failed=expired", await CallbackAsync(browser, back));

        // The same code again, with the state that belongs to it.
        foreach (var (change, why) in new (Func<string, string> Change, string Why)[]
        {
            (query => query.Replace("code=", "none=", StringComparison.Ordinal), "refused"),
            (query => query.Replace("code=", "code=x", StringComparison.Ordinal), "refused"),
            (query => query.Replace("iss=", "iss=https%3A%2F%2Fevil.example&was=", StringComparison.Ordinal), "refused"),
            (query => query.Replace("state=", "state=x", StringComparison.Ordinal), "expired"),
            (_ => "/explorer/callback", "expired"),
        })
        {
            using var next = nodes.Browser();
            using var again = await next.GetAsync("/explorer/sign-in/1");
            var answer = (await nodes.ThroughProviderAsync(again.Headers.Location!)).PathAndQuery;
            Assert.Equal($"/sign-in?failed={why}", await CallbackAsync(next, change(answer)));
            Assert.Empty(next.Cookies);
        }

        // What was kept cannot be made up, or changed.
        using var forger = nodes.Browser();
        using var forged = await forger.GetAsync("/explorer/sign-in/1");
        var brought = (await nodes.ThroughProviderAsync(forged.Headers.Location!)).PathAndQuery;
        var kept = forger.Cookies["results-sign-in"];
        forger.Cookies["results-sign-in"] = kept[..40] + (kept[40] == 'A' ? 'B' : 'A') + kept[41..];
        Assert.Equal("/sign-in?failed=expired", await CallbackAsync(forger, brought));
    }

    [Fact]
    public async Task Who_is_known_there_and_may_nothing_here_is_told_so_and_an_issuer_that_is_down_too()
    {
        await nodes.ClaimAsync(TestClients.AccountTwo, TestClients.WorkspaceOfTwo);
        try
        {
            var (browser, returnedTo) = await nodes.SignedInByProviderAsync();
            using var _ = browser;
            Assert.Equal("/sign-in?failed=access", returnedTo);
            Assert.Empty(browser.Cookies);
        }
        finally
        {
            await nodes.ClaimAsync(TestClients.AccountOne, TestClients.WorkspaceA);
        }

        using var other = nodes.Browser();
        using var down = await other.GetAsync("/explorer/sign-in/0");
        Assert.Equal("/sign-in?failed=unreachable", down.Headers.Location!.ToString());
        foreach (var issuer in new[] { "2", "-1", "x", "https:%2F%2Fevil.example" })
            Assert.Equal(HttpStatusCode.NotFound, await other.StatusAsync($"/explorer/sign-in/{issuer}"));
    }

    [Fact]
    public async Task Tokens_are_renewed_before_they_end_by_one_of_all_nodes_and_the_session_ends_when_the_provider_says_no()
    {
        // Shorter than the time before the end at which they are renewed, so each request wants it.
        await nodes.ProviderAsync("/lifetime?seconds=50");
        try
        {
            var (browser, _) = await nodes.SignedInByProviderAsync();
            using var first = browser;
            using var second = browser.At(nodes.Second);
            var before = await TokensAsync();
            // A refresh token counts once: twice would end all of them at the provider.
            var statuses = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => (n % 2 == 0 ? first : second).StatusAsync(Workspaces)));
            Assert.All(statuses, status => Assert.Equal(HttpStatusCode.OK, status));
            Assert.NotEqual(before, await TokensAsync());
            Assert.Equal(HttpStatusCode.OK, await second.StatusAsync(Workspaces));

            await nodes.ProviderAsync("/end");
            Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (await first.StatusAsync(Workspaces), await second.StatusAsync(Workspaces)));
            Assert.Equal(0L, await nodes.SqlAsync($"select count(*) from results.browser_sessions where caller = '{nodes.Provider} ada' and token_ends_at < now() + interval '50 seconds'"));
        }
        finally
        {
            await nodes.ProviderAsync("/lifetime?seconds=600");
            await nodes.ProviderAsync("/end?no");
        }

        async Task<string> TokensAsync() => (string)(await nodes.SqlAsync($"select string_agg(tokens::text, ' ' order by created_at) from results.browser_sessions where caller = '{nodes.Provider} ada'"))!;
    }

    private static async Task<string> CallbackAsync(Browser browser, string path)
    {
        using var answer = await browser.GetAsync(path, "cross-site");
        return answer.Headers.Location!.ToString();
    }
}
