using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Summaries;

/// <summary>Tests, tasks and answers in numbers, over HTTP: each against a computation by hand over the sessions as v3 shows them.</summary>
public sealed class SummaryTests(AppFixture app)
{
    private readonly Guid _test = Guid.NewGuid();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_number_is_that_of_the_sessions_whatever_the_filters_are()
    {
        using var http = await app.ClientAsync();
        var sessions = await RecordAnyAsync(http, seed: 18, count: 40);
        var middle = SessionBuilder.Begin.AddDays(20);
        var (text, audience) = (Text(middle), AnyAnswers.Audiences[0]);

        await AreAsync("", _ => true);
        await AreAsync("?status=COMPLETE", session => (string)session["status"]! == "COMPLETE");
        await AreAsync("?status=ABANDONED&status=IN_PROGRESS", session => (string)session["status"]! != "COMPLETE");
        await AreAsync($"?audienceId={audience}", session => (string?)session["audienceId"] == audience);
        await AreAsync("?demographic=AGE:10", session => Says(session, "AGE", "10"));
        await AreAsync("?demographic=AGE:20&demographic=LIKES:a:b&status=COMPLETE", session => Says(session, "AGE", "20") && Says(session, "LIKES", "a:b") && (string)session["status"]! == "COMPLETE");
        await AreAsync("?demographic=AGE:old", _ => false);
        await AreAsync($"?from={text}", session => (DateTimeOffset)session["startTime"]! >= middle);
        await AreAsync($"?to={text}&audienceId={audience}", session => (DateTimeOffset)session["startTime"]! < middle && (string?)session["audienceId"] == audience);

        async Task AreAsync(string filter, Predicate<JsonObject> passes)
        {
            var some = sessions.FindAll(passes);
            foreach (var (type, position) in AnyAnswers.Types.Select((type, position) => (type, position)))
            {
                var task = AnyAnswers.TaskOf(type);
                var summary = await http.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/summary{filter}");
                Assert.Equal(Sorted(ByHand.TaskSummary(_test, task, type, position, some)), Sorted(summary));
            }

            await IsTestAsync(filter, some);
        }

        async Task IsTestAsync(string filter, List<JsonObject> some)
        {
            var summary = await http.JsonAsync($"/api/v3/testResults/{_test}/summary{filter}");
            Assert.Equal((some.Count, OfStatus("COMPLETE"), OfStatus("IN_PROGRESS"), OfStatus("ABANDONED")), Statuses(summary["sessions"]!));
            var hours = some.Select(session => ((DateTimeOffset)session["startTime"]!).UtcDateTime).Select(start => start.Date.AddHours(start.Hour)).Order().ToList();
            var isByHour = hours.Count == 0 || hours[^1] - hours[0] <= TimeSpan.FromDays(2);
            Assert.Equal(isByHour ? "HOUR" : "DAY", (string?)summary["overTime"]!["unit"]);
            Assert.Equal(
                hours.GroupBy(hour => isByHour ? hour : hour.Date).Select(bucket => (bucket.Key, bucket.Count())),
                summary["overTime"]!["buckets"]!.AsArray().Select(bucket => (((DateTimeOffset)bucket!["start"]!).UtcDateTime, (int)bucket["complete"]! + (int)bucket["inProgress"]! + (int)bucket["abandoned"]!)));
            Assert.Equal(
                AnyAnswers.Audiences.Select(audience => (audience, sessions.Count(session => (string?)session["audienceId"] == audience))).OrderBy(one => one.audience),
                summary["audiences"]!.AsArray().Select(one => ((string)one!["audienceId"]!, (int)one["sessions"]!)).OrderBy(one => one.Item1));
            Assert.Equal(["AGE Age", "LIKES What do you like?"], summary["demographics"]!.AsArray().Select(one => $"{one!["code"]} {one["label"]}"));
            Assert.All(summary["demographics"]!.AsArray(), one => Assert.All(one!["values"]!.AsArray(), value =>
                Assert.Equal(sessions.Count(session => Says(session, (string)one["code"]!, (string)value!["value"]!)), (int)value!["sessions"]!)));
            var tasks = some.SelectMany(session => session["tasks"]!.AsArray()).ToLookup(task => (Guid)task!["uuid"]!);
            Assert.Equal(
                AnyAnswers.Types.Select(AnyAnswers.TaskOf).Where(tasks.Contains).Select(task => (task, tasks[task].Count(IsAnswered), tasks[task].Count(one => !IsAnswered(one)))),
                summary["tasks"]!.AsArray().Select(task => ((Guid)task!["taskId"]!, (int)task["answered"]!, (int)task["skipped"]!)));
            var scored = some.Where(session => (string)session["status"]! == "COMPLETE").SelectMany(session => session["taskGroups"]!.AsArray()).Select(group => (decimal)group!["response"]!["score"]!).ToList();
            Assert.Equal(
                scored.Count == 0 ? [] : [Math.Round(scored.Sum() / scored.Count, 2, MidpointRounding.AwayFromZero)],
                summary["qxScores"]!.AsArray().Select(group => (decimal)group!["qxScore"]!));

            int OfStatus(string status) => some.Count(session => (string)session["status"]! == status);
        }
    }

