using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Sessions;

/// <summary>A session's events, and a task's interactions, as readers get them.</summary>
public sealed class SessionEventsTests(AppFixture app)
{
    private readonly Guid _task = Guid.NewGuid();

    [Fact]
    public async Task Events_are_the_CloudEvents_that_were_sent_in_the_order_of_storing()
    {
        using var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        session.Events[3]["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        session.Events[5]["data"]!["unheardOf"] = new JsonObject { ["deep"] = new JsonArray(1.50, null) };
        await http.RecordAsync(session);

        var page = await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events");
        var events = page["events"]!.AsArray();

        Assert.Equal((session.Id.ToString(), session.Events.Count, null), ((string?)page["sessionId"], (int)page["meta"]!["lastVersion"]!, page["meta"]!["nextAfter"]));
        Assert.Equal(Enumerable.Range(1, session.Events.Count), events.Select(e => (int)e!["sessionversion"]!));
        foreach (var (sent, shown) in session.Events.Zip(events.Select(e => e!.AsObject())))
        {
            Assert.True(DateTimeOffset.UtcNow - (DateTimeOffset)shown["recordedtime"]! < TimeSpan.FromMinutes(10));
            Assert.Equal(DateTimeOffset.Parse((string)sent["time"]!, CultureInfo.InvariantCulture), (DateTimeOffset)shown["time"]!);
            string[] added = ["recordedtime", "sessionversion", "time"];
            var same = new JsonObject(shown.Where(member => !added.Contains(member.Key, StringComparer.Ordinal)).Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())));
            var expected = sent.DeepClone().AsObject();
            expected.Remove("time");
            // A stored time may be spelled otherwise.
            SortedJson.Equal(expected.ToJsonString().Replace(".000Z\"", "+00:00\"", StringComparison.Ordinal), same);
        }
    }

    [Fact]
    public async Task Events_sent_again_are_duplicates_and_make_the_same_result_elsewhere()
    {
        using var http = await app.ClientAsync();
        using var other = await app.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        var session = TestData.SessionWithEverything();
        await http.RecordAsync(session);
        var events = (await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events"))["events"]!.ToJsonString();

        using var again = await http.SendAsync(events);
        using var elsewhere = await other.SendAsync(events);

        Assert.Equal(session.Events.Count, (int)(await again.JsonAsync())["duplicates"]!);
        Assert.Equal(session.Events.Count, (int)(await elsewhere.JsonAsync())["accepted"]!);
        Assert.Equal(await HistoryTests.TextAsync(http, session.Id, ""), await HistoryTests.TextAsync(other, session.Id, ""));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(500)]
    public async Task Events_come_in_pages_that_go_on_after_a_version(int limit)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        for (var i = 0; i < 7; i++)
            session.WithAnswer(Answers.Nps(i));
        await http.RecordAsync(session);

        var (versions, after) = (new List<int>(), (int?)0);
        for (; after is { } last;)
        {
            var page = await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events?limit={limit}&after={last}");
            Assert.InRange(page["events"]!.AsArray().Count, 1, limit);
            versions.AddRange(page["events"]!.AsArray().Select(e => (int)e!["sessionversion"]!));
            after = (int?)page["meta"]!["nextAfter"];
        }

        Assert.Equal(Enumerable.Range(1, 8), versions);
        Assert.Empty((await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events?after=8"))["events"]!.AsArray());
        Assert.Empty((await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events?after=2147483647"))["events"]!.AsArray());
    }

    [Fact]
    public async Task A_page_of_large_events_ends_at_its_bytes()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        for (var i = 0; i < 6; i++)
            session.Transcribed().But("data.cues[0].text", "\"x*100000\"");
        foreach (var e in session.Events.Skip(1))
        {
            var cue = e["data"]!["cues"]![0]!;
            e["data"]!["cues"] = new JsonArray([.. Enumerable.Range(0, 10).Select(_ => cue.DeepClone())]);
        }

        foreach (var e in session.Events)
        {
            using var sent = await http.SendAsync(new JsonArray(e.DeepClone()).ToJsonString());
            Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        }

        // 4 MiB are reached by the fifth, and the start.
        var page = await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events");
        Assert.Equal((6, 6, 7), (page["events"]!.AsArray().Count, (int)page["meta"]!["nextAfter"]!, (int)page["meta"]!["lastVersion"]!));
        Assert.Single((await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events?after=6"))["events"]!.AsArray());
    }

    [Fact]
    public async Task Events_that_count_elsewhere_and_their_senders_are_not_shown()
    {
        using var inA = await app.ClientAsync();
        using var inB = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        // An orphan: a stranger's event before the start.
        var session = TestData.SessionOnly().WithAnswer(Answers.Written("a stranger's"));
        await inB.RecordAsync(session);
        var own = new SessionBuilder { Id = session.Id }.Started(TestClients.WorkspaceA).WithAnswer(Answers.Written("the owner's"));
        await inA.RecordAsync(own);

        Assert.Equal([2, 3], await VersionsAsync(inA));
        Assert.Equal([2, 3], await VersionsAsync(both));
        using (var foreign = await inB.ReadAsync($"/api/v3/sessionResults/{session.Id}/events"))
            await foreign.ProblemAsync(HttpStatusCode.NotFound);

        // Now it is a session of each, as one id in two accounts is two sessions.
        await inB.RecordAsync(new SessionBuilder { Id = session.Id }.Started(TestClients.WorkspaceB));
        Assert.Equal([2, 3], await VersionsAsync(inA));
        Assert.Equal([1, 4], await VersionsAsync(inB));
        Assert.DoesNotContain("owner", await HistoryTests.TextAsync(inB, session.Id, "/events"), StringComparison.Ordinal);
        Assert.DoesNotContain("account-one", await HistoryTests.TextAsync(inB, session.Id, "/events"), StringComparison.Ordinal);
        Assert.Equal(await HistoryTests.TextAsync(inB, session.Id, ""), await HistoryTests.TextAsync(inB, session.Id, "?version=4"));
        Assert.Equal(await HistoryTests.TextAsync(inA, session.Id, ""), await HistoryTests.TextAsync(inA, session.Id, "?version=4"));

        async Task<IEnumerable<int>> VersionsAsync(HttpClient http) =>
            (await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/events"))["events"]!.AsArray().Select(e => (int)e!["sessionversion"]!);
    }

    [Fact]
    public async Task All_interactions_of_a_task_are_listed_by_time_each_whole()
    {
        const int Count = 450;
        using var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task);
        foreach (var at in Enumerable.Range(0, Count).Reverse())
            session.WithInteraction(_task, at, "NEW_STATE", new() { ["presentedNodeId"] = $"1:{at % 7}" });
        session.WithInteraction(_task, Count, "NEW_STATE", new() { ["newState"] = new string('x', 3_000) });
        session.WithInteraction(Guid.NewGuid(), 3, "NEW_STATE");
        await http.RecordAsync(session);

        var (all, next) = (new List<JsonNode>(), "");
        while (next is not null)
        {
            var page = await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/tasks/{_task}/interactions?limit=200{next}");
            Assert.Equal((_task.ToString(), Count + 1), ((string?)page["taskId"], (int)page["meta"]!["pagination"]!["totalCount"]!));
            all.AddRange(page["interactions"]!.AsArray().Select(one => one!));
            next = (string?)page["meta"]!["pagination"]!["nextCursor"] is { } cursor ? $"&cursor={cursor}" : null;
        }

        Assert.Equal(Enumerable.Range(0, Count + 1), all.Select(one => (int)one["atMs"]!));
        Assert.Equal(new string('x', 3_000), (string?)all[^1]["newState"]);
        var shown = (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["figma"]!["interactions"]!.AsArray();
        SortedJson.Equal(shown.ToJsonString(), new JsonArray([.. all.Take(200).Select(one => one.DeepClone())]));
        var some = await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/tasks/{_task}/interactions?offset=449&limit=1");
        Assert.Equal([449], some["interactions"]!.AsArray().Select(one => (int)one!["atMs"]!));
    }

    [Fact]
    public async Task Interactions_are_those_of_the_take_that_is_shown()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session()
            .WithInteraction(_task, 1, "NEW_STATE")
            .WithAnswer(Answers.Figma(), _task)
            .WithInteraction(_task, 2, "NEW_STATE");
        await http.RecordAsync(session);
        Assert.Equal([1, 2], await TimesAsync());

        var again = TestData.SessionOnly(session.Id).WithAnswer(Answers.Figma(), _task, time: SessionBuilder.Begin.AddMinutes(1));
        again.With("FigmaInteractionRecorded", new JsonObject { ["taskId"] = _task.ToString(), ["atMs"] = 3, ["kind"] = "NEW_STATE" }, SessionBuilder.Begin.AddMinutes(2));
        await http.RecordAsync(again);

        // Those after the first answer are of the second take, by the time of their events.
        Assert.Equal([2, 3], await TimesAsync());
        var figma = (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["figma"]!;
        Assert.Equal(2, (int)figma["interactionCount"]!);

        async Task<IEnumerable<int>> TimesAsync() =>
            (await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/tasks/{_task}/interactions"))["interactions"]!.AsArray().Select(one => (int)one!["atMs"]!);
    }

    [Fact]
    public async Task A_task_that_is_not_shown_with_a_Figma_answer_has_no_list()
    {
        using var http = await app.ClientAsync();
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        var (waiting, skipped) = (Guid.NewGuid(), Guid.NewGuid());
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task).WithAnswer(Answers.Nps(9))
            .WithInteraction(waiting, 1, "NEW_STATE").WithSkip("FIGMA", task: skipped).WithInteraction(skipped, 1, "NEW_STATE");
        await http.RecordAsync(session);

        Assert.Empty((await http.JsonAsync($"/api/v3/sessionResults/{session.Id}/tasks/{_task}/interactions"))["interactions"]!.AsArray());
        foreach (var (who, id, task) in new[] { (http, session.Id, session.Tasks[1]), (http, session.Id, waiting), (http, session.Id, skipped), (http, session.Id, Guid.NewGuid()), (http, Guid.NewGuid(), _task), (stranger, session.Id, _task) })
        {
            using var answer = await who.ReadAsync($"/api/v3/sessionResults/{id}/tasks/{task}/interactions");
            Assert.Equal("There is nothing here for this caller.", (string?)(await answer.ProblemAsync(HttpStatusCode.NotFound))["detail"]);
        }
    }

    [Theory]
    [InlineData("events?limit=0", "limit")]
    [InlineData("events?limit=501", "limit")]
    [InlineData("events?after=-1", "after")]
    [InlineData("events?after=2147483648", "after")]
    [InlineData("tasks/x/interactions", "taskId")]
    [InlineData("tasks/00000000-0000-0000-0000-000000000000/interactions?limit=0", "limit")]
    [InlineData("tasks/00000000-0000-0000-0000-000000000000/interactions?cursor=AAAA", "cursor")]
    public async Task A_malformed_parameter_is_400(string path, string parameter)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v3/sessionResults/{Guid.NewGuid()}/{path}");
        Assert.NotNull((await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]![parameter]);
    }
}
