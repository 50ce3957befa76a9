using System.Text.Json.Nodes;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Hosting;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.OpenApi;

/// <summary>What others make of the API's description, against the service in a process of its own with the sample sessions.</summary>
public sealed class ClientTests(ClientTests.Service service) : IClassFixture<ClientTests.Service>
{
    private static readonly Guid DemoWorkspace = Guid.Parse("0d3a0000-0000-4000-8000-0000000000a1");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The client is generated, compiled under strict rules, and run: what does not fit the description fails to compile, or to run.</summary>
    [Fact]
    public async Task A_generated_TypeScript_client_goes_the_tour_and_through_every_endpoint()
    {
        await NodeTools.NeedAsync();
        await GeneratedClients.TypeScriptAsync();

        // The tour's session is there before the totals are, which the client compares with the lists.
        var address = service.Address.ToString().TrimEnd('/');
        var saw = JsonNode.Parse(await NodeAsync("generated/js/tour.js", address))!;

        Assert.Equal("""{"score":9,"category":"PROMOTER"}""", saw["nps"]!.ToJsonString());
        Assert.Equal(("NPS", "Bearer"), ((string)saw["v2"]!, (string)saw["tokenType"]!));
        Assert.Equal((2, 0), ((int)saw["first"]!["accepted"]!, (int)saw["first"]!["duplicates"]!));
        Assert.Equal((0, 2), ((int)saw["again"]!["accepted"]!, (int)saw["again"]!["duplicates"]!));
        Assert.Equal("""{"limit":["must be a whole number from 1 to 500"]}""", saw["refused"]!.ToJsonString());
        Assert.Equal("""{"name":"Losing a card","all":true,"status":"GENERATED"}""", saw["seen"]!["reel"]!.ToJsonString());
        Assert.Equal(
            """[{"title":"Reporting a lost card","sessions":1,"tasks":6,"nps":[100]}]""",
            new JsonArray([.. saw["studies"]!.AsArray().Where(study => (string)study!["title"]! == "Reporting a lost card").Select(study => study!.DeepClone())]).ToJsonString());
        (string Sample, string Expected)[] sessions =
        [
            ("survey", """{"product":"SURVEY","status":"COMPLETE","tasks":11,"transcript":404,"video":404,"clips":404,"scores":404}"""),
            ("survey-abandoned", """{"product":"SURVEY","status":"ABANDONED","tasks":2,"transcript":404,"video":404,"clips":404,"scores":404}"""),
            ("interaction-test", """{"product":"NON_THINK_OUT_LOUD","status":"COMPLETE","tasks":6,"transcript":404,"video":404,"clips":404,"scores":[72.4]}"""),
            ("live-conversation", """{"product":"LIVE_CONVERSATION","status":"COMPLETE","tasks":5,"transcript":"WEBVTT","video":404,"clips":404,"scores":404}"""),
            ("think-out-loud", """{"product":"THINK_OUT_LOUD","status":"COMPLETE","tasks":6,"transcript":"WEBVTT","video":"3600","clips":["GENERATED","ERROR"],"scores":404}"""),
        ];
        foreach (var (sample, expected) in sessions)
            Assert.Equal((sample, expected), (sample, saw["seen"]![Samples.SessionOf(sample).ToString()]!.ToJsonString()));
    }

    /// <summary>
    /// A session with everything, one whose optional members are all null, and one that has only begun; what each client saw of them is
    /// compared with what the service answers.
    /// </summary>
    [Theory]
    [InlineData("openapi-typescript")]
    [InlineData("hey-api")]
    [InlineData("orval")]
    [InlineData("NSwag")]
    [InlineData("Kiota")]
    public async Task A_generated_client_reads_sessions_walks_a_list_sends_events_and_reads_problems(string generator)
    {
        if (generator is not ("NSwag" or "Kiota"))
            await NodeTools.NeedAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        var (test, session) = (Guid.NewGuid(), Guid.NewGuid());
        SessionBuilder[] sessions =
        [
            TestData.SessionWithEverything(DemoWorkspace, test).WithAnswer(new JsonObject { ["type"] = "HOLOGRAM", ["angle"] = 3 }),
            TestData.SessionOfNulls(DemoWorkspace, test),
            TestData.Session(DemoWorkspace, test),
        ];
        foreach (var sent in sessions)
            await http.RecordAsync(sent);

        var saw = JsonNode.Parse(await GeneratedClients.GoAsync(generator, service.Address.ToString().TrimEnd('/'), test, session, DemoWorkspace))!.AsObject();
        var expected = new JsonObject
        {
            ["tokenType"] = "Bearer",
            ["sessions"] = new JsonObject(),
            ["transcript"] = "WEBVTT",
            ["sent"] = new JsonArray("2 0 appended", "0 2 duplicate"),
            ["lines"] = "1 1 2",
            ["after"] = "COMPLETE",
            ["refused"] = new JsonArray("data.answer.score"),
            ["beyond"] = "400 must be a whole number from 1 to 500",
        };
        foreach (var summary in (await http.JsonAsync($"/api/v2/sessionResults?testId={test}&status=IN_PROGRESS&status=COMPLETE"))["sessions"]!.AsArray())
        {
            var id = (Guid)summary!["sessionId"]!;
            expected["sessions"]![id.ToString()] = SeenByClient.Of(await http.ResultAsync(id), await http.ResultAsync(id, "v2"));
        }

        Assert.Equal(sessions.Select(sent => sent.Id).Order(), expected["sessions"]!.AsObject().Select(seen => Guid.Parse(seen.Key)).Order());
        Assert.Equal(expected.ToJsonString(), saw.ToJsonString());
    }