    [Fact]
    public async Task The_scores_without_a_filter_are_those_of_v2()
    {
        using var http = await app.ClientAsync();
        var random = new Random(7);
        for (var n = 0; n < 8; n++)
        {
            var session = TestData.Interaction(test: _test).Scored().But("data.score", $"{random.Next(1_000) / 10m}").But("data.label", random.Next(2) == 0 ? "\"Pay\"" : "\"Buy\"");
            if (n % 3 == 0)
                session.But("data.components.behavioral", null).But("data.values.behavioral", null);
            await http.RecordAsync(n == 7 ? session : session.Completed());
        }

        await CompleteAsync(http);
        await Wait.UntilAsync(async () => (int)(await http.JsonAsync($"/api/v2/testResults/{_test}/qxScores"))["meta"]!["completes"]! == 7);
        Assert.Equal(
            (await http.JsonAsync($"/api/v2/testResults/{_test}/qxScores"))["qxScores"]!.ToJsonString(),
            (await http.JsonAsync($"/api/v3/testResults/{_test}/summary"))["qxScores"]!.ToJsonString());
    }

    [Fact]
    public async Task Answers_are_paged_the_newest_first_and_looked_for_by_what_they_contain()
    {
        using var http = await app.ClientAsync();
        var sessions = await RecordAnyAsync(http, seed: 3, count: 25);
        foreach (var (type, query) in new[] { ("WRITTEN", null), ("WRITTEN", "hard"), ("WRITTEN", "DÜRF"), ("WRITTEN", "日本語 PAY%"), ("IMAGE", "easy"), ("NPS", null), ("MULTIPLE_CHOICE", "NONE of"), ("NPS", "9") })
        {
            var task = AnyAnswers.TaskOf(type);
            var expected = sessions
                .Select(session => (Session: session, Response: session["tasks"]!.AsArray().FirstOrDefault(one => (Guid)one!["uuid"]! == task)?["response"]))
                .Where(one => one.Response is not null && (query is null || WordsOf(one.Response!["answer"]).Contains(query, StringComparison.OrdinalIgnoreCase)))
                .OrderByDescending(one => (DateTimeOffset)one.Session["startTime"]!).ThenByDescending(one => (Guid)one.Session["sessionId"]!)
                .Select(one => Sorted(new JsonObject
                {
                    ["sessionId"] = (string)one.Session["sessionId"]!,
                    ["status"] = (string)one.Session["status"]!,
                    ["startTime"] = (string)one.Session["startTime"]!,
                    ["audienceId"] = (string?)one.Session["audienceId"],
                    ["durationMs"] = (bool)one.Response!["skipped"]! ? null : (long)one.Response["endTimeMs"]! - (long)one.Response["startTimeMs"]!,
                    ["answer"] = one.Response["answer"]?.AsObject().Single().Value!.DeepClone(),
                    ["skipped"] = (bool)one.Response["skipped"]!,
                })).ToList();

            var (found, pages, after) = (new List<string>(), 0, "");
            for (; after is not null; pages++)
            {
                var page = await http.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/answers?limit=4{after}{(query is null ? "" : $"&q={Uri.EscapeDataString(query)}")}");
                found.AddRange(page["answers"]!.AsArray().Select(one => Sorted(one!)));
                after = (string?)page["nextAfter"] is { } next ? $"&after={next}" : null;
            }

            Assert.Equal(expected, found);
            Assert.Equal(Math.Max(1, (expected.Count + 3) / 4), pages);
        }

        static string WordsOf(JsonNode? answer) => answer is null ? "" :
            (string?)answer["written"]?["text"] ?? (string?)answer["image"]?["annotations"]?[0]?["comment"] ?? (string?)answer["multipleChoice"]?["otherText"] ?? "";
    }

