using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Explorer;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Explorer;

/// <summary>Signing in to the explorer by a client's id and secret, and what a browser's cookie is worth.</summary>
[Collection(nameof(ExplorerNodes))]
public sealed class BrowserSessionTests(ExplorerNodes nodes)
{
    private const string Workspaces = "/v1/workspaces";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_signs_in_reads_what_its_tokens_read_on_all_nodes_until_it_signs_out()
    {
        using var nobody = nodes.Browser();
        Assert.False((bool)(await nobody.JsonAsync("/explorer/session"))["signedIn"]!);
        Assert.Equal(HttpStatusCode.Unauthorized, await nobody.StatusAsync(Workspaces));

        using var browser = await nodes.SignedInAsync(TestClients.BothWorkspaces);
        Assert.Matches("^results=[A-Za-z0-9_-]{64}; path=/; samesite=lax; httponly$", browser.Set);
        var session = await browser.JsonAsync("/explorer/session");
        Assert.Equal(
            (true, false, TestClients.BothWorkspaces, TestClients.AccountOne.ToString()),
            ((bool)session["signedIn"]!, (bool)session["isAutomatic"]!, (string)session["name"]!, (string)session["account"]!));
        Assert.Equal([Scopes.StudiesRead, Scopes.EventsWrite], session["scopes"]!.AsArray().Select(scope => (string)scope!));

        using var token = await AppFixture.ClientAsync(nodes.First, TestClients.BothWorkspaces);
        using var second = browser.At(nodes.Second);
        using var byToken = await token.GetAsync(new Uri(Workspaces, UriKind.Relative), Cancelled);
        using var byCookie = await second.GetAsync(Workspaces);
        Assert.Equal(await byToken.Content.ReadAsStringAsync(Cancelled), await byCookie.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal("default", byCookie.Headers.GetValues("RateLimit").Single().Split('"')[1]);

        var cookie = browser.Cookies["results"];
        using (var signedOut = await browser.PostAsync("/explorer/sign-out"))
            Assert.Equal(HttpStatusCode.NoContent, signedOut.StatusCode);
        Assert.DoesNotContain("results", browser.Cookies.Keys);
        // Whoever has kept the cookie has nothing.
        browser.Cookies["results"] = cookie;
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (await browser.StatusAsync(Workspaces), await second.StatusAsync(Workspaces)));
    }

