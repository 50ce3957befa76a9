using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>How the reference's clients find tests: <c>/v1/workspaces</c>, <c>/v1/workspaces/{workspaceUuid}</c> and <c>/v1/studies/{studyUuid}</c>.</summary>
public sealed class StudiesTests(AppFixture app)
{
    private static readonly DateTimeOffset Begin = SessionBuilder.Begin;
    private static readonly Guid Recommend = Guid.Parse("5a000000-0000-4000-8000-0000000000d1");
    private static readonly Guid Return = Guid.Parse("5a000000-0000-4000-8000-0000000000d2");

    [Fact]
    public async Task A_defined_test_is_read_whole_before_it_has_a_session()
    {
        using var http = await app.ClientAsync();
        var test = TestData.TestOnly();
        test.Defined(TestClients.WorkspaceA, "Checkout, second round", tasks: [
            TestBuilder.Task(3, "RATING_SCALE", Recommend),
            new JsonObject { ["position"] = 1, ["text"] = "Look around.", ["type"] = "SOMETHING_NEW" }]);
        await http.RecordAsync(test);

        var study = await http.JsonAsync($"/v1/studies/{test.Id}");
        var expected = JsonNode.Parse(
            $$"""
            { "title": "Checkout, second round", "sessionCount": 0, "orderedBy": { "name": "Ada Byron", "email": "ada@example.com" }, "netPromoterScores": [],
              "tasks": [
                { "position": 1, "text": "Look around.", "taskType": "SOMETHING_NEW", "choices": [] },
                { "taskId": "{{Recommend}}", "position": 3, "text": "Task 3", "taskType": "RATING_SCALE", "choices": ["Poland", "Singapore"], "multipleAnswers": true,
                  "scaleMinimum": 1, "scaleMaximum": 5, "lowerEndpoint": "bad", "upperEndpoint": "good", "launchUrl": "https://shop.example/",
                  "taskGroup": { "id": "5a000000-0000-4000-8000-000000000004", "type": "QX_SCORE" } } ],
              "testPlan": { "shortTest": false } }
            """)!;
        Assert.True(JsonNode.DeepEquals(expected, study), study.ToJsonString());

        // What is known by its definition is known everywhere.
        Assert.Equal(0, (int)(await http.JsonAsync($"/api/v2/sessionResults?testId={test.Id}"))["meta"]!["pagination"]!["totalCount"]!);
        Assert.Equal("""{"reels":[],"studyWithClips":false}""", (await http.JsonAsync($"/api/v2/testResults/{test.Id}/highlightreels")).ToJsonString());
    }