    [Fact]
    public async Task A_corrected_a_moved_and_an_erased_session_leave_nothing_behind()
    {
        using var http = await app.ClientAsync();
        using var privacy = await app.ClientAsync(TestClients.Privacy);
        var (task, secret, other) = (Guid.NewGuid(), $"https://shop.example/{Guid.NewGuid():n}", Guid.NewGuid());
        var visits = $$"""[{ "url": "{{secret}}", "atMs": 1 }]""";
        var stays = TestData.Session(test: _test).WithAnswer(Answers.Url(), task).Completed();
        var corrected = TestData.Session(test: _test).WithAnswer(Answers.Url(), task).But("data.answer.visits", visits);
        var moved = TestData.Session(test: _test).WithAnswer(Answers.Url(), task).But("data.answer.visits", visits);
        var erased = TestData.Session(test: _test).Profiled().WithAnswer(Answers.Url(), task).But("data.answer.visits", visits).Completed();
        foreach (var session in new[] { stays, corrected, moved, erased })
            await http.RecordAsync(session);
        await CompleteAsync(http);
        Assert.Equal(("1 https://shop.example/cart, 3 " + secret, 4), await PathsAsync());

        await http.RecordAsync(TestData.SessionOnly(corrected.Id, _test).WithAnswer(Answers.Url(), task, time: DateTimeOffset.UtcNow));
        await http.RecordAsync(TestData.SessionOnly(moved.Id, other).Started(TestClients.WorkspaceA).But("time", Text(DateTimeOffset.UtcNow, quoted: true)));
        await CompleteAsync(http);
        Assert.Equal(("1 " + secret + ", 2 https://shop.example/cart", 3), await PathsAsync());
        Assert.Equal((1, 0, 1, 0), Statuses((await http.JsonAsync($"/api/v3/testResults/{other}/summary"))["sessions"]!));

        using var answer = await privacy.DeleteAsync(new Uri($"/api/v2/sessions/{erased.Id}", UriKind.Relative), Cancelled);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
        // At once, and wherever it may lie in the tables of this test.
        Assert.Equal(0L, await AskAsync($"select count(*) from results.summary_items i join results.summary_tests t using (test_key) where t.test_id = '{_test}' and i.data::text like '%{secret}%'"));
        await CompleteAsync(http);
        Assert.Equal(("2 https://shop.example/cart", 3), await PathsAsync());
        Assert.Empty((await http.JsonAsync($"/api/v3/testResults/{_test}/summary"))["demographics"]!.AsArray());
        Assert.Equal(0L, await UnusedAsync());

        async Task<(string Paths, int Answered)> PathsAsync()
        {
            var summary = await http.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/summary");
            var paths = summary["answers"]!["url"]!["paths"]!.AsArray().Select(path => $"{path!["count"]} {string.Join(' ', path["path"]!.AsArray())}");
            return (string.Join(", ", paths.Order(StringComparer.Ordinal)), (int)summary["answered"]!);
        }
    }

    [Fact]
    public async Task Nobody_learns_anything_of_what_is_not_his()
    {
        using var http = await app.ClientAsync();
        var task = Guid.NewGuid();
        await http.RecordAsync(TestData.Session(test: _test).WithAnswer(Answers.Nps(9), task).Completed());
        await CompleteAsync(http);
        foreach (var client in new[] { TestClients.OtherWorkspace, TestClients.OtherAccount, TestClients.OtherAccountWithWorkspaceA })
        {
            using var other = await app.ClientAsync(client);
            foreach (var path in new[] { "summary", $"tasks/{task}/summary", $"tasks/{task}/answers" })
            {
                using var foreign = await other.ReadAsync($"/api/v3/testResults/{_test}/{path}");
                using var unknown = await other.ReadAsync($"/api/v3/testResults/{Guid.NewGuid()}/{path}");
                Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (foreign.StatusCode, unknown.StatusCode));
                Assert.Equal(await WithoutTraceAsync(unknown), await WithoutTraceAsync(foreign));
            }

            Assert.DoesNotContain((await other.JsonAsync("/api/v3/testResults?limit=100"))["tests"]!.AsArray(), test => (Guid)test!["testId"]! == _test);
        }

