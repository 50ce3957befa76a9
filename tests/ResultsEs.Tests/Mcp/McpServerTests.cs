using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Mcp;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Mcp;

/// <summary>
/// The server for agents, asked by the client of the npm SDK: it finds the metadata by itself, and holds each answer against
/// the schema of its tool.
/// </summary>
public sealed class McpServerTests(McpServerTests.Asked asked) : IClassFixture<McpServerTests.Asked>
{
    private static readonly string[] Names =
        ["list_tests", "list_sessions", "get_session", "get_transcript", "get_qx_scores", "search_answers", "summarise_test"];

    [Fact]
    public void It_says_what_it_is_and_every_tool_only_reads_has_bounds_and_is_described()
    {
        Assert.Equal("results", (string)asked.Server["name"]!);
        Assert.Contains("list_tests", asked.Instructions, StringComparison.Ordinal);
        var tools = asked.Answer("tools").AsArray();
        Assert.Equal(Names, tools.Select(tool => (string)tool!["name"]!));
        Assert.All(tools, tool =>
        {
            var (hints, input) = (tool!["annotations"]!, tool["inputSchema"]!);
            Assert.Equal((true, false, true, false), ((bool)hints["readOnlyHint"]!, (bool)hints["destructiveHint"]!, (bool)hints["idempotentHint"]!, (bool)hints["openWorldHint"]!));
            Assert.True(((string)tool["description"]!).Length > 60 && ((string)tool["title"]!).Length > 4);
            Assert.False((bool)input["additionalProperties"]!);
            Assert.Equal("object", (string)tool["outputSchema"]!["type"]!);
            Assert.All(input["properties"]!.AsObject(), argument =>
            {
                Assert.NotNull(argument.Value!["description"]);
                Assert.True(
                    (argument.Value["maxLength"] ?? argument.Value["maximum"] ?? argument.Value["maxItems"] ?? argument.Value["enum"]) is not null,
                    $"{tool["name"]} {argument.Key}");
            });
        });
        Assert.Equal("results://sessions/{sessionId}", (string)asked.Answer("templates")["resourceTemplates"]![0]!["uriTemplate"]!);
        Assert.Empty(asked.Answer("resources")["resources"]!.AsArray());
    }

    [Theory]
    [InlineData("list_tests", "/api/v3/testResults?limit=2")]
    [InlineData("list_tests by title", "/api/v3/testResults?q=checkout")]
    [InlineData("list_sessions", "/api/v2/sessionResults?testId={test}&status=COMPLETE&status=IN_PROGRESS&limit=10")]
    [InlineData("get_session", "/api/v3/sessionResults/{session}")]
    [InlineData("get_session version", "/api/v3/sessionResults/{session}?version=2")]
    [InlineData("get_qx_scores", "/api/v2/testResults/{test}/qxScores")]
    [InlineData("search_answers", "/api/v3/answers?q=easy&testId={test}")]
    [InlineData("summarise_test", "/api/v3/testResults/{test}/summary?status=COMPLETE&status=IN_PROGRESS&demographic=AGE:34")]
    [InlineData("summarise_test task", "/api/v3/testResults/{test}/tasks/{task}/summary")]
    public async Task A_tool_answers_what_the_API_answers(string ask, string path)
    {
        var told = asked.Answer(ask);
        var expected = WithoutMoment(await asked.Http.JsonAsync(path.Replace("{session}", asked.Session.Id.ToString(), StringComparison.Ordinal)
            .Replace("{task}", asked.Session.Tasks[1].ToString(), StringComparison.Ordinal).Replace("{test}", asked.Session.TestId.ToString(), StringComparison.Ordinal)));

        Assert.True(JsonNode.DeepEquals(expected, WithoutMoment(told["structuredContent"]!)), $"{expected}\n{told}");
        Assert.True(JsonNode.DeepEquals(told["structuredContent"], Text(told)));
    }