    [Fact]
    public async Task A_test_that_nobody_defined_is_called_by_its_id()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);

        var expected = $$$"""{"title":"{{{session.TestId}}}","sessionCount":1,"orderedBy":{},"netPromoterScores":[],"tasks":[],"testPlan":{}}""";
        Assert.Equal(expected, (await http.JsonAsync($"/v1/studies/{session.TestId}")).ToJsonString());

        JsonNode? listed = null;
        await Wait.UntilAsync(async () => (listed = await FindAsync(http, TestClients.WorkspaceA, session.TestId)) is not null);
        Assert.NotEmpty((string)listed!["cursor"]!);
        listed.AsObject().Remove("cursor");
        Assert.Equal(
            $$$"""{"uuid":"{{{session.TestId}}}","title":"{{{session.TestId}}}","type":"STUDYV2","productType":"SURVEY","orderedAt":"2026-03-01T10:15:00.000Z","orderedBy":{}}""",
            listed.ToJsonString());
    }

    [Fact]
    public async Task A_definition_may_come_late_and_again_and_is_shown_in_every_list()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);
        await Wait.UntilAsync(async () => await FindAsync(http, TestClients.WorkspaceA, session.TestId) is not null);

        var test = TestData.TestOnly(session.TestId).Defined(TestClients.WorkspaceA, "First", Begin.AddDays(1), time: Begin.AddMinutes(2));
        await http.RecordAsync(test);
        // Sent later, but older.
        await http.RecordAsync(TestData.TestOnly(session.TestId).Defined(TestClients.WorkspaceA, "Before it", Begin.AddDays(2), time: Begin.AddMinutes(1)));
        Assert.Equal("First", (string)(await http.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);

        await http.RecordAsync(TestData.TestOnly(session.TestId).Defined(TestClients.WorkspaceA, "Second", Begin.AddDays(3).AddTicks(7), time: Begin.AddMinutes(3)));
        await http.RecordAsync(test);
        var listed = (await FindAsync(http, TestClients.WorkspaceA, test.Id))!;
        Assert.Equal(
            ("Second", "THINK_OUT_LOUD", "2026-03-04T10:15:00.000Z", """{"name":"Ada Byron","email":"ada@example.com"}"""),
            ((string)listed["title"]!, (string)listed["productType"]!, (string)listed["orderedAt"]!, listed["orderedBy"]!.ToJsonString()));
        Assert.Equal("Second", (string)(await http.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);
        var result = (await TestResultsAsync(http)).Single(one => (Guid)one["testId"]! == test.Id);
        Assert.Equal(("Second", "THINK_OUT_LOUD"), ((string)result["title"]!, (string)result["productType"]!));
    }

    [Fact]
    public void Any_order_of_definitions_leaves_the_latest() => Gen.Int[0, 3].Array[1, 6].Sample(
        minutes =>
        {
            using var http = app.ClientAsync().GetAwaiter().GetResult();
            var test = TestData.TestOnly();
            foreach (var (n, minute) in minutes.Index())
                test.Defined(TestClients.WorkspaceA, $"Title {n}", time: Begin.AddMinutes(minute));
            foreach (var one in test.Events)
                http.SendAsync($"[{one.ToJsonString()}]").GetAwaiter().GetResult().EnsureSuccessStatusCode().Dispose();

            var latest = test.Events.MaxBy(e => (DateTimeOffset.Parse((string)e["time"]!, System.Globalization.CultureInfo.InvariantCulture), Guid.Parse((string)e["id"]!)));
            Assert.Equal((string)latest!["data"]!["title"]!, (string)http.JsonAsync($"/v1/studies/{test.Id}").GetAwaiter().GetResult()["title"]!);
        },
        iter: 20, threads: 1);

    [Fact]
    public async Task Net_promoter_scores_are_of_completed_sessions_by_task_in_the_order_of_the_tasks()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.TestOnly(test).Defined(TestClients.WorkspaceA, tasks: [TestBuilder.Task(1, "NPS", Return), TestBuilder.Task(2, "NPS", Recommend)]));
        foreach (var (recommend, again) in new[] { (9, 6), (10, 7), (8, 0), (0, 10) })
            await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(recommend), Recommend).WithAnswer(Answers.Nps(again), Return).WithAnswer(Answers.Rating(3)).Completed());
        await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(0), Recommend));
        await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(0), Recommend).Abandoned());
        await http.RecordAsync(TestData.Session(test: test).WithSkip("NPS", task: Recommend).Completed());

        await UntilAsync(http, test, sessions: 7,
            $$"""[{"taskId":"{{Return}}","score":-25,"promoterPercentage":25,"passivePercentage":25,"detractorPercentage":50},{"taskId":"{{Recommend}}","score":25,"promoterPercentage":50,"passivePercentage":25,"detractorPercentage":25}]""");
    }

    [Fact]
    public async Task Answers_of_a_completed_session_that_come_late_change_or_go_are_counted_so()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().Completed();
        await http.RecordAsync(session);
        await UntilAsync(http, session.TestId, sessions: 1, "[]");

        async Task SendAsync(SessionBuilder part) => await http.RecordAsync(part);
        SessionBuilder Later() => TestData.SessionOnly(session.Id, session.TestId);
        string Score(int score, int promoters, int detractors) =>
            $$"""[{"taskId":"{{Recommend}}","score":{{score}},"promoterPercentage":{{promoters}},"passivePercentage":0,"detractorPercentage":{{detractors}}}]""";

        await SendAsync(Later().WithAnswer(Answers.Nps(9), Recommend, time: Begin.AddMinutes(20)));
        await UntilAsync(http, session.TestId, 1, Score(100, 100, 0));
        await SendAsync(Later().WithAnswer(Answers.Nps(2), Recommend, time: Begin.AddMinutes(21)));
        await UntilAsync(http, session.TestId, 1, Score(-100, 0, 100));
        await SendAsync(Later().WithSkip("NPS", task: Recommend, time: Begin.AddMinutes(22)));
        await UntilAsync(http, session.TestId, 1, "[]");
        await SendAsync(Later().WithAnswer(Answers.Nps(10), Recommend, time: Begin.AddMinutes(23)));
        await UntilAsync(http, session.TestId, 1, Score(100, 100, 0));
        // The task became another.
        await SendAsync(Later().WithAnswer(Answers.Written("Well."), Recommend, time: Begin.AddMinutes(24)));
        await UntilAsync(http, session.TestId, 1, "[]");
    }

    [Fact]
    public async Task An_answer_that_waits_for_its_place_in_a_long_document_is_counted()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        for (var i = 0; i < 600; i++)
            session.WithAnswer(Answers.Written($"{Guid.NewGuid()} {Guid.NewGuid()}"));
        await http.RecordAsync(session.WithAnswer(Answers.Nps(1), Recommend).Completed());
        await http.RecordAsync(TestData.SessionOnly(session.Id, session.TestId).WithAnswer(Answers.Nps(9), Recommend, time: Begin.AddHours(1)));

        await UntilAsync(http, session.TestId, 1, $$"""[{"taskId":"{{Recommend}}","score":100,"promoterPercentage":100,"passivePercentage":0,"detractorPercentage":0}]""");
    }

    [Fact]
    public async Task Percentages_are_whole_and_the_score_is_their_difference()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        foreach (var score in new[] { 9, 10, 3 })
            await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(score), Recommend).Completed());

        await UntilAsync(http, test, 3, $$"""[{"taskId":"{{Recommend}}","score":34,"promoterPercentage":67,"passivePercentage":0,"detractorPercentage":33}]""");
    }

    [Fact]
    public async Task The_tests_of_a_workspace_are_walked_in_both_directions_whatever_comes_meanwhile()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, TestClients.Settings(firstIndex: 1));
        using var http = await AppFixture.ClientAsync(host);
        var list = $"/v1/workspaces/{TestClients.WorkspaceA}";
        Assert.Equal("[]", (await ArrayAsync(http, list)).ToJsonString());

        // 120 tests: every third has sessions alone, and two in a row were ordered at the same moment.
        var tests = Enumerable.Range(0, 120).Select(n => (Id: Guid.NewGuid(), At: Begin.AddMinutes(n / 2))).ToList();
        foreach (var (n, (id, at)) in tests.Index())
        {
            if (n % 3 == 0)
                await http.RecordAsync(TestData.Session(test: id).But("data.startedAt", $"\"{at:yyyy-MM-ddTHH:mm:ss.fffZ}\""));
            else
                await http.RecordAsync(TestData.TestOnly(id).Defined(TestClients.WorkspaceA, $"Test {n}", at));
        }

        await Wait.UntilAsync(async () => (int)(await http.JsonAsync("/api/v2/testResults"))["meta"]!["pagination"]!["totalCount"]! == 40);
        List<Guid> expected = [];
        // The order of ids is PostgreSQL's, byte by byte as they are written.
        expected.AddRange(tests.OrderByDescending(test => test.At).ThenByDescending(test => test.Id.ToString(), StringComparer.Ordinal).Select(test => test.Id));

        var first = await ArrayAsync(http, list);
        Assert.Equal(expected[..50], Ids(first));
        // A newer test before the first, and an older one behind the last.
        await http.RecordAsync(TestData.TestOnly().Defined(TestClients.WorkspaceA, "Newest", Begin.AddDays(1)));
        var oldest = TestData.TestOnly().Defined(TestClients.WorkspaceA, "Oldest", Begin.AddDays(-1));
        await http.RecordAsync(oldest);

        var second = await ArrayAsync(http, $"{list}?after={first[^1]!["cursor"]}");
        var third = await ArrayAsync(http, $"{list}?after={second[^1]!["cursor"]}");
        Assert.Equal(expected[50..100], Ids(second));
        Assert.Equal([.. expected[100..], oldest.Id], Ids(third));
        Assert.Empty(await ArrayAsync(http, $"{list}?after={third[^1]!["cursor"]}"));

        Assert.Equal(Ids(second), Ids(await ArrayAsync(http, $"{list}?before={third[0]!["cursor"]}")));
        Assert.Equal(expected[..50], Ids(await ArrayAsync(http, $"{list}?before={second[0]!["cursor"]}")));
        // From the middle of a part, both ways.
        Assert.Equal(expected[10..60], Ids(await ArrayAsync(http, $"{list}?before={second[10]!["cursor"]}")));
        Assert.Equal(expected[61..111], Ids(await ArrayAsync(http, $"{list}?after={second[10]!["cursor"]}")));
        var front = await ArrayAsync(http, $"{list}?before={first[0]!["cursor"]}");
        Assert.Equal("Newest", (string)Assert.Single(front)!["title"]!);
        Assert.Empty(await ArrayAsync(http, $"{list}?before={front[0]!["cursor"]}"));
    }

    [Theory]
    [InlineData("after=x", """{"after":["must be the cursor of a test of this workspace"]}""")]
    [InlineData("before=", """{"before":["must be the cursor of a test of this workspace"]}""")]
    [InlineData("after={other}", """{"after":["must be the cursor of a test of this workspace"]}""")]
    [InlineData("after={own}&before={own}", """{"before":["must not be there with after"]}""")]
    [InlineData("after={own}&after={own}", """{"after":["must be there once"]}""")]
    public async Task A_cursor_that_is_not_of_the_list_is_refused(string query, string errors)
    {
        using var http = await app.ClientAsync(TestClients.BothWorkspaces);
        foreach (var workspace in new[] { TestClients.WorkspaceA, TestClients.WorkspaceB })
            await http.RecordAsync(TestData.TestOnly().Defined(workspace));
        var own = (string)(await ArrayAsync(http, $"/v1/workspaces/{TestClients.WorkspaceA}"))[0]!["cursor"]!;
        var other = (string)(await ArrayAsync(http, $"/v1/workspaces/{TestClients.WorkspaceB}"))[0]!["cursor"]!;

        using var answer = await http.ReadAsync($"/v1/workspaces/{TestClients.WorkspaceA}?{query.Replace("{own}", own, StringComparison.Ordinal).Replace("{other}", other, StringComparison.Ordinal)}");
        Assert.Equal(errors, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("workspaces", "workspaceUuid")]
    [InlineData("studies", "studyUuid")]
    public async Task An_id_that_is_not_a_UUID_is_refused(string path, string name)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/v1/{path}/nonsense");

        Assert.Equal(new JsonObject { [name] = new JsonArray("must be a UUID") }.ToJsonString(), (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task A_workspace_or_test_that_is_not_the_callers_reads_as_not_there()
    {
        using var owner = await app.ClientAsync(TestClients.OtherWorkspace);
        var (defined, run) = (TestData.TestOnly().Defined(TestClients.WorkspaceB), TestData.Session(TestClients.WorkspaceB));
        await owner.RecordAsync(defined);
        await owner.RecordAsync(run);
        await Wait.UntilAsync(async () => await FindAsync(owner, TestClients.WorkspaceB, run.TestId) is not null);
        Assert.Equal("Checkout", (string)(await owner.JsonAsync($"/v1/studies/{defined.Id}"))["title"]!);

        // The last has a workspace of that id in another account.
        foreach (var client in new[] { TestClients.Reader, TestClients.OtherAccount, TestClients.OtherAccountWithWorkspaceA })
        {
            using var http = await app.ClientAsync(client);
            foreach (var (theirs, nobodys) in new[]
            {
                ($"/v1/workspaces/{TestClients.WorkspaceB}", $"/v1/workspaces/{Guid.NewGuid()}"),
                ($"/v1/studies/{defined.Id}", $"/v1/studies/{Guid.NewGuid()}"),
                ($"/v1/studies/{run.TestId}", $"/v1/studies/{Guid.NewGuid()}"),
            })
            {
                using var one = await http.ReadAsync(theirs);
                using var other = await http.ReadAsync(nobodys);
                Assert.Equal((await other.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString(), (await one.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
            }
        }
    }

    [Fact]
    public async Task A_definition_holds_in_its_own_workspace()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var test = TestData.Test();
        await a.RecordAsync(test);
        await b.RecordAsync(TestData.Session(TestClients.WorkspaceB, test.Id).WithAnswer(Answers.Nps(9), Recommend).Completed());
        await UntilAsync(b, test.Id, 1, $$"""[{"taskId":"{{Recommend}}","score":100,"promoterPercentage":100,"passivePercentage":0,"detractorPercentage":0}]""");

        // Who may read sessions of it elsewhere learns nothing of it.
        Assert.Equal(test.Id.ToString(), (string)(await b.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);
        Assert.Equal(test.Id.ToString(), (string)(await FindAsync(b, TestClients.WorkspaceB, test.Id))!["title"]!);
        Assert.Null((await TestResultsAsync(b)).Single(one => (Guid)one["testId"]! == test.Id)["title"]);
        Assert.Equal((0, 1), ((int)(await a.JsonAsync($"/v1/studies/{test.Id}"))["sessionCount"]!, (int)(await both.JsonAsync($"/v1/studies/{test.Id}"))["sessionCount"]!));
        Assert.Equal("Checkout", (string)(await both.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);

        // Nor may anybody there change it, or place one elsewhere: what they define is theirs.
        await b.RecordAsync(TestData.TestOnly(test.Id).Defined(TestClients.WorkspaceB, "Theirs"));
        Assert.Equal(("Checkout", "Theirs"), ((string)(await a.JsonAsync($"/v1/studies/{test.Id}"))["title"]!, (string)(await b.JsonAsync($"/v1/studies/{test.Id}"))["title"]!));
        using var placed = await b.SendAsync(TestData.TestOnly().Defined(TestClients.WorkspaceA));
        Assert.Equal("""{"[0].data.workspaceId":["must be one of the sender\u0027s workspaces"]}""", (await placed.ProblemAsync(HttpStatusCode.Forbidden))["errors"]!.ToJsonString());
        // Who may write both moves it.
        await both.RecordAsync(TestData.TestOnly(test.Id).Defined(TestClients.WorkspaceB, "Moved", time: Begin.AddHours(1)));
        Assert.Equal("Moved", (string)(await b.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);
        using var gone = await a.ReadAsync($"/v1/studies/{test.Id}");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task A_subject_is_a_session_a_reel_or_a_test_for_ever()
    {
        using var http = await app.ClientAsync();
        var (session, reel, test) = (TestData.Session(), TestData.Reel(Guid.NewGuid()), TestData.Test());
        await http.RecordAsync(session);
        await http.RecordAsync(reel);
        Assert.Equal((1, 0), (await http.RecordAsync(test)) is var told ? ((int)told["accepted"]!, (int)told["sessions"]!) : default);

        foreach (var (json, noun) in new[]
        {
            (TestData.Test(session.Id).Json(), "session"), (TestData.Test(reel.Id).Json(), "highlight reel"),
            (TestData.SessionOnly(test.Id).WithAnswer(Answers.Nps(1)).Json(), "test"), (TestData.ReelOnly(test.Id).Generated().Json(), "test"),
        })
        {
            using var answer = await http.SendAsync(json);
            Assert.Equal($$"""{"[0].subject":["is the id of a {{noun}}"]}""", (await answer.ProblemAsync(HttpStatusCode.Conflict))["errors"]!.ToJsonString());
        }

        Assert.Equal("Checkout", (string)(await http.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);
        Assert.Equal("IN_PROGRESS", (string)(await http.ResultAsync(session.Id))["status"]!);
    }

    [Fact]
    public async Task A_definition_that_comes_again_is_a_duplicate_and_with_other_content_a_conflict()
    {
        using var http = await app.ClientAsync();
        var test = TestData.Test();
        await http.RecordAsync(test);
        Assert.Equal((0, 1), (await http.RecordAsync(test)) is var told ? ((int)told["accepted"]!, (int)told["duplicates"]!) : default);

        using var answer = await http.SendAsync(test.But("data.title", "\"Another\""));
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal("Checkout", (string)(await http.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);
    }

    [Theory]
    [InlineData("title", "\"x*1000\"")]
    [InlineData("orderedBy", null)]
    [InlineData("orderedBy", "{}")]
    [InlineData("testPlan", null)]
    [InlineData("tasks", "[]")]
    [InlineData("tasks[0].taskId", null)]
    [InlineData("tasks[0].choices", null)]
    [InlineData("tasks[0].scale", null)]
    [InlineData("tasks[0].scale.minLabel", null)]
    [InlineData("tasks[0].launchUrl", "\"myapp://start\"")]
    [InlineData("tasks[0].taskGroup", null)]
    public async Task What_a_definition_need_not_have_or_may_have_is_taken(string path, string? json)
    {
        using var http = await app.ClientAsync();
        var test = TestData.Test().But($"data.{path}", json);
        await http.RecordAsync(test);

        Assert.NotEmpty((string)(await http.JsonAsync($"/v1/studies/{test.Id}"))["title"]!);
        Assert.NotNull(await FindAsync(http, TestClients.WorkspaceA, test.Id));
    }

    [Theory]
    [InlineData("workspaceId", "\"00000000-0000-0000-0000-000000000000\"", "must not be the nil UUID")]
    [InlineData("title", null, "is required")]
    [InlineData("title", "\" \"", "must have 1 to 1,000 characters, and not blanks alone")]
    [InlineData("title", "\"x*1001\"", "must have 1 to 1,000 characters, and not blanks alone")]
    [InlineData("productType", "\"QUIZ\"", "must be one of SURVEY, LIVE_CONVERSATION, NON_THINK_OUT_LOUD, THINK_OUT_LOUD")]
    [InlineData("orderedAt", "\"2026-03-01\"", "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z")]
    [InlineData("orderedBy.name", "\"x*1001\"", "must have at most 1,000 characters, not 1001")]
    [InlineData("orderedBy.email", "\"x*1001\"", "must have at most 1,000 characters, not 1001")]
    [InlineData("tasks", null, "is required")]
    [InlineData("tasks[0].position", "-1", "must be 0 or more, not -1")]
    [InlineData("tasks[0].text", null, "is required")]
    [InlineData("tasks[0].type", "\"\"", "must have 1 to 200 characters, not 0")]
    [InlineData("tasks[0].type", "\"SKIPPED\"", "must be the task's own type, not SKIPPED")]
    [InlineData("tasks[0].choices[1]", "1", "must be a string")]
    [InlineData("tasks[0].scale.max", "1", "must be above min")]
    [InlineData("tasks[0].scale.minLabel", "\"x*1001\"", "must have at most 1,000 characters, not 1001")]
    [InlineData("tasks[0].launchUrl", "\"/start\"", "must be an absolute URL of at most 8,192 characters")]
    [InlineData("tasks[0].taskGroup.id", "\"x\"", "must be a UUID")]
    [InlineData("tasks[0].taskGroup.type", "\"\"", "must have 1 to 200 characters, not 0")]
    public async Task A_definition_that_breaks_a_rule_is_refused(string path, string? json, string message)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.SendAsync(TestData.Test().But($"data.{path}", json));

        Assert.Equal(
            new JsonObject { [$"[0].data.{path}"] = new JsonArray(message) }.ToJsonString(),
            (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task Tasks_are_bounded_and_have_ids_of_their_own()
    {
        using var http = await app.ClientAsync();
        var many = new JsonArray([.. Enumerable.Range(0, 1_001).Select(n => new JsonObject { ["position"] = n, ["text"] = "", ["type"] = "BLANK" })]);
        foreach (var (tasks, message) in new (JsonArray, string)[] { (many, "must have at most 1,000 tasks"), ([TestBuilder.Task(0, "NPS"), TestBuilder.Task(1, "NPS")], "must have distinct task ids") })
        {
            using var answer = await http.SendAsync(TestData.TestOnly().Defined(TestClients.WorkspaceA, tasks: tasks));
            Assert.Equal(new JsonObject { ["[0].data.tasks"] = new JsonArray(message) }.ToJsonString(), (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        }
    }

    [Fact]
    public async Task Workspaces_are_those_of_the_token_by_the_names_that_are_configured_for_the_account()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data,
        [
            .. TestClients.Settings(firstIndex: 1),
            new("Workspaces:0:Account", TestClients.AccountOne.ToString()), new("Workspaces:0:Id", TestClients.WorkspaceB.ToString()), new("Workspaces:0:Name", "Aquarium"),
            new("Workspaces:1:Account", TestClients.AccountOne.ToString()), new("Workspaces:1:Id", TestClients.WorkspaceA.ToString()), new("Workspaces:1:Name", "Zoo"),
        ]);
        var (a, b) = (TestClients.WorkspaceA, TestClients.WorkspaceB);
        foreach (var (client, expected) in new[]
        {
            (TestClients.BothWorkspaces, $$"""[{"id":"{{b}}","uuid":"{{b}}","name":"Aquarium"},{"id":"{{a}}","uuid":"{{a}}","name":"Zoo"}]"""),
            (TestClients.Reader, $$"""[{"id":"{{a}}","uuid":"{{a}}","name":"Zoo"}]"""),
            (TestClients.OtherAccountWithWorkspaceA, $$"""[{"id":"{{a}}","uuid":"{{a}}","name":"{{a}}"}]"""),
        })
        {
            using var http = await AppFixture.ClientAsync(host, client);
            Assert.Equal(expected, (await ArrayAsync(http, "/v1/workspaces")).ToJsonString());
        }
    }

    [Theory]
    [InlineData("workspaces")]
    [InlineData("workspaces/11111111-0000-4000-8000-00000000000a")]
    [InlineData("studies/11111111-0000-4000-8000-00000000000a")]
    public async Task Each_needs_a_token_that_may_read(string path)
    {
        using var nobody = app.Anonymous();
        using var writer = await app.ClientAsync(TestClients.WriteOnly);
        using var none = await nobody.ReadAsync($"/v1/{path}");
        using var refused = await writer.ReadAsync($"/v1/{path}");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden), (none.StatusCode, refused.StatusCode));
    }

    private static List<Guid> Ids(JsonArray studies) => [.. studies.Select(study => (Guid)study!["uuid"]!)];

    private static async Task<JsonArray> ArrayAsync(HttpClient http, string path)
    {
        using var answer = await http.ReadAsync(path);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        return (await answer.Content.ReadFromJsonAsync<JsonArray>(TestContext.Current.CancellationToken))!;
    }

    /// <summary>A test in the list of a workspace; null when it is not there.</summary>
    internal static async Task<JsonNode?> FindAsync(HttpClient http, Guid workspace, Guid test)
    {
        for (var query = ""; ;)
        {
            var part = await ArrayAsync(http, $"/v1/workspaces/{workspace}{query}");
            if (part.Count == 0 || part.Any(study => (Guid)study!["uuid"]! == test))
                return part.FirstOrDefault(study => (Guid)study!["uuid"]! == test);
            query = $"?after={part[^1]!["cursor"]}";
        }
    }

    private static async Task<IReadOnlyList<JsonNode>> TestResultsAsync(HttpClient http)
    {
        var (tests, cursor) = (new List<JsonNode>(), "");
        do
        {
            var page = await http.JsonAsync($"/api/v2/testResults?limit=500{cursor}");
            tests.AddRange(page["tests"]!.AsArray()!);
            cursor = (string?)page["meta"]!["pagination"]!["nextCursor"] is { } next ? $"&cursor={next}" : null;
        }
        while (cursor is not null);
        return tests;
    }

    private static async Task UntilAsync(HttpClient http, Guid test, int sessions, string scores)
    {
        JsonObject study = null!;
        await Wait.UntilAsync(async () => (study = await http.JsonAsync($"/v1/studies/{test}"))["netPromoterScores"]!.ToJsonString() == scores
            && (int)study["sessionCount"]! == sessions);
        Assert.Equal((scores, sessions), (study["netPromoterScores"]!.ToJsonString(), (int)study["sessionCount"]!));
    }
}