        using var missing = await http.ReadAsync($"/api/v3/testResults/{_test}/tasks/{Guid.NewGuid()}/summary");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);

        // Of two workspaces whoever may see both sees the sum.
        using (var ofB = await app.ClientAsync(TestClients.OtherWorkspace))
            await ofB.RecordAsync(TestData.Session(TestClients.WorkspaceB, _test).WithAnswer(Answers.Nps(3), task).Abandoned());
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        await CompleteAsync(both);
        Assert.Equal((2, 1, 0, 1), Statuses((await both.JsonAsync($"/api/v3/testResults/{_test}/summary"))["sessions"]!));
        Assert.Equal("0 1 1", Nps(await both.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/summary")));
        Assert.Equal("100 1 0", Nps(await http.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/summary")));
        Assert.Equal(2, (await both.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/answers"))["answers"]!.AsArray().Count);
        await Wait.UntilAsync(async () => (await both.JsonAsync($"/api/v3/testResults?q={_test}"))["tests"]!.AsArray().Count == 2);

        static string Nps(JsonObject summary) => $"{summary["answers"]!["nps"]!["score"]} {summary["answers"]!["nps"]!["promoters"]} {summary["answers"]!["nps"]!["detractors"]}";
        static async Task<string> WithoutTraceAsync(HttpResponseMessage answer)
        {
            var problem = await answer.JsonAsync();
            problem.Remove("traceId");
            return problem.ToJsonString();
        }
    }

    [Fact]
    public async Task A_definition_says_titles_words_places_and_tasks_that_nobody_has_come_to()
    {
        using var http = await app.ClientAsync();
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        var title = $"Größe {Guid.NewGuid():n}";
        await http.RecordAsync(TestData.Test(_test, title).But("data.tasks", new JsonArray(TestBuilder.Task(0, "VERBAL", second), TestBuilder.Task(1, "NPS", first)).ToJsonString()));
        Assert.Equal(("VERBAL→WRITTEN 0 0, NPS→NPS 0 0", 0), await TasksAsync());

        await http.RecordAsync(TestData.Session(test: _test).WithAnswer(Answers.Nps(9), first).Completed());
        await CompleteAsync(http);
        Assert.Equal(("VERBAL→WRITTEN 0 0, NPS→NPS 1 0", 1), await TasksAsync());
        await Wait.UntilAsync(async () => (await http.JsonAsync($"/api/v3/testResults?q={Uri.EscapeDataString(title[..12].ToUpperInvariant())}"))["tests"]!.AsArray().Count == 1);
        var test = Assert.Single((await http.JsonAsync($"/api/v3/testResults?q={_test.ToString()[9..]}"))["tests"]!.AsArray())!;
        Assert.Equal((title, _test, 1), ((string)test["title"]!, (Guid)test["testId"]!, (int)test["sessions"]!["complete"]!));

        async Task<(string Tasks, int Sessions)> TasksAsync()
        {
            var summary = await http.JsonAsync($"/api/v3/testResults/{_test}/summary");
            Assert.Equal(title, (string)summary["title"]!);
            var tasks = summary["tasks"]!.AsArray().Select((task, at) => $"{(at == 0 ? "VERBAL" : "NPS")}→{task!["type"]} {task["answered"]} {task["skipped"]}");
            var asked = await http.JsonAsync($"/api/v3/testResults/{_test}/tasks/{second}/summary");
            Assert.Equal(("WRITTEN", 0, null, null), ((string)asked["type"]!, (int)asked["position"]!, asked["answers"], asked["durationMs"]));
            return (string.Join(", ", tasks), (int)summary["sessions"]!["total"]!);
        }
    }

    [Fact]
    public async Task Tests_are_listed_by_their_latest_activity_page_by_page()
    {
        using var http = await app.ClientAsync(TestClients.BothWorkspaces);
        var tests = Enumerable.Range(0, 4).Select(_ => Guid.NewGuid()).Prepend(_test).ToList();
        foreach (var test in tests)
            await http.RecordAsync(TestData.Session(test: test));
        await http.RecordAsync(TestData.Session(test: tests[1]));
        await CompleteAsync(http);
        var expected = new[] { tests[1], tests[4], tests[3], tests[2], tests[0] };
        await Wait.UntilAsync(async () => expected.All((await ListAsync()).Contains));
        Assert.Equal(expected, (await ListAsync()).Where(tests.Contains));

        async Task<List<Guid>> ListAsync()
        {
            var (found, after) = (new List<Guid>(), "");
            for (var pages = 0; after is not null && pages < 200 && found.Count(tests.Contains) < 5; pages++)
            {
                var page = await http.JsonAsync($"/api/v3/testResults?limit=3{after}");
                found.AddRange(page["tests"]!.AsArray().Select(test => (Guid)test!["testId"]!));
                after = (string?)page["nextAfter"] is { } next ? $"&after={next}" : null;
            }

            return found;
        }
    }

    [Theory]
    [InlineData("summary?status=complete", "status")]
    [InlineData("summary?demographic=AGE", "demographic")]
    [InlineData("summary?audienceId=x", "audienceId")]
    [InlineData("summary?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "to")]
    [InlineData("tasks/x/summary", "taskId")]
    [InlineData("tasks/5a000000-0000-4000-8000-0000000000d1/answers?limit=101", "limit")]
    [InlineData("tasks/5a000000-0000-4000-8000-0000000000d1/answers?after=x", "after")]
    [InlineData("tasks/5a000000-0000-4000-8000-0000000000d1/answers?q=", "q")]
    public async Task What_is_wrong_with_a_request_is_named(string path, string name)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v3/testResults/{_test}/{path}");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal([name], (await answer.JsonAsync())["errors"]!.AsObject().Select(error => error.Key));
    }

    private static bool IsAnswered(JsonNode? task) => !(bool)task!["response"]!["skipped"]!;

    private static bool Says(JsonObject session, string code, string value) =>
        (session["sessionParticipant"]?["demographicsInfo"]?.AsArray() ?? []).Any(one => (string?)one!["code"] == code && (string?)one["value"] == value);

    private static (int Total, int Complete, int InProgress, int Abandoned) Statuses(JsonNode sessions) =>
        ((int)sessions["total"]!, (int)sessions["complete"]!, (int)sessions["inProgress"]!, (int)sessions["abandoned"]!);

    private static string Text(DateTimeOffset time, bool quoted = false) =>
        (quoted ? "\"" : "") + time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) + (quoted ? "\"" : "");

    /// <summary>JSON whose members and whose lists without an order are in one: what is counted equally comes in any.</summary>
    private static string Sorted(JsonNode node)
    {
        return Of(node, "")?.ToJsonString() ?? "null";

        static JsonNode? Of(JsonNode? node, string name) => node switch
        {
            JsonObject json => new JsonObject(json.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member => KeyValuePair.Create(member.Key, Of(member.Value, member.Key)))),
            JsonArray list when name is "options" or "paths" or "misclicks" or "images" or "rows" =>
                new JsonArray([.. list.Select(item => Of(item, "")).OrderBy(item => item!.ToJsonString(), StringComparer.Ordinal)]),
            JsonArray list => new JsonArray([.. list.Select(item => Of(item, ""))]),
            JsonValue value when value.GetValueKind() == System.Text.Json.JsonValueKind.Number => JsonValue.Create((decimal.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture) / 1.000000000000000000000000000000m)),
            _ => node?.DeepClone(),
        };
    }

    private async Task<List<JsonObject>> RecordAnyAsync(HttpClient http, int seed, int count)
    {
        var random = new Random(seed);
        var sessions = Enumerable.Range(0, count).Select(_ => AnyAnswers.Session(random, _test)).ToList();
        foreach (var session in sessions)
            await http.RecordAsync(session);
        await CompleteAsync(http);
        var bodies = new List<JsonObject>();
        foreach (var session in sessions)
            bodies.Add(await http.JsonAsync($"/api/v3/sessionResults/{session.Id}"));
        return bodies;
    }

    /// <summary>Waits until all that was stored is counted.</summary>
    private async Task CompleteAsync(HttpClient http)
    {
        var now = (DateTime)await AskAsync("select clock_timestamp()");
        await Wait.UntilAsync(async () => ((DateTimeOffset)(await http.JsonAsync($"/api/v3/testResults/{_test}/summary"))["asOf"]!).UtcDateTime >= now);
    }

    /// <summary>Items of this test whose uses are not those of its rows.</summary>
    private async Task<long> UnusedAsync() => (long)await AskAsync(
        $"""
        select count(*) from results.summary_items i
        join results.summary_tests t on t.test_key = i.test_key and t.test_id = '{_test}'
        where i.uses <> (select count(*) from (
          select abs(unnest(k.items)) as item from results.summary_tasks k where k.test_key = i.test_key
          union all select unnest(s.traits) from results.summary_sessions s where s.test_key = i.test_key
          union all select c.label from results.summary_scores c where c.test_key = i.test_key) u where u.item = i.item)
        """);

    private async Task<object> AskAsync(string sql)
    {
        await using var command = app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return (await command.ExecuteScalarAsync(Cancelled))!;
    }
}
