using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Sessions;

/// <summary>A session's events in, its result out.</summary>
public sealed class SessionResultTests(AppFixture app)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_running_session_is_served_with_what_it_has()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(session);

        var result = await http.ResultAsync(session.Id);
        Assert.Equal("IN_PROGRESS", (string?)result["status"]);
        Assert.Equal("""{"nps":{"score":9,"category":"PROMOTER"}}""", result["tasks"]![0]!["response"]!["answer"]!.ToJsonString());
    }

    [Fact]
    public async Task A_session_with_nothing_but_a_start_has_every_key()
    {
        var session = TestData.Session();
        var started = session.Events[0]["data"]!.AsObject();
        started.Remove("testPlanId");
        started.Remove("audienceId");
        var (v2, v3) = await ResultsAsync(session);

        var head = $$"""
            "sessionId":"{{session.Id}}","testId":"{{session.TestId}}","workspaceId":"{{TestClients.WorkspaceA}}","productType":"SURVEY","status":"IN_PROGRESS",
            "startTime":"2026-03-01T10:15:00.000Z","finishTime":null,"audienceId":null,"testPlanId":null,"sessionParticipant":null
            """;
        SortedJson.Equal($$"""{{{head}},"sessionTaskResults":[]}""", v2);
        SortedJson.Equal($$"""{{{head}},"taskGroups":[],"tasks":[]}""", v3);
    }

    [Fact]
    public async Task A_whole_session_tells_its_test_its_audience_and_its_participant()
    {
        var session = TestData.Session().Profiled().Completed();
        var (v2, v3) = await ResultsAsync(session);

        var head = $$"""
            "sessionId":"{{session.Id}}","testId":"{{session.TestId}}","workspaceId":"{{TestClients.WorkspaceA}}","productType":"SURVEY","status":"COMPLETE",
            "startTime":"2026-03-01T10:15:00.000Z","finishTime":"2026-03-01T10:25:00.000Z",
            "audienceId":"5a000000-0000-4000-8000-000000000002","testPlanId":"5a000000-0000-4000-8000-000000000001",
            "sessionParticipant":{"participantId":"5a000000-0000-4000-8000-000000000003",
            "demographicsInfo":[{"id":null,"code":"AGE","label":"Age","value":"34","type":"DEMOGRAPHIC_QUESTION_TYPE_SINGLE"}]}
            """;
        SortedJson.Equal($$"""{{{head}},"sessionTaskResults":[]}""", v2);
        SortedJson.Equal($$"""{{{head}},"taskGroups":[],"tasks":[]}""", v3);
    }

    [Theory]
    [InlineData("SURVEY")]
    [InlineData("LIVE_CONVERSATION")]
    [InlineData("NON_THINK_OUT_LOUD")]
    [InlineData("THINK_OUT_LOUD")]
    public async Task Each_product_type_is_served_as_it_was_sent(string productType)
    {
        var session = TestData.Session();
        session.Events[0]["data"]!["productType"] = productType;
        var (v2, v3) = await ResultsAsync(session);

        Assert.Equal((productType, productType), ((string)v2["productType"]!, (string)v3["productType"]!));
    }

    [Fact]
    public async Task A_participants_demographics_are_in_the_order_sent_with_every_key_and_null_where_nothing_was()
    {
        const string Demographics = """
            [{"id":"q-2","code":"LANGUAGES","label":"Languages","value":"English,Welsh","type":"DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE"},
            {"value":"34"},{"type":"UNRECOGNIZED"},{},{"id":null,"label":null,"code":"INTERESTS","value":"Food,Music"}]
            """;
        const string Shown = """
            [{"id":"q-2","code":"LANGUAGES","label":"Languages","value":"English,Welsh","type":"DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE"},
            {"id":null,"code":null,"label":null,"value":"34","type":null},{"id":null,"code":null,"label":null,"value":null,"type":"UNRECOGNIZED"},
            {"id":null,"code":null,"label":null,"value":null,"type":null},
            {"id":null,"label":null,"code":"INTERESTS","value":"Food,Music","type":null}]
            """;
        var participant = Guid.NewGuid();
        var session = TestData.Session().With("ParticipantProfiled", new() { ["participantId"] = participant.ToString(), ["demographics"] = JsonNode.Parse(Demographics) });
        var (v2, v3) = await ResultsAsync(session);

        foreach (var result in new[] { v2, v3 })
            SortedJson.Equal($$"""{"participantId":"{{participant}}","demographicsInfo":{{Shown}}}""", result["sessionParticipant"]);
    }

    [Fact]
    public async Task A_completed_session_stays_so_and_an_abandoned_one_goes_on_when_it_is_resumed()
    {
        const string Ended = "2026-03-01T10:25:00.000Z";
        const string Left = "2026-03-01T10:20:00.000Z";
        Assert.Equal(("IN_PROGRESS", null), await EndAsync(TestData.Session()));
        Assert.Equal(("COMPLETE", Ended), await EndAsync(TestData.Session().Abandoned().Completed()));
        // The tab closed after the last answer.
        Assert.Equal(("COMPLETE", Ended), await EndAsync(TestData.Session().Completed().Abandoned()));
        Assert.Equal(("COMPLETE", Ended), await EndAsync(TestData.Session().Completed().AbandonedBecause("PARTICIPANT")));
        Assert.Equal(("ABANDONED", Left), await EndAsync(TestData.Session().Abandoned()));
        Assert.Equal(("IN_PROGRESS", null), await EndAsync(TestData.Session().Abandoned().Resumed()));
        Assert.Equal(("ABANDONED", Left), await EndAsync(TestData.Session().Resumed().Abandoned()));
        Assert.Equal(("ABANDONED", Left), await EndAsync(TestData.Session().Abandoned().Resumed().AbandonedBecause("TECHNICAL")));
        Assert.Equal(("COMPLETE", Ended), await EndAsync(TestData.Session().Abandoned().Resumed().Completed()));
        Assert.Equal(("COMPLETE", Ended), await EndAsync(TestData.Session().Completed().Resumed()));
        // Started once more, later than it was left, and than it was completed.
        var later = TestData.Session().But("data.startedAt", "\"2026-03-01T11:00:00Z\"");
        Assert.Equal(("IN_PROGRESS", null), await EndAsync(later.Abandoned()));
        Assert.Equal(("COMPLETE", "2026-03-01T11:00:00.000Z"), await EndAsync(later.Completed()));

        async Task<(string, string?)> EndAsync(SessionBuilder session)
        {
            var end = End(await ResultsAsync(session));
            var backwards = TestData.SessionOnly(test: session.TestId);
            backwards.Events.AddRange(session.Events.AsEnumerable().Reverse().Select(e => e.DeepClone().AsObject().But("id", $"\"{Guid.NewGuid()}\"").But("subject", $"\"{backwards.Id}\"")));
            Assert.Equal(end, End(await ResultsAsync(backwards)));
            return end;
        }

        static (string, string?) End((JsonObject V2, JsonObject V3) results)
        {
            var (v2, v3) = results;
            Assert.Equal(((string)v2["status"]!, (string?)v2["finishTime"]), ((string)v3["status"]!, (string?)v3["finishTime"]));
            return ((string)v3["status"]!, (string?)v3["finishTime"]);
        }
    }

    [Theory]
    [InlineData("2026-03-01T10:15:00Z", "2026-03-01T10:15:00.000Z")]
    [InlineData("2026-03-01T12:15:00.5+02:00", "2026-03-01T10:15:00.500Z")]
    [InlineData("2026-02-28T20:15:00.1239999-05:30", "2026-03-01T01:45:00.123Z")]
    public async Task Times_are_told_in_UTC_with_milliseconds(string sent, string shown)
    {
        var session = TestData.Session().Completed();
        session.Events[0]["data"]!["startedAt"] = sent;
        session.Events[1]["data"]!["finishedAt"] = sent;
        var (v2, v3) = await ResultsAsync(session);

        foreach (var result in new[] { v2, v3 })
            Assert.Equal((shown, shown), ((string)result["startTime"]!, (string)result["finishTime"]!));
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task A_session_can_be_read_from_its_start_on_with_what_came_before(string version)
    {
        using var http = await app.ClientAsync();
        var started = TestData.Session();
        var before = TestData.SessionOnly(started.Id).Profiled().WithAnswer(Answers.Nps(9)).Completed();

        await http.RecordAsync(before);
        using (var answer = await http.GetResultAsync(started.Id, version))
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);

        await http.RecordAsync(started);
        var result = await http.ResultAsync(started.Id, version);
        Assert.Equal("COMPLETE", (string?)result["status"]);
        Assert.NotNull(result["sessionParticipant"]);
        Assert.Single(result[version == "v2" ? "sessionTaskResults" : "tasks"]!.AsArray());
    }

    [Fact]
    public async Task What_comes_after_the_end_is_shown()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().Completed();
        await http.RecordAsync(session);
        await http.RecordAsync(TestData.SessionOnly(session.Id).WithAnswer(Answers.Nps(9), time: Noon));

        var result = await http.ResultAsync(session.Id);
        Assert.Equal(("COMPLETE", 1), ((string)result["status"]!, result["tasks"]!.AsArray().Count));
    }

    [Theory]
    [InlineData(1, 9)]
    [InlineData(-1, 3)]
    public async Task Of_two_answers_the_later_is_shown(int minutes, int shown)
    {
        var task = Guid.NewGuid();
        var session = TestData.Session().WithAnswer(Answers.Nps(3), task, position: 0, time: Noon).WithAnswer(Answers.Nps(9), task, position: 0, time: Noon.AddMinutes(minutes));
        var (v2, v3) = await ResultsAsync(session);

        Assert.Equal(shown, (int)Assert.Single(v2["sessionTaskResults"]!.AsArray())!["taskResponse"]!["score"]!);
        Assert.Equal(shown, (int)Assert.Single(v3["tasks"]!.AsArray())!["response"]!["answer"]!["nps"]!["score"]!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_two_answers_of_one_moment_the_one_with_the_greater_id_is_shown(bool greaterFirst)
    {
        var (task, lesser, greater) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        if (string.CompareOrdinal(lesser.ToString(), greater.ToString()) > 0)
            (lesser, greater) = (greater, lesser);
        var session = TestData.Session().WithAnswer(Answers.Nps(3), task, time: Noon, id: lesser).WithAnswer(Answers.Nps(9), task, time: Noon, id: greater);
        if (greaterFirst)
            session.Events.Reverse();
        var (_, v3) = await ResultsAsync(session);

        Assert.Equal(9, (int)v3["tasks"]![0]!["response"]!["answer"]!["nps"]!["score"]!);
    }

    [Theory]
    [InlineData(1, "SKIPPED", true)]
    [InlineData(-1, "NPS", false)]
    public async Task Of_an_answer_and_a_skip_the_later_is_shown(int minutes, string shown, bool skipped)
    {
        var task = Guid.NewGuid();
        var session = TestData.Session().WithAnswer(Answers.Nps(9), task, time: Noon).WithSkip("NPS", task: task, time: Noon.AddMinutes(minutes));
        var (v2, v3) = await ResultsAsync(session);

        Assert.Equal(shown, (string)Assert.Single(v2["sessionTaskResults"]!.AsArray())!["taskType"]!);
        var response = Assert.Single(v3["tasks"]!.AsArray())!["response"]!;
        Assert.Equal((skipped, skipped), ((bool)response["skipped"]!, response["answer"] is null));
    }

    [Fact]
    public async Task An_answer_of_another_type_replaces_all_of_the_one_before()
    {
        var task = Guid.NewGuid();
        var session = TestData.Session().WithAnswer(Answers.Nps(9), task, position: 4, time: Noon).WithAnswer(Answers.Written("ten"), task, position: 2, time: Noon.AddMinutes(1));
        var (v2, v3) = await ResultsAsync(session);

        SortedJson.Equal(
            $$"""[{"taskId":"{{task}}","taskType":"WRITTEN","taskResponse":{"text":"ten"},"text":"Task 2","position":2,"startTimeMs":2000,"endTimeMs":2500}]""",
            v2["sessionTaskResults"]);
        SortedJson.Equal(
            $$"""[{"uuid":"{{task}}","text":"Task 2","type":"WRITTEN","response":{"startTimeMs":2000,"endTimeMs":2500,"skipped":false,"answer":{"written":{"text":"ten"} } } }]""",
            v3["tasks"]);
    }

    [Fact]
    public async Task Tasks_are_in_the_order_of_position_then_start_then_id()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => Guid.NewGuid()).OrderBy(id => id.ToString(), StringComparer.Ordinal).ToList();
        var session = TestData.Session()
            .WithAnswer(Answers.Blank(), ids[0], position: 10, startTimeMs: 1)
            .WithAnswer(Answers.Blank(), ids[4], position: 2, startTimeMs: 500)
            .WithAnswer(Answers.Blank(), ids[3], position: 2, startTimeMs: 900)
            .WithAnswer(Answers.Blank(), ids[2], position: 2, startTimeMs: 900)
            .WithAnswer(Answers.Blank(), ids[1], position: 0, startTimeMs: 7_000);
        var (v2, v3) = await ResultsAsync(session);

        Guid[] expected = [ids[1], ids[4], ids[2], ids[3], ids[0]];
        Assert.Equal(expected, v2["sessionTaskResults"]!.AsArray().Select(task => (Guid)task!["taskId"]!));
        Assert.Equal(expected, v3["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!));
    }

    [Fact]
    public async Task Task_groups_show_their_score_or_their_sequence_and_the_later_one()
    {
        Guid[] groups = [.. Enumerable.Range(0, 3).Select(_ => Guid.NewGuid()).OrderBy(id => id.ToString(), StringComparer.Ordinal)];
        var session = TestData.Session()
            .WithSequence(groups[2], "CAB")
            .WithScore(groups[0], 66.75m, Noon)
            .WithScore(groups[0], 12m, Noon.AddMinutes(-1))
            .WithScore(groups[1], 0m, Noon);
        var (v2, v3) = await ResultsAsync(session);

        SortedJson.Equal(
            $$"""
            [{"uuid":"{{groups[0]}}","type":"QX_SCORE","response":{"score":66.75} },
            {"uuid":"{{groups[1]}}","type":"QX_SCORE","response":{"score":0} },
            {"uuid":"{{groups[2]}}","type":"BALANCED_COMPARISON","response":{"sequence":"CAB"} }]
            """,
            v3["taskGroups"]);
        Assert.False(v2.ContainsKey("taskGroups"));
    }

    private async Task<(JsonObject V2, JsonObject V3)> ResultsAsync(SessionBuilder session)
    {
        using var http = await app.ClientAsync();
        await http.RecordAsync(session);
        return (await http.ResultAsync(session.Id, "v2"), await http.ResultAsync(session.Id));
    }
}