    [Fact]
    public async Task The_page_opens_in_a_browser_sends_a_request_and_asks_nobody_else_for_anything()
    {
        await NodeTools.NeedAsync();
        using var http = new HttpClient { BaseAddress = service.Address };
        var saw = JsonNode.Parse(await NodeAsync(
            "docs-page.mjs", new Uri(service.Address, "docs").ToString(), await Tokens.AskAsync(http, TestClients.Demo), "/api/v3/sessionResults/{sessionId}"));
        Assert.SkipWhen(saw is null, "There is no Chromium on this machine; tests/run.sh installs it.");

        var session = SampleSession();
        Assert.Equal(("Results API", $"/api/v3/sessionResults/{session}", 200, "200 OK"), ((string)saw["title"]!, (string)saw["sent"]!, (int)saw["status"]!, (string)saw["shown"]!));
        Assert.Equal(session, (Guid)saw["body"]!["sessionId"]!);
        Assert.Equal("[]", saw["errors"]!.ToJsonString());
        Assert.Equal([service.Address.Authority], saw["hosts"]!.AsArray().Select(host => (string)host!));

        static Guid SampleSession() => Samples.SessionOf("think-out-loud");
    }

    [Fact]
    public async Task The_page_is_confined_to_this_service()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = service.Address };
        using var page = await http.ReadAsync("/docs/");
        using var script = await http.ReadAsync("/docs/scalar.js");

        Assert.StartsWith("default-src 'none'; script-src 'self'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        using var again = await http.ReadAsync("/docs/");
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.NotEqual(policy, again.Headers.GetValues("Content-Security-Policy").Single());
        var nonce = policy.Split("'nonce-")[1].Split('\'')[0];
        var html = await page.Content.ReadAsStringAsync(Cancelled);
        Assert.Equal(html.Split("<script").Length, html.Split($"nonce=\"{nonce}\"").Length);
        Assert.Equal(("no-store, private", "no-store, private"), (page.Headers.CacheControl?.ToString(), script.Headers.CacheControl?.ToString()));
        Assert.Equal((null, null), (page.Headers.ETag, script.Headers.ETag));
        Assert.InRange((await script.Content.ReadAsByteArrayAsync(Cancelled)).Length, 100_000, 10_000_000);
    }

    /// <summary>Waits until a service in Development has its sample sessions in the totals of their tests.</summary>
    internal static async Task UntilCountedAsync(Uri address)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        await Wait.UntilAsync(async () => (int)(await http.JsonAsync("/api/v2/testResults"))["meta"]!["pagination"]!["totalCount"]! == 4);
    }

    private static Task<string> NodeAsync(params string[] arguments) => GeneratedClients.RunAsync("node", arguments);

    /// <summary>The service as <c>dotnet run</c> starts it, once it has counted its sample sessions.</summary>
    public sealed class Service : IAsyncLifetime
    {
        private readonly TempFolder _data = new();
        private ServiceProcess _process = null!;

        public Uri Address => _process.Address;

        public async ValueTask InitializeAsync()
        {
            _process = ServiceProcess.Start(
                ("ASPNETCORE_ENVIRONMENT", "Development"), ("ConnectionStrings__results", await TestDatabase.CreateAsync()), (DataFolder.Variable, _data.Path),
                ("RateLimiting__AnonymousPerMinute", "100000"), ("RateLimiting__ReadsPerMinute", "100000"), ("RateLimiting__TokensPerMinute", "100000"),
                // Streams end a moment after their client has left.
                ("Shares__Followers__PerClient", "100"), ("Shares__Followers__PerAccount", "100"), ("Shares__Followers__PerNode", "100"));
            await _process.UntilSaysAsync("/api/v3/sessionResults/");
            _process.Ignore();

            await UntilCountedAsync(Address);
        }

        public ValueTask DisposeAsync()
        {
            _process?.Dispose();
            _data.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