    [Fact]
    public async Task A_transcript_has_the_cues_of_the_API_s()
    {
        var told = asked.Answer("get_transcript")["structuredContent"]!;

        Assert.Equal((asked.Session.Id, "en-GB"), ((Guid)told["sessionId"]!, (string)told["language"]!));
        var cue = Assert.Single(told["cues"]!.AsArray())!;
        using var vtt = await asked.Http.ReadAsync($"/api/v2/sessionResults/{asked.Session.Id}/transcript");
        Assert.True(JsonNode.DeepEquals(told, asked.Answer("get_transcript version")["structuredContent"]));
        Assert.Contains($"<v {cue["speaker"]}>{cue["text"]}", await vtt.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public void A_resource_is_what_the_tool_tells()
    {
        var content = Assert.Single(asked.Answer("resource")["contents"]!.AsArray())!;

        Assert.Equal($"results://sessions/{asked.Session.Id}", (string)content["uri"]!);
        Assert.True(JsonNode.DeepEquals(asked.Answer("get_session")["structuredContent"], JsonNode.Parse((string)content["text"]!)));
    }

    [Theory]
    [InlineData("unknown session", "There is no such session in the workspaces of this token")]
    [InlineData("foreign session", "There is no such session in the workspaces of this token")]
    [InlineData("foreign transcript", "or it has no transcript")]
    [InlineData("no transcript then", "or it has no transcript")]
    [InlineData("foreign scores", "There is no such test in the workspaces of this token")]
    [InlineData("foreign summary", "There is no such test")]
    [InlineData("foreign sessions", "There is no such test")]
    [InlineData("bad id", "sessionId: must be a UUID")]
    [InlineData("no id", "sessionId: is required")]
    [InlineData("bad limit", "limit: must be a whole number from 1 to 100")]
    [InlineData("bad status", "status: must be one of IN_PROGRESS, COMPLETE, ABANDONED")]
    [InlineData("bad cursor", "cursor: must be a nextCursor of this list")]
    [InlineData("bad after", "after: must be a nextAfter of this list")]
    [InlineData("long q", "q: must have at most 200 characters")]
    [InlineData("bad path", "path: there is nothing at this place")]
    [InlineData("bad version", "The session has no version 1000")]
    [InlineData("unknown argument", "colour: is no argument of list_tests, which has q, limit, after")]
    [InlineData("no words", "q: is required")]
    public void A_wrong_call_is_an_error_of_the_tool_in_plain_words(string ask, string said)
    {
        var told = asked.Answer(ask);
        Assert.True((bool)told["isError"]!, told.ToJsonString());
        Assert.Contains(said, (string)told["content"]![0]!["text"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_foreign_is_like_what_is_not_there()
    {
        Assert.Equal(asked.Answer("unknown session").ToJsonString(), asked.Answer("foreign session").ToJsonString());
        Assert.Equal((string)asked.Answer("unknown resource")["message"]!, (string)asked.Answer("foreign resource")["message"]!);
        Assert.Empty(asked.Answer("foreign search")["structuredContent"]!["answers"]!.AsArray());
        Assert.DoesNotContain(asked.Session.TestId.ToString(), asked.Answer("foreign tests").ToJsonString(), StringComparison.Ordinal);
        Assert.NotNull(asked.Answer("bad resource")["code"]);
        Assert.NotNull(asked.Answer("unknown tool")["message"] ?? asked.Answer("unknown tool")["isError"]);
    }

    [Fact]
    public async Task A_long_session_is_cut_says_so_and_the_rest_is_got_by_path_and_offset()
    {
        var told = asked.Answer("long");
        Assert.InRange(Encoding.UTF8.GetByteCount((string)told["content"]![0]!["text"]!), 16_000, JsonCut.MaxBytes);
        var cut = told["structuredContent"]!["cut"]!;
        var tasks = cut["places"]!.AsArray().Single(place => (string)place!["path"]! == "/tasks")!;
        Assert.Equal(("items", Asked.LongTasks + 1), ((string)tasks["unit"]!, (int)tasks["total"]!));
        Assert.Equal((int)tasks["shown"]!, told["structuredContent"]!["tasks"]!.AsArray().Count);

        var whole = await asked.Http.JsonAsync($"/api/v3/sessionResults/{asked.Long.Id}");
        var (items, text) = (asked.Answer("rest of the tasks"), asked.Answer("rest of a text"));
        Assert.All(items["sizes"]!.AsArray().Concat(text["sizes"]!.AsArray()), size => Assert.InRange((int)size!, 1, JsonCut.MaxBytes));
        Assert.True(items["sizes"]!.AsArray().Count > 2);
        // All but the text that alone is too long, which is got by its own path.
        Assert.Equal(whole["tasks"]!.AsArray().Skip(1).Select(task => task!.ToJsonString()), items["value"]!.AsArray().Skip(1).Select(task => task!.ToJsonString()));
        Assert.Equal((string)whole["tasks"]![0]!["text"]!, (string)text["value"]!);
    }

    [Fact]
    public void A_page_that_would_be_too_long_has_fewer_items_and_says_where_the_next_begins()
    {
        var pages = asked.Answer("all tests")["pages"]!.AsArray();
        Assert.Equal(2, pages.Count);
        Assert.InRange(Encoding.UTF8.GetByteCount((string)pages[0]!["content"]![0]!["text"]!), 16_000, JsonCut.MaxBytes);
        var tests = pages.SelectMany(page => page!["structuredContent"]!["tests"]!.AsArray()).ToList();
        Assert.Equal((Asked.Tests + 2, Asked.Tests + 2), (tests.Count, tests.Select(test => (Guid)test!["testId"]!).Distinct().Count()));
        Assert.Equal(tests.Select(test => (DateTimeOffset)test!["lastActivityTime"]!).OrderDescending(), tests.Select(test => (DateTimeOffset)test!["lastActivityTime"]!));
    }

    [Fact]
    public async Task The_audit_tells_what_was_read_by_whom_and_how_it_ended()
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(asked.Database);
        await Wait.UntilAsync(async () =>
        {
            await using var command = database.CreateCommand(
                $"select string_agg(distinct client || ' ' || action || ' ' || outcome, ', ') from results.audit where subject = '{asked.Session.Id}' and action like 'MCP%'");
            return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is string said
                && new[] { $"{TestClients.Reader} MCP get_session 200", $"{TestClients.Reader} MCP get_transcript 200", $"{TestClients.OtherWorkspace} MCP get_session 404" }
                    .All(one => said.Contains(one, StringComparison.Ordinal));
        });
    }

    private static JsonNode Text(JsonNode told) => JsonNode.Parse((string)told["content"]![0]!["text"]!)!;

    /// <summary>Without the time up to which a list is complete, which goes on.</summary>
    private static JsonNode WithoutMoment(JsonNode page)
    {
        var copy = page.DeepClone();
        copy["meta"]?.AsObject().Remove("asOf");
        copy.AsObject().Remove("asOf");
        return copy;
    }

    /// <summary>What the client was told by a service of its own; it was asked once.</summary>
    public sealed class Asked : IAsyncLifetime
    {
        public const int LongTasks = 60;
        public const int Tests = 40;

        private readonly TempFolder _data = new();
        private readonly Dictionary<string, JsonNode> _answers = new(StringComparer.Ordinal);
        private ServiceProcess _process = null!;

        /// <summary>The reader's client of the API.</summary>
        public HttpClient Http { get; private set; } = null!;

        public string Database { get; private set; } = "";

        public JsonNode Server { get; private set; } = null!;

        public string Instructions { get; private set; } = "";

        internal SessionBuilder Session { get; } = TestData.Interaction().Profiled().WithAnswer(Answers.Written("It was easy.")).WithAnswer(Answers.Figma()).Scored().Transcribed().Completed();

        internal SessionBuilder Long { get; } = TestData.Session();

        public JsonNode Answer(string ask) => _answers[ask];

        public async ValueTask InitializeAsync()
        {
            await NodeTools.NeedAsync();
            Database = await TestDatabase.CreateAsync();
            _process = ServiceProcess.Start(
                [("ASPNETCORE_ENVIRONMENT", "Development"), ("Samples__Load", "false"), ("ConnectionStrings__results", Database), (DataFolder.Variable, _data.Path), .. ServiceProcess.ToEnvironment(TestClients.Settings(firstIndex: 1))]);
            await _process.UntilSaysAsync("Now listening on:");
            _process.Ignore();
            Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = _process.Address };
            Http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(Http, TestClients.Reader));

            Long.WithAnswer(Answers.Written("short")).But("data.text", $"\"{string.Concat(Enumerable.Repeat("äé🙂", 20_000))}\"");
            for (var i = 0; i < LongTasks; i++)
                Long.WithAnswer(Answers.Written(new string('x', 2_000)));
            await Http.RecordAsync(Session);
            await Http.RecordAsync(Long);
            var many = Enumerable.Range(0, Tests).Select(_ => TestData.Session()).ToList();
            await TestResults.ExportTests.RecordAsync(Http, many);
            var defined = many.SelectMany((session, n) => TestData.Test(session.TestId, n == 0 ? "Checkout of shoes" : new string('t', 900)).Events).Select(e => e.DeepClone());
            using (var stored = await Http.SendAsync(new JsonArray([.. defined]).ToJsonString()))
                Assert.Equal(System.Net.HttpStatusCode.OK, stored.StatusCode);
            await Wait.UntilAsync(async () =>
                (int)(await Http.JsonAsync("/api/v2/testResults"))["meta"]!["pagination"]!["totalCount"]! == Tests + 2
                && (await Http.JsonAsync("/api/v3/testResults?limit=100"))["tests"]!.AsArray().Count == Tests + 2
                && (await Http.JsonAsync($"/api/v2/testResults/{Session.TestId}/qxScores"))["qxScores"]!.AsArray().Count == 1
                && (await Http.JsonAsync($"/api/v3/answers?q=easy&testId={Session.TestId}"))["answers"]!.AsArray().Count == 1
                && (await Http.ReadAsync($"/api/v3/testResults/{Session.TestId}/summary")).IsSuccessStatusCode
                && (int)(await Http.JsonAsync($"/api/v3/testResults/{Session.TestId}/summary"))["sessions"]!["complete"]! == 1);
            await AskAsync();
        }

        public ValueTask DisposeAsync()
        {
            Http?.Dispose();
            _process?.Dispose();
            _data.Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task AskAsync()
        {
            var (session, test) = (Session.Id.ToString(), Session.TestId.ToString());
            (string Name, JsonObject Ask)[] reader =
            [
                ("tools", new() { ["list"] = "tools" }),
                ("templates", new() { ["list"] = "templates" }),
                ("resources", new() { ["list"] = "resources" }),
                ("list_tests", Call("list_tests", new() { ["limit"] = 2 })),
                ("list_sessions", Call("list_sessions", new() { ["testId"] = test, ["status"] = new JsonArray("COMPLETE", "IN_PROGRESS"), ["limit"] = 10, ["audienceId"] = null })),
                ("get_session", Call("get_session", new() { ["sessionId"] = session })),
                ("get_session version", Call("get_session", new() { ["sessionId"] = session, ["version"] = 2 })),
                ("get_transcript", Call("get_transcript", new() { ["sessionId"] = session })),
                ("get_transcript version", Call("get_transcript", new() { ["sessionId"] = session, ["version"] = Session.Events.Count - 1 })),
                ("no transcript then", Call("get_transcript", new() { ["sessionId"] = session, ["version"] = 2 })),
                ("get_qx_scores", Call("get_qx_scores", new() { ["testId"] = test })),
                ("search_answers", Call("search_answers", new() { ["q"] = "easy", ["testId"] = test })),
                ("summarise_test", Call("summarise_test", new() { ["testId"] = test, ["status"] = new JsonArray("COMPLETE", "IN_PROGRESS"), ["demographic"] = new JsonArray("AGE:34") })),
                ("summarise_test task", Call("summarise_test", new() { ["testId"] = test, ["taskId"] = Session.Tasks[1].ToString() })),
                ("resource", new() { ["resource"] = $"results://sessions/{session}" }),
                ("long", Call("get_session", new() { ["sessionId"] = Long.Id.ToString() })),
                ("rest of the tasks", new() { ["rest"] = "get_session", ["arguments"] = new JsonObject { ["sessionId"] = Long.Id.ToString(), ["path"] = "/tasks" } }),
                ("rest of a text", new() { ["rest"] = "get_session", ["arguments"] = new JsonObject { ["sessionId"] = Long.Id.ToString(), ["path"] = "/tasks/0/text" } }),
                ("all tests", new() { ["pages"] = "list_tests", ["arguments"] = new JsonObject { ["limit"] = 100 } }),
                ("list_tests by title", Call("list_tests", new() { ["q"] = "CHECKOUT" })),
                ("bad id", Call("get_session", new() { ["sessionId"] = "the one" })),
                ("no id", Call("get_session", [])),
                ("bad limit", Call("list_tests", new() { ["limit"] = 101 })),
                ("bad status", Call("list_sessions", new() { ["testId"] = test, ["status"] = "DONE" })),
                ("bad cursor", Call("list_sessions", new() { ["testId"] = test, ["cursor"] = "abc" })),
                ("bad after", Call("list_tests", new() { ["after"] = "abc" })),
                ("long q", Call("list_tests", new() { ["q"] = new string('x', 201) })),
                ("bad path", Call("get_session", new() { ["sessionId"] = session, ["path"] = "/tasks/77" })),
                ("bad version", Call("get_session", new() { ["sessionId"] = session, ["version"] = 1_000 })),
                ("unknown argument", Call("list_tests", new() { ["colour"] = "red" })),
                ("no words", Call("search_answers", [])),
                ("bad resource", new() { ["resource"] = "results://tests/1" }),
                ("unknown tool", Call("delete_session", [])),
            ];
            var absent = Guid.NewGuid().ToString();
            (string Name, JsonObject Ask)[] stranger =
            [
                ("unknown session", Call("get_session", new() { ["sessionId"] = absent })),
                ("foreign session", Call("get_session", new() { ["sessionId"] = session })),
                ("foreign transcript", Call("get_transcript", new() { ["sessionId"] = session })),
                ("foreign scores", Call("get_qx_scores", new() { ["testId"] = test })),
                ("foreign summary", Call("summarise_test", new() { ["testId"] = test })),
                ("foreign sessions", Call("list_sessions", new() { ["testId"] = test })),
                ("foreign search", Call("search_answers", new() { ["q"] = "easy" })),
                ("foreign tests", Call("list_tests", [])),
                ("unknown resource", new() { ["resource"] = $"results://sessions/{absent}" }),
                ("foreign resource", new() { ["resource"] = $"results://sessions/{session}" }),
            ];
            (string Client, (string Name, JsonObject Ask)[] Asks)[] callers = [(TestClients.Reader, reader), (TestClients.OtherWorkspace, stranger)];
            var input = new JsonObject
            {
                ["address"] = _process.Address.ToString(),
                ["callers"] = new JsonArray([.. callers.Select(caller => new JsonObject
                {
                    ["clientId"] = caller.Client, ["clientSecret"] = TestClients.Secret, ["asks"] = new JsonArray([.. caller.Asks.Select(ask => ask.Ask)]),
                })]),
            };
            var (exitCode, output, errors) = await NodeTools.RunAsync("node", ["mcp.mjs"], input.ToJsonString());
            Assert.True(exitCode == 0, errors);
            var told = JsonNode.Parse(output)!.AsArray();
            (Server, Instructions) = (told[0]!["server"]!, (string)told[0]!["instructions"]!);
            foreach (var (caller, of) in callers.Zip(told))
            {
                foreach (var (ask, answer) in caller.Asks.Zip(of!["answers"]!.AsArray()))
                    _answers[ask.Name] = answer!;
            }
        }

        private static JsonObject Call(string tool, JsonObject arguments) => new() { ["tool"] = tool, ["arguments"] = arguments };
    }
}
