using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.Mcp;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Mcp;

/// <summary>Who may ask the server for agents, and from where.</summary>
public sealed class McpAccessTests(AppFixture app)
{
    private const string Metadata = "resource_metadata=\"http://localhost:5080/.well-known/oauth-protected-resource/mcp\"";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_token_the_challenge_names_the_metadata_that_names_the_resource()
    {
        using var http = app.Anonymous();
        using var refused = await PostAsync(http, Call("list_tests"));
        http.DefaultRequestHeaders.Authorization = new("Bearer", "nonsense");
        using var wrong = await PostAsync(http, Call("list_tests"));

        Assert.Equal((HttpStatusCode.Unauthorized, $"Bearer realm=\"results\", {Metadata}"), (refused.StatusCode, refused.Headers.WwwAuthenticate.ToString()));
        Assert.Equal((HttpStatusCode.Unauthorized, $"Bearer error=\"invalid_token\", {Metadata}"), (wrong.StatusCode, wrong.Headers.WwwAuthenticate.ToString()));
        http.DefaultRequestHeaders.Authorization = null;
        var metadata = await http.JsonAsync("/.well-known/oauth-protected-resource/mcp");
        Assert.Equal(("http://localhost:5080/mcp", """["studies:read"]"""), ((string)metadata["resource"]!, metadata["scopes_supported"]!.ToJsonString()));
        Assert.Equal("""["http://localhost:5080/"]""", metadata["authorization_servers"]!.ToJsonString());
    }

    [Fact]
    public async Task Without_the_scope_it_is_refused_and_the_challenge_names_it()
    {
        using var http = await app.ClientAsync(TestClients.WriteOnly);
        using var refused = await PostAsync(http, Call("list_tests"));

        Assert.Equal(
            (HttpStatusCode.Forbidden, $"Bearer error=\"insufficient_scope\", scope=\"studies:read\", {Metadata}"),
            (refused.StatusCode, refused.Headers.WwwAuthenticate.ToString()));
    }

    [Theory]
    [InlineData(null, HttpStatusCode.OK)]
    [InlineData("http://localhost:5080", HttpStatusCode.OK)]
    [InlineData("HTTP://LOCALHOST:5080", HttpStatusCode.OK)]
    [InlineData("http://localhost", HttpStatusCode.Forbidden)]
    [InlineData("http://localhost:5081", HttpStatusCode.Forbidden)]
    [InlineData("https://localhost:5080", HttpStatusCode.Forbidden)]
    [InlineData("http://rebound.example:5080", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    public async Task A_page_of_another_origin_may_not_ask(string? origin, HttpStatusCode expected)
    {
        using var http = await app.ClientAsync(TestClients.ReadOnly);
        using var answer = await PostAsync(http, Call("list_tests"), origin);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task A_call_counts_as_a_read()
    {
        using var http = await app.ClientAsync(TestClients.ReadOnly);
        using var answer = await PostAsync(http, Call("list_tests"));
        Assert.StartsWith("\"default\"", answer.Headers.GetValues("RateLimit-Policy").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_are_no_sessions_of_the_protocol()
    {
        using var http = await app.ClientAsync(TestClients.ReadOnly);
        using var answer = await PostAsync(http, Call("list_tests"));
        using var opened = await http.GetAsync(new Uri(McpSetup.Path, UriKind.Relative), Cancelled);
        using var ended = await http.DeleteAsync(new Uri(McpSetup.Path, UriKind.Relative), Cancelled);

        Assert.False(answer.Headers.Contains("Mcp-Session-Id"));
        Assert.Equal((HttpStatusCode.MethodNotAllowed, HttpStatusCode.MethodNotAllowed), (opened.StatusCode, ended.StatusCode));
    }

    [Theory]
    [InlineData("nonsense", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("[]", "application/json", HttpStatusCode.BadRequest)]
    [InlineData("{}", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    public async Task What_is_no_message_is_refused(string body, string type, HttpStatusCode expected)
    {
        using var http = await app.ClientAsync(TestClients.ReadOnly);
        using var answer = await PostAsync(http, body, type: type);
        Assert.Equal(expected, answer.StatusCode);
    }

    /// <summary>An id of the account alone is of no use to a client of another workspace or account.</summary>
    [Theory]
    [InlineData(TestClients.OtherWorkspace)]
    [InlineData(TestClients.OtherAccount)]
    [InlineData(TestClients.OtherAccountWithWorkspaceA)]
    public async Task A_stranger_reads_nothing(string stranger)
    {
        using var owner = await app.ClientAsync();
        using var http = await app.ClientAsync(stranger);
        var session = TestData.Session();
        await owner.RecordAsync(session);

        Assert.True((bool)(await CallAsync(http, "get_session", session.Id))["isError"]!);
        Assert.Null((await CallAsync(owner, "get_session", session.Id))["isError"]?.GetValue<bool>() is true ? "refused" : null);
    }

    private static string Call(string tool, JsonObject? arguments = null) => new JsonObject
    {
        ["jsonrpc"] = "2.0",
        ["id"] = 1,
        ["method"] = "tools/call",
        ["params"] = new JsonObject { ["name"] = tool, ["arguments"] = arguments ?? [] },
    }.ToJsonString();

    private static async Task<JsonNode> CallAsync(HttpClient http, string tool, Guid session)
    {
        using var answer = await PostAsync(http, Call(tool, new JsonObject { ["sessionId"] = session.ToString() }));
        var events = await answer.Content.ReadAsStringAsync(Cancelled);
        var data = events.Split('\n').Single(line => line.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..];
        return JsonNode.Parse(data)!["result"]!;
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string body, string? origin = null, string type = "application/json")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(McpSetup.Path, UriKind.Relative)) { Content = new StringContent(body, Encoding.UTF8, type) };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        return http.SendAsync(request, Cancelled);
    }
}
