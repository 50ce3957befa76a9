using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Explorer;

/// <summary>Classes that sign in at the same nodes.</summary>
[CollectionDefinition(nameof(ExplorerNodes))]
public sealed class ExplorerNodesCollection : ICollectionFixture<ExplorerNodes>;

/// <summary>Two nodes in Production on one database, with an OpenID provider by which people sign in.</summary>
public sealed partial class ExplorerNodes : IAsyncLifetime
{
    /// <summary>Refused requests for tokens of the second node, from one address.</summary>
    public const int FailuresOfSecond = 5;

    private readonly TempFolder _data = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private Process? _process;

    public IAlbaHost First { get; private set; } = null!;

    public IAlbaHost Second { get; private set; } = null!;

    /// <summary>The provider's address.</summary>
    public string Provider { get; private set; } = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await NodeTools.NeedAsync();
        (_process, var said) = await NodeTools.StartAsync("oidc.mjs");
        Provider = said.Split(' ')[^1];
        var database = await TestDatabase.CreateAsync();
        KeyValuePair<string, string?>[] settings =
        [
            .. TestClients.Settings(),
            new(AppFixture.ConnectionString, database),
            new("Explorer:MediaOrigins:0", "https://media.example"),
            new("Issuers:0:Authority", "http://127.0.0.1:1"),
            new("Issuers:0:Audience", "results-api"),
            new("Issuers:0:Accounts:0", TestClients.AccountOne.ToString()),
            new("Issuers:0:Explorer:ClientId", "explorer"),
            new("Issuers:0:Explorer:Name", "Nobody"),
            new("Issuers:1:Authority", Provider),
            new("Issuers:1:Audience", "results-api"),
            new("Issuers:1:Accounts:0", TestClients.AccountOne.ToString()),
            new("Issuers:1:AccountClaim", "account"),
            new("Issuers:1:Explorer:ClientId", "explorer"),
            new("Issuers:1:Explorer:ClientSecret", "secret"),
            new("Issuers:1:Explorer:Resource", "https://results-api/"),
            new("Issuers:1:Explorer:Scopes:0", "studies:read"),
            new("Issuers:1:Explorer:Scopes:1", "offline_access"),
        ];
        First = await AppFixture.StartAsync("Production", _data, settings);
        // What strangers send to the first does not count against its limits, which are those of all tests.
        Second = await AppFixture.StartAsync(
            "Production", _data, [.. settings, new("RateLimiting:TokenFailuresPerMinute", FailuresOfSecond.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        await ClaimAsync(TestClients.AccountOne, TestClients.WorkspaceA);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in new[] { First, Second })
        {
            if (host is not null)
                await host.DisposeAsync();
        }

        _process?.Kill();
        _process?.Dispose();
        _http.Dispose();
        _data.Dispose();
    }

    internal Browser Browser(string address = "http://localhost") => new(First, address);

    /// <summary>A browser that has signed in as a client.</summary>
    internal async Task<Browser> SignedInAsync(string client = TestClients.Reader)
    {
        var browser = Browser();
        using var answer = await browser.SignInAsync(client, TestClients.Secret);
        Assert.Equal(System.Net.HttpStatusCode.NoContent, answer.StatusCode);
        return browser;
    }

    /// <summary>What the provider's tokens say from now on.</summary>
    internal async Task ClaimAsync(Guid account, params Guid[] workspaces)
    {
        using var answer = await _http.PostAsJsonAsync($"{Provider}/claims", new { account, workspaces }, Cancelled);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Changes the provider: <c>/lifetime?seconds=</c> of access tokens; <c>/end</c> has it forget whom it knows.</summary>
    internal async Task ProviderAsync(string path)
    {
        using var answer = await _http.PostAsync(new Uri(Provider + path), content: null, Cancelled);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Goes through the provider's pages, where everybody is known at once, and gives the address that it sends the browser back to.</summary>
    /// <param name="begin">The address at the provider.</param>
    /// <param name="cookies">The provider's cookies, which it knows somebody by.</param>
    internal async Task<Uri> ThroughProviderAsync(Uri begin, Dictionary<string, string>? cookies = null)
    {
        cookies ??= new(StringComparer.Ordinal);
        for (var (at, steps) = (begin, 0); steps < 10; steps++)
        {
            using var answer = await AtProviderAsync(new HttpRequestMessage(HttpMethod.Get, at), cookies);
            Assert.True(answer.Headers.Location is not null, await answer.Content.ReadAsStringAsync(Cancelled));
            at = new Uri(at, answer.Headers.Location);
            if (at.Host == "localhost")
                return at;
        }

        throw new InvalidOperationException("the provider goes round in circles");
    }

    /// <summary>Goes to the provider's page for signing out, says yes, and gives the address that it sends the browser back to.</summary>
    internal async Task<Uri?> SignOutAtProviderAsync(Uri begin, Dictionary<string, string> cookies)
    {
        using var page = await AtProviderAsync(new HttpRequestMessage(HttpMethod.Get, begin), cookies);
        var asked = Confirmation().Match(await page.Content.ReadAsStringAsync(Cancelled));
        using var said = await AtProviderAsync(
            new HttpRequestMessage(HttpMethod.Post, $"{Provider}/session/end/confirm")
            {
                Content = new FormUrlEncodedContent([new("xsrf", asked.Groups["value"].Value), new("logout", "yes")]),
            },
            cookies);
        return said.Headers.Location;
    }

    /// <summary>A browser that has signed in by the provider, and where it was sent.</summary>
    internal async Task<(Browser Browser, string ReturnedTo)> SignedInByProviderAsync(string returnTo = "/", Dictionary<string, string>? cookies = null)
    {
        var browser = Browser();
        using var begun = await browser.GetAsync($"/explorer/sign-in/1?returnTo={Uri.EscapeDataString(returnTo)}");
        var back = await ThroughProviderAsync(begun.Headers.Location!, cookies);
        using var ended = await browser.GetAsync(back.PathAndQuery, "cross-site");
        return (browser, ended.Headers.Location!.ToString());
    }

    /// <summary>The first value of what a statement returns.</summary>
    internal async Task<object?> SqlAsync(string sql)
    {
        await using var command = First.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancelled);
    }

    /// <summary>A client of the database with its secret, added by one that may.</summary>
    internal async Task<(string Id, string Secret)> AddClientAsync()
    {
        using var admin = await AppFixture.ClientAsync(First, TestClients.Privacy);
        using var added = await admin.PostAsJsonAsync(
            "/api/v3/clients", new { name = "of a browser", workspaces = new[] { TestClients.WorkspaceA }, scopes = new[] { Scopes.StudiesRead } }, Cancelled);
        var client = (await added.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>(Cancelled))!;
        return ((string)client["client"]!["clientId"]!, (string)client["secret"]!);
    }

    [GeneratedRegex("name=\"xsrf\" value=\"(?<value>[^\"]+)\"", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Confirmation();

    private async Task<HttpResponseMessage> AtProviderAsync(HttpRequestMessage request, Dictionary<string, string> cookies)
    {
        using var sent = request;
        if (cookies.Count > 0)
            request.Headers.Add("Cookie", string.Join("; ", cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        var answer = await _http.SendAsync(request, Cancelled);
        foreach (var set in answer.Headers.TryGetValues("Set-Cookie", out var all) ? all : [])
            cookies[set[..set.IndexOf('=', StringComparison.Ordinal)]] = set[(set.IndexOf('=', StringComparison.Ordinal) + 1)..].Split(';')[0];
        return answer;
    }
}
