using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ResultsEs.Access;
using ResultsEs.Explorer;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Explorer;

/// <summary>The explorer's page and files, as a browser gets them.</summary>
public sealed partial class ExplorerSiteTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_address_of_a_page_answers_the_same_page_under_a_strict_policy()
    {
        using var http = app.Anonymous();
        var pages = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in new[] { "/", "/tests/24422850-abc3-4525-9567-e2fd4bd0adcb?status=COMPLETE", "/sessions/any", "/operating", "/sign-in" })
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancelled);
            Assert.Equal((HttpStatusCode.OK, "text/html"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
            Assert.Equal("no-store, private", answer.Headers.CacheControl!.ToString());
            Assert.Matches(
                "^default-src 'none'; script-src 'self' 'sha256-[A-Za-z0-9+/]{43}='; style-src 'self'; img-src 'self' data: http://localhost:9000; "
                + "media-src 'self' blob: http://localhost:9000; connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$",
                answer.Headers.GetValues("Content-Security-Policy").Single());
            pages.Add(await answer.Content.ReadAsStringAsync(Cancelled));
        }

        Assert.DoesNotMatch("style=|onclick=|<style", Assert.Single(pages));
    }

    [Fact]
    public async Task Files_are_kept_for_ever_at_an_address_of_their_content_and_are_nowhere_else()
    {
        using var http = app.Anonymous();
        var page = await http.GetStringAsync(new Uri("/", UriKind.Relative), Cancelled);
        var map = JsonNode.Parse(ImportMap().Match(page).Groups["map"].Value)!["imports"]!.AsObject().Select(one => (string)one.Value!);
        var files = map.Concat(Links().Matches(page).Select(link => link.Groups["path"].Value)).ToList();
        Assert.InRange(files.Count, 11, 30);
        foreach (var file in files)
        {
            using var answer = await http.GetAsync(new Uri(file, UriKind.Relative), Cancelled);
            using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, file), Cancelled);
            Assert.Equal((file, HttpStatusCode.OK, "public, max-age=31536000, immutable", "nosniff"), (file, answer.StatusCode, answer.Headers.GetValues("Cache-Control").Single(), answer.Headers.GetValues("X-Content-Type-Options").Single()));
            Assert.Equal(answer.Content.Headers.ContentLength, head.Content.Headers.ContentLength);

            using var asked = new HttpRequestMessage(HttpMethod.Get, file);
            asked.Headers.Add("Accept-Encoding", "gzip, br;q=0.5");
            using var packed = await http.SendAsync(asked, Cancelled);
            await using var unpacked = new System.IO.Compression.BrotliStream(await packed.Content.ReadAsStreamAsync(Cancelled), System.IO.Compression.CompressionMode.Decompress);
            using var whole = new MemoryStream();
            await unpacked.CopyToAsync(whole, Cancelled);
            Assert.Equal((file, "br"), (file, Assert.Single(packed.Content.Headers.ContentEncoding)));
            Assert.Equal(await answer.Content.ReadAsByteArrayAsync(Cancelled), whole.ToArray());
        }

        foreach (var path in new[] { $"/explorer/{ExplorerSite.Hash[1..]}0/app.js", $"/explorer/{ExplorerSite.Hash}/none.js", $"/explorer/{ExplorerSite.Hash}/index.html", $"/explorer/{ExplorerSite.Hash}/%2e%2e/openapi.json", $"/explorer/{ExplorerSite.Hash}" })
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancelled);
            Assert.Equal((path, HttpStatusCode.NotFound, "no-store, private"), (path, answer.StatusCode, answer.Headers.CacheControl!.ToString()));
        }
    }

    [Fact]
    public async Task In_Development_the_demo_client_is_signed_in_by_itself_until_the_user_signs_out()
    {
        using var browser = new Browser(app.Host);
        var session = await browser.JsonAsync("/explorer/session");
        Assert.Equal((true, true, "demo"), ((bool)session["signedIn"]!, (bool)session["isAutomatic"]!, (string)session["name"]!));
        // So all of the page for operators is there.
        Assert.Equal(
            Scopes.All.Except([Scopes.PrivacyRead], StringComparer.Ordinal).Order(StringComparer.Ordinal),
            session["scopes"]!.AsArray().Select(scope => (string)scope!).Order(StringComparer.Ordinal));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await browser.StatusAsync("/v1/workspaces"), await browser.StatusAsync("/explorer/session")));
        Assert.True((bool)(await browser.JsonAsync("/explorer/session"))["isAutomatic"]!);

        using (var signedOut = await browser.PostAsync("/explorer/sign-out"))
            Assert.Equal(HttpStatusCode.NoContent, signedOut.StatusCode);
        Assert.False((bool)(await browser.JsonAsync("/explorer/session"))["signedIn"]!);
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.StatusAsync("/v1/workspaces"));

        using (var signedIn = await browser.SignInAsync(TestClients.Reader, TestClients.Secret))
            Assert.Equal(HttpStatusCode.NoContent, signedIn.StatusCode);
        session = await browser.JsonAsync("/explorer/session");
        Assert.Equal((true, false, TestClients.Reader), ((bool)session["signedIn"]!, (bool)session["isAutomatic"]!, (string)session["name"]!));

        // Another site's page makes nobody a session.
        using var foreign = new Browser(app.Host);
        using var asked = await foreign.GetAsync("/explorer/session", "cross-site");
        Assert.Empty(foreign.Cookies);
    }

    [Theory]
    [InlineData(null, "/")]
    [InlineData("", "/")]
    [InlineData("/", "/")]
    [InlineData("/tests/1?status=COMPLETE&status=ABANDONED", "/tests/1?status=COMPLETE&status=ABANDONED")]
    [InlineData("/sessions/1?version=3", "/sessions/1?version=3")]
    [InlineData("/operating#x", "/operating")]
    [InlineData("/tests/ä", "/tests/%C3%A4")]
    [InlineData("//evil.example/tests/1", "/")]
    [InlineData("/\\evil.example/tests/1", "/")]
    [InlineData("/tests/1\r\nSet-Cookie: a=b", "/")]
    [InlineData("https://evil.example/", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("/tests/../oauth2/token", "/")]
    [InlineData("/tests/1/../../../../docs", "/")]
    [InlineData("/sign-in", "/")]
    [InlineData("/explorer/sign-in/0", "/")]
    [InlineData("/api/v2/testResults", "/")]
    public void After_signing_in_a_page_of_the_explorer_is_shown_and_nothing_else(string? asked, string shown) => Assert.Equal(shown, ReturnTo.Of(asked));

    [Fact]
    public void An_address_that_is_too_long_leads_to_the_first_page() => Assert.Equal("/", ReturnTo.Of("/tests/" + new string('a', 1_000)));

    [Fact]
    public async Task Where_it_is_turned_off_there_is_nothing_of_it_and_no_cookie_counts()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, [.. TestClients.Settings(firstIndex: 1), new("Explorer:Enabled", "false")]);
        using var browser = new Browser(host);
        foreach (var path in new[] { "/", "/tests/1", "/sign-in", "/explorer/session", $"/explorer/{ExplorerSite.Hash}/app.js", "/explorer/callback" })
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, await browser.StatusAsync(path)));
        using var signIn = await browser.SignInAsync(TestClients.Demo, TestClients.DemoSecret);
        Assert.Equal(HttpStatusCode.Unauthorized, signIn.StatusCode);
        Assert.Empty(browser.Cookies);
    }

    [Fact]
    public void Settings_name_what_is_wrong_with_them()
    {
        Assert.Equal(
            ["Explorer:MediaOrigins:1 must be an origin, such as https://media.example, without a path."],
            ExplorerOptions.Problems(new ExplorerOptions { MediaOrigins = ["https://media.example", "https://media.example/"] }));
        Assert.Equal(
            ["Issuers:0:Explorer:ClientId is missing.", "Issuers:0:Explorer:Name must have 1 to 60 characters.", "Issuers:0:Explorer:Scopes: each must be one word."],
            new ExplorerClientOptions { Name = "", Scopes = ["openid", "a b"] }.Problems("Issuers:0:Explorer"));
    }

    [GeneratedRegex("<script type=\"importmap\">(?<map>.*?)</script>", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex ImportMap();

    [GeneratedRegex("(href|src)=\"(?<path>/explorer/[^\"]+)\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Links();
}