    [Fact]
    public async Task Over_anything_but_http_of_this_machine_the_cookie_is_secure_and_of_this_host_alone()
    {
        foreach (var address in new[] { "https://results.example", "http://results.example", "https://localhost" })
        {
            using var browser = nodes.Browser(address);
            using var answer = await browser.SignInAsync(TestClients.Reader, TestClients.Secret);
            Assert.Matches("^__Host-results=[A-Za-z0-9_-]{64}; path=/; secure; samesite=lax; httponly$", browser.Set);
            Assert.Equal(HttpStatusCode.OK, await browser.StatusAsync(Workspaces));
            // What another host of the domain may set is not looked at.
            browser.Cookies["results"] = browser.Cookies["__Host-results"];
            browser.Cookies.Remove("__Host-results");
            Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync(Workspaces));
        }
    }

    [Theory]
    [InlineData("POST", "same-origin", null, true, true)]
    [InlineData("POST", null, "http://localhost", true, true)]
    [InlineData("POST", "cross-site", "http://localhost", true, false)]
    [InlineData("POST", "same-site", "http://localhost", true, false)]
    [InlineData("POST", "none", null, true, false)]
    [InlineData("POST", "same-origin", null, false, false)]
    [InlineData("POST", null, "http://localhost", false, false)]
    [InlineData("POST", null, "http://localhost.evil.example", true, false)]
    [InlineData("POST", null, "http://localhost:81", true, false)]
    [InlineData("POST", null, "null", true, false)]
    [InlineData("POST", null, null, true, false)]
    [InlineData("DELETE", "cross-site", null, true, false)]
    [InlineData("PATCH", "cross-site", null, true, false)]
    public async Task What_another_site_makes_a_browser_send_changes_nothing(string method, string? site, string? origin, bool hasHeader, bool isTaken)
    {
        using var browser = await nodes.SignedInAsync(TestClients.Privacy);
        string[] paths = method == "POST"
            ? ["/api/v2/sessionEvents", "/explorer/sign-in", "/explorer/sign-out"]
            : [method == "DELETE" ? $"/api/v2/sessions/{TestClients.WorkspaceA}" : $"/api/v3/webhooks/{TestClients.WorkspaceA}"];
        foreach (var path in paths)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = JsonContent.Create(Array.Empty<int>()) };
            if (origin is not null)
                request.Headers.Add("Origin", origin);
            if (hasHeader)
                request.Headers.Add("X-Explorer", "1");
            using var answer = await browser.SendAsync(request, site);
            Assert.Equal((path, isTaken), (path, answer.StatusCode != HttpStatusCode.Forbidden));
        }
    }

    [Fact]
    public async Task A_cookie_says_nothing_in_what_another_site_reads_and_beside_a_token()
    {
        using var browser = await nodes.SignedInAsync();
        foreach (var (site, status) in new[] { ("same-origin", 200), ("none", 200), (null, 200), ("cross-site", 401), ("same-site", 401) })
            Assert.Equal((site, status), (site, (int)await browser.StatusAsync(Workspaces, site)));

        using var request = new HttpRequestMessage(HttpMethod.Get, Workspaces);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer none");
        using var answer = await browser.SendAsync(request, "same-origin");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task Signing_in_makes_another_session_always_and_ends_the_one_before()
    {
        using var browser = await nodes.SignedInAsync();
        var before = browser.Cookies["results"];
        using (await browser.SignInAsync(TestClients.OtherAccount, TestClients.Secret))
        {
        }

        Assert.NotEqual(before, browser.Cookies["results"]);
        Assert.Equal(TestClients.AccountTwo.ToString(), (string)(await browser.JsonAsync("/explorer/session"))["account"]!);
        browser.Cookies["results"] = before;
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync(Workspaces));

        // What somebody else has put there is not taken up.
        foreach (var madeUp in new[] { new string('A', 64), "", "%00", new string('a', 5_000) })
        {
            browser.Cookies["results"] = madeUp;
            Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync(Workspaces));
            using (await browser.SignInAsync(TestClients.Reader, TestClients.Secret))
                Assert.NotEqual(madeUp, browser.Cookies["results"]);
        }
    }

    [Fact]
    public async Task A_wrong_secret_and_an_unknown_client_are_refused_alike_and_counted_as_for_tokens()
    {
        using var browser = nodes.Browser().At(nodes.Second);
        var said = new List<string>();
        foreach (var (client, secret) in new[] { (TestClients.Reader, "wrong"), ("nobody", TestClients.Secret), (TestClients.OtherAccount, "") })
        {
            using var answer = await browser.SignInAsync(client, secret);
            said.Add($"{(int)answer.StatusCode} {(await answer.Content.ReadFromJsonAsync<System.Text.Json.Nodes.JsonObject>(Cancelled))!["detail"]}");
        }

        Assert.Equal("401 The client is unknown or its secret is wrong.", Assert.Single(said.Distinct(StringComparer.Ordinal)));
        using (var malformed = await browser.PostAsync("/explorer/sign-in", new { clientId = TestClients.Reader }))
            Assert.Equal(HttpStatusCode.BadRequest, malformed.StatusCode);
        using (var large = await browser.SignInAsync(TestClients.Reader, new string('x', SignIn.MaxBytes)))
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        using (var tooMany = await browser.SignInAsync(TestClients.Reader, "wrong"))
            Assert.Equal((HttpStatusCode.TooManyRequests, true), (tooMany.StatusCode, tooMany.Headers.RetryAfter is not null));
        Assert.Empty(browser.Cookies);

        // The right one is never refused for what others did.
        using var right = await browser.SignInAsync(TestClients.Reader, TestClients.Secret);
        Assert.Equal(HttpStatusCode.NoContent, right.StatusCode);
    }

    [Fact]
    public async Task Who_signed_in_and_who_read_is_in_the_audit_and_no_secret_is_in_a_table()
    {
        var session = Guid.NewGuid();
        using var browser = await nodes.SignedInAsync(TestClients.Changing);
        Assert.Equal(HttpStatusCode.NotFound, await browser.StatusAsync($"/api/v3/sessionResults/{session}"));
        using (await browser.SignInAsync(TestClients.Changing, "wrong"))
        {
        }

        await Wait.UntilAsync(async () => await nodes.SqlAsync($"""
            select count(*) from results.audit where client = '{TestClients.Changing}' and account = '{TestClients.AccountOne}'
                and ((kind = 'token' and action = 'POST /explorer/sign-in' and outcome in ('204', '401')) or (kind = 'read' and subject = '{session}'))
            """) is 3L);

        var rows = (string)(await nodes.SqlAsync("select string_agg(b::text, ' ') from results.browser_sessions b"))!;
        Assert.DoesNotContain(browser.Cookies["results"], rows, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexString(System.Buffers.Text.Base64Url.DecodeFromChars(browser.Cookies["results"]))[..64], rows, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_session_ends_when_it_is_old_or_idle_and_what_is_over_is_swept()
    {
        foreach (var (what, set) in new[] { ("old", "created_at = now() - interval '12 hours'"), ("idle", "used_at = now() - interval '1 hour'") })
        {
            using var browser = await nodes.SignedInAsync(TestClients.WriteOnly);
            Assert.True((bool)(await browser.JsonAsync("/explorer/session"))["signedIn"]!);
            await nodes.SqlAsync($"update results.browser_sessions set {set} where caller = '{TestClients.WriteOnly}'");
            Assert.Equal((what, false), (what, (bool)(await browser.JsonAsync("/explorer/session"))["signedIn"]!));
            Assert.Empty(browser.Cookies);
        }

        await using (var connection = await nodes.First.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled))
            Assert.InRange(await nodes.First.Services.GetRequiredService<BrowserSessions>().SweepAsync(connection, Cancelled), 2, 1_000);
        Assert.Equal(0L, await nodes.SqlAsync($"select count(*) from results.browser_sessions where caller = '{TestClients.WriteOnly}'"));

        // A request is a use.
        using var used = await nodes.SignedInAsync(TestClients.WriteOnly);
        await nodes.SqlAsync($"update results.browser_sessions set used_at = now() - interval '59 minutes' where caller = '{TestClients.WriteOnly}'");
        Assert.True((bool)(await used.JsonAsync("/explorer/session"))["signedIn"]!);
        Assert.Equal(true, await nodes.SqlAsync($"select used_at > now() - interval '1 minute' from results.browser_sessions where caller = '{TestClients.WriteOnly}'"));
    }

    [Fact]
    public async Task A_client_has_so_many_sessions_and_the_oldest_ends_for_a_new_one()
    {
        using var oldest = await nodes.SignedInAsync(TestClients.OtherWorkspace);
        using var next = await nodes.SignedInAsync(TestClients.OtherWorkspace);
        for (var more = 2; more < BrowserSessions.MaxOfCaller; more++)
            (await nodes.SignedInAsync(TestClients.OtherWorkspace)).Dispose();
        Assert.Equal(HttpStatusCode.OK, await oldest.StatusAsync(Workspaces));

        (await nodes.SignedInAsync(TestClients.OtherWorkspace)).Dispose();
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await oldest.StatusAsync(Workspaces), await next.StatusAsync(Workspaces)));
        Assert.Equal((long)BrowserSessions.MaxOfCaller, await nodes.SqlAsync($"select count(*) from results.browser_sessions where caller = '{TestClients.OtherWorkspace}'"));
    }

    [Fact]
    public async Task A_session_ends_with_the_secret_that_was_given_and_with_its_client()
    {
        var (id, secret) = await nodes.AddClientAsync();
        using var admin = await AppFixture.ClientAsync(nodes.First, TestClients.Privacy);
        using var first = nodes.Browser();
        using (var signedIn = await first.SignInAsync(id, secret))
            Assert.Equal(HttpStatusCode.NoContent, signedIn.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await first.StatusAsync(Workspaces));

        using var rotated = await admin.PostAsync(new Uri($"/api/v3/clients/{id}/secret?oldHours=0", UriKind.Relative), content: null, Cancelled);
        var body = (await rotated.Content.ReadFromJsonAsync<System.Text.Json.Nodes.JsonObject>(Cancelled))!;
        Assert.True(rotated.IsSuccessStatusCode, body.ToJsonString());
        Assert.Equal(HttpStatusCode.Unauthorized, await first.StatusAsync(Workspaces));

        using var second = nodes.Browser();
        using (var signedIn = await second.SignInAsync(id, (string)body["secret"]!))
            Assert.Equal(HttpStatusCode.NoContent, signedIn.StatusCode);
        // Also where the new secret is not known yet.
        using var onOther = second.At(nodes.Second);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await onOther.StatusAsync(Workspaces), await second.StatusAsync(Workspaces)));

        using (var revoked = await admin.DeleteAsync(new Uri($"/api/v3/clients/{id}", UriKind.Relative), Cancelled))
            Assert.True(revoked.IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await second.StatusAsync(Workspaces));
        Assert.False((bool)(await second.JsonAsync("/explorer/session"))["signedIn"]!);
        Assert.False(await StillThereAsync(id));
    }

    private async Task<bool> StillThereAsync(string id) => await nodes.SqlAsync($"select count(*) from results.browser_sessions where caller = '{id}'") is not 0L;
}
