using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Hosting;
using ResultsEs.OpenApi;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Sessions;

namespace ResultsEs.Tests.OpenApi;

/// <summary>docs/openapi.json, what is served of it, and what it is worth.</summary>
public sealed class DescriptionTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static JsonObject Committed => JsonNode.Parse(File.ReadAllText(DescribedAnswers.File))!.AsObject();

    [Fact]
    public async Task The_committed_description_is_that_of_the_code()
    {
        Assert.True(
            (await File.ReadAllBytesAsync(DescribedAnswers.File, Cancelled)).AsSpan().SequenceEqual(ApiDescription.Json.Span),
            "docs/openapi.json is stale; a build without CI=true writes it.");
    }

    [Fact]
    public async Task The_build_writes_it_and_the_service_serves_it_to_anybody()
    {
        using var nobody = app.Anonymous();
        using var answer = await nobody.ReadAsync("/openapi/v1.json");
        using var data = new TempFolder();
        var file = Path.Combine(data.Path, "openapi.json");
        var written = await ServiceProcess.RunAsync(
            typeof(ApiDescription).Assembly.Location, [file], [("ConnectionStrings__results", "Host=nowhere.invalid")]);

        Assert.Equal(("application/json; charset=utf-8", HttpStatusCode.OK), (answer.Content.Headers.ContentType?.ToString(), answer.StatusCode));
        Assert.Equal((0, "", ""), written);
        var expected = await File.ReadAllTextAsync(DescribedAnswers.File, Cancelled);
        Assert.True(
            expected == await answer.Content.ReadAsStringAsync(Cancelled),
            "The service embeds an older docs/openapi.json than the one that this build wrote: build again, and commit the file.");
        Assert.Equal(expected, await File.ReadAllTextAsync(file, Cancelled));
    }

    [Fact]
    public void Every_route_is_described_but_for_these()
    {
        string[] others =
        [
            "GET /.well-known/jwks", "GET /.well-known/openid-configuration", "GET /.well-known/oauth-authorization-server",
            "GET /.well-known/oauth-protected-resource", "GET /.well-known/oauth-protected-resource/mcp", "POST /mcp/",
            "GET /openapi/v1.json", "GET /docs/{documentName?}", "GET /docs/favicon.svg", "GET /docs/scalar.js", "GET /docs/scalar.aspnetcore.js",
            "GET /", "GET /tests/{testId}", "GET /sessions/{sessionId}", "GET /operating", "GET /sign-in", "GET /explorer/{hash}/{**path}",
            "GET /explorer/session", "POST /explorer/sign-in", "POST /explorer/sign-out", "GET /explorer/sign-out", "GET /explorer/sign-in/{issuer}", "GET /explorer/callback",
        ];
        var routes = app.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Select(method => $"{method} /{endpoint.RoutePattern.RawText!.TrimStart('/')}"))
            .Distinct(StringComparer.Ordinal);

        Assert.Equal(
            DescribedEndpoint.All.Select(endpoint => $"{endpoint.Method} {endpoint.Path}").Concat(others).Order(StringComparer.Ordinal),
            routes.Order(StringComparer.Ordinal));
    }

    /// <summary>Metrics and traces name requests by it.</summary>
    [Fact]
    public void Every_route_begins_with_a_slash() => Assert.All(
        app.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => !endpoint.RoutePattern.RawText!.TrimStart('/').StartsWith("docs", StringComparison.Ordinal)),
        endpoint => Assert.StartsWith("/", endpoint.RoutePattern.RawText, StringComparison.Ordinal));

    [Fact]
    public void Scopes_are_those_that_the_routes_ask_for()
    {
        var asked = app.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            // Agents speak a protocol of their own.
            .Where(endpoint => endpoint.RoutePattern.RawText != "/mcp/")
            .Where(endpoint => endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>()?.Policy is not null)
            .ToDictionary(
                endpoint => $"{endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]} {endpoint.RoutePattern.RawText}",
                endpoint => endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>()!.Policy!,
                StringComparer.Ordinal);

        Assert.Equal(
            asked.OrderBy(route => route.Key, StringComparer.Ordinal),
            DescribedEndpoint.All.Where(endpoint => endpoint.Scope is not null)
                .ToDictionary(endpoint => $"{endpoint.Method} {endpoint.Path}", endpoint => endpoint.Scope!, StringComparer.Ordinal)
                .OrderBy(route => route.Key, StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_linter_has_nothing_to_say()
    {
        await NodeTools.NeedAsync();
        var lint = await NodeTools.RunAsync("node", ["node_modules/@redocly/cli/bin/cli.js", "lint", DescribedAnswers.File]);

        Assert.True(lint.ExitCode == 0, lint.Output + lint.Errors);
        Assert.DoesNotContain("warning", Without(lint.Output + lint.Errors, "Deprecation warning"), StringComparison.OrdinalIgnoreCase);

        static string Without(string text, string words) => text.Replace(words, "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_example_is_what_its_schema_says()
    {
        await NodeTools.NeedAsync();
        var examples = 0;
        foreach (var (path, operations) in Committed["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                foreach (var (status, response) in operation!["responses"]!.AsObject())
                {
                    foreach (var (type, media) in response!["content"]?.AsObject() ?? [])
                    {
                        foreach (var (name, example) in media!["examples"]?.AsObject() ?? [])
                        {
                            examples++;
                            var body = example!["value"]!;
                            Assert.Equal(
                                (name, (string?)null),
                                (name, await DescribedAnswers.ProblemAsync(
                                    method.ToUpperInvariant(), path.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal),
                                    int.Parse(status, System.Globalization.CultureInfo.InvariantCulture), type, body is JsonValue text ? (string)text! : body.ToJsonString())));
                        }
                    }
                }
            }
        }

        Assert.InRange(examples, 16, 100);
    }

    /// <summary>The examples are made without a database; this compares them with what the service answers.</summary>
    [Fact]
    public async Task The_examples_are_the_answers_to_the_samples()
    {
        using var http = await app.ClientAsync(TestClients.Demo);
        foreach (var sample in Samples.Names)
        {
            using var sent = await http.SendAsync(Samples.Read(sample));
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        }

        var interaction = Samples.SessionOf("interaction-test");
        var (test, session) = (SampleAnswers.TestId, SampleAnswers.SessionId);
        (string Path, Func<JsonNode> Example)[] answers =
        [
            ($"/api/v3/sessionResults/{interaction}", SampleAnswers.V3),
            ($"/api/v2/sessionResults/{interaction}", SampleAnswers.V2),
            ($"/api/v2/sessionResults?testId={test}", SampleAnswers.SessionList),
            ($"/api/v2/sessionResults/{session}/clips", SampleAnswers.Clips),
            ($"/api/v2/testResults/{SampleAnswers.InteractionTestId}/qxScores", SampleAnswers.QxScores),
            ($"/api/v3/testResults/{SampleAnswers.InteractionTestId}/summary", () => SampleAnswers.Summaries.Test()),
            ($"/api/v3/testResults/{SampleAnswers.InteractionTestId}/tasks/{SampleAnswers.Interactions()["taskId"]}/summary", () => SampleAnswers.Summaries.TaskInNumbers()),
            ($"/api/v3/testResults/{SampleAnswers.InteractionTestId}/tasks/{SampleAnswers.Interactions()["taskId"]}/answers", () => SampleAnswers.Summaries.Answers()),
            ($"/api/v3/testResults/{SampleAnswers.InteractionTestId}/sessions", () => SampleAnswers.Summaries.Sessions()),
            ($"/api/v2/testResults/{test}/highlightreels", SampleAnswers.Reels),
            ("/api/v2/testResults", SampleAnswers.Tests),
        ];
        foreach (var (path, example) in answers)
        {
            JsonObject answer = null!;
            var expected = Comparable(example());
            // Some are of the totals, which come a moment later.
            await Wait.UntilAsync(async () => JsonNode.DeepEquals(expected, Comparable(answer = await http.JsonAsync(path))));
            Assert.Equal(SortedText(expected), SortedText(Comparable(answer)));
        }

        foreach (var (path, example) in new (string, JsonNode)[]
        {
            ("/v1/workspaces", SampleAnswers.Workspaces()),
            ($"/v1/workspaces/{SampleAnswers.WorkspaceId}", SampleAnswers.Studies()),
            ($"/v1/studies/{test}", SampleAnswers.StudyOfTest()),
        })
        {
            var text = "";
            await Wait.UntilAsync(async () => JsonNode.DeepEquals(example, JsonNode.Parse(text = await http.GetStringAsync(new Uri(path, UriKind.Relative), Cancelled))));
            Assert.Equal(SortedText(example), SortedText(JsonNode.Parse(text)!));
        }

        Assert.Equal((string)SampleAnswers.Transcript()!, await http.GetStringAsync(new Uri($"/api/v2/sessionResults/{session}/transcript", UriKind.Relative), Cancelled));

        var line = await http.GetStringAsync(new Uri($"/api/v3/testResults/{test}/sessionResults", UriKind.Relative), Cancelled);
        Assert.EndsWith("}\n", line, StringComparison.Ordinal);
        Assert.Equal(SortedText(Comparable(JsonNode.Parse((string)SampleAnswers.SessionLines()!)!)), SortedText(Comparable(JsonNode.Parse(line)!)));

        static string SortedText(JsonNode node) => SortedJson.Text(node);

        // When a session was stored is of the moment.
        static JsonNode Comparable(JsonNode node)
        {
            foreach (var summary in node["sessions"] as JsonArray ?? [])
                summary!.AsObject().Remove("updatedTime");
            (node["meta"] as JsonObject)?.Remove("asOf");
            (node as JsonObject)?.Remove("asOf");
            (node as JsonObject)?.Remove("updatedTime");
            return node;
        }
    }

    /// <summary>The check that every other test relies on.</summary>
    [Fact]
    public async Task An_answer_that_is_not_as_described_is_found()
    {
        await NodeTools.NeedAsync();
        const string Json = "application/json; charset=utf-8";
        var path = $"/api/v2/sessionResults/{Guid.NewGuid()}/clips";
        const string Clips = """{"studyUuid":"5a000000-0000-4000-8000-000000000001","clips":[]}""";
        var before = DescribedAnswers.Checked;

        Assert.Null(await DescribedAnswers.ProblemAsync("GET", path, 200, Json, Clips));
        Assert.Null(await DescribedAnswers.ProblemAsync("GET", "/elsewhere", 200, Json, "{}"));
        foreach (var (status, type, body) in new[]
        {
            (418, Json, Clips),
            (200, "text/plain", Clips),
            (200, Json, """{"clips":[]}"""),
            (200, Json, """{"studyUuid":"x","clips":[]}"""),
            (200, Json, """{"studyUuid":"5a000000-0000-4000-8000-000000000001","clips":[],"more":1}"""),
            (404, "application/problem+json", """{"status":404}"""),
        })
        {
            Assert.NotNull(await DescribedAnswers.ProblemAsync("GET", path, status, type, body));
        }

        Assert.True(DescribedAnswers.Checked >= before + 8);
    }
}
