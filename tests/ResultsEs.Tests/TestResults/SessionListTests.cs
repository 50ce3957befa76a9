using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary><c>GET /api/v2/sessionResults</c>.</summary>
public sealed class SessionListTests(AppFixture app)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, string> Malformed => new()
    {
        { "", """{"testId":["is required"]}""" },
        { "testId=", """{"testId":["must be a UUID"]}""" },
        { "testId=x", """{"testId":["must be a UUID"]}""" },
        { "testId={test}&testId={test}", """{"testId":["must be there once"]}""" },
        { "testId={test}&limit=0", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=501", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=-1", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=ten", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=1.5", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=99999999999", """{"limit":["must be a whole number from 1 to 500"]}""" },
        { "testId={test}&limit=1&limit=2", """{"limit":["must be there once"]}""" },
        { "testId={test}&offset=10001", """{"offset":["must be a whole number from 0 to 10000"]}""" },
        { "testId={test}&offset=-1", """{"offset":["must be a whole number from 0 to 10000"]}""" },
        { "testId={test}&offset=x", """{"offset":["must be a whole number from 0 to 10000"]}""" },
        { "testId={test}&status=DONE", """{"status":["must be one of IN_PROGRESS, COMPLETE, ABANDONED"]}""" },
        { "testId={test}&status=complete", """{"status":["must be one of IN_PROGRESS, COMPLETE, ABANDONED"]}""" },
        { "testId={test}&testId={test}", """{"testId":["must be there once"]}""" },
        { "testId={test}&limit=1&limit=1", """{"limit":["must be there once"]}""" },
        { "testId={test}&limit[]=1", """{"limit[]":["is not a parameter; write limit="]}""" },
        { "testId[]={test}", """{"testId[]":["is not a parameter; write testId="],"testId":["is required"]}""" },
        { "testId={test}&status[0]=ABANDONED", """{"status[0]":["is not a parameter; write status= once for each value"]}""" },
        { "testId={test}&status[]=DONE", """{"status":["must be one of IN_PROGRESS, COMPLETE, ABANDONED"]}""" },
        { "testId={test}&status=COMPLETE&status=", """{"status":["must be one of IN_PROGRESS, COMPLETE, ABANDONED"]}""" },
        { "testId={test}&finishedSince=yesterday", """{"finishedSince":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"]}""" },
        { "testId={test}&finishedSince=2026-03-01T10:15:04", """{"finishedSince":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"]}""" },
        { "testId={test}&finishedUntil=2026-03-01", """{"finishedUntil":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"]}""" },
        { "testId={test}&updatedSince=2026-03-01T10:15:04+01:00", """{"updatedSince":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z; in a query a plus sign is written %2B"]}""" },
        { "testId={test}&finishedSince=2026-03-01T10:15:04Z&finishedUntil=2026-03-01T10:15:03Z", """{"finishedUntil":["must not be before finishedSince"]}""" },
        { "testId={test}&audienceId=x", """{"audienceId":["must be a UUID"]}""" },
        { "testId={test}&taskType=HOLOGRAM", """{"taskType":["must be one of WRITTEN, VERBAL, URL, MATRIX, NPS, RATING_SCALE, MULTIPLE_CHOICE, RANK_ORDER, BLANK, IMAGE, FIGMA, SKIPPED, UNRECOGNIZED"]}""" },
        { "testId={test}&cursor=", """{"cursor":["must be a nextCursor of this list, with the same filters"]}""" },
        { "testId={test}&cursor=abc", """{"cursor":["must be a nextCursor of this list, with the same filters"]}""" },
        { "testId=x&limit=0&status=y", """{"testId":["must be a UUID"],"status":["must be one of IN_PROGRESS, COMPLETE, ABANDONED"],"limit":["must be a whole number from 1 to 500"]}""" },
    };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_parameter_is_refused_by_name(string query, string errors)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v2/sessionResults?{query.Replace("{test}", Guid.NewGuid().ToString(), StringComparison.Ordinal)}");

        Assert.Equal(errors, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("limit=1")]
    [InlineData("limit=500")]
    [InlineData("offset=0")]
    [InlineData("offset=10000")]
    [InlineData("limit=500&offset=10000")]
    [InlineData("updatedSince=2026-03-01T10:15:04%2B01:00")]
    [InlineData("finishedSince=2026-03-01T10:15:04Z&finishedUntil=2026-03-01T10:15:04Z")]
    [InlineData("nobodyKnows=this")]
    public async Task The_edges_are_taken(string query)
    {
        using var http = await app.ClientAsync();
        var test = await TestAsync(http, ended: 1);
        using var answer = await http.ReadAsync($"/api/v2/sessionResults?testId={test}&{query}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Completed_sessions_are_listed_newest_first_in_the_references_shape()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 3).Select(n => TestData.Session(test: test).WithAnswer(Answers.Nps(9)).Completed(Noon.AddMinutes(n))).ToList();
        foreach (var session in sessions)
            await http.RecordAsync(session);
        await http.RecordAsync(TestData.Session(test: test));
        await http.RecordAsync(TestData.Session(test: test).Abandoned());
        await http.RecordAsync(TestData.Session().Completed());

        var page = await http.JsonAsync($"/api/v2/sessionResults?testId={test}");
        foreach (var session in page["sessions"]!.AsArray())
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", (string)session!["updatedTime"]!);
        foreach (var session in page["sessions"]!.AsArray())
            session!.AsObject().Remove("updatedTime");
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", (string)page["meta"]!["asOf"]!);
        page["meta"]!.AsObject().Remove("asOf");
        Assert.Equal(
            $"{{\"testId\":\"{test}\",\"sessions\":[{string.Join(',', sessions.Select(Shown).Reverse())}],\"meta\":{{\"pagination\":{{\"limit\":25,\"offset\":0,\"totalCount\":3}}}}}}",
            page.ToJsonString());

        static string Shown(SessionBuilder session, int n) =>
            $$"""{"sessionId":"{{session.Id}}","audienceId":"5a000000-0000-4000-8000-000000000002","status":"COMPLETE","startTime":"2026-03-01T10:15:00.000Z","finishTime":"2026-03-01T12:0{{n}}:00.000Z"}""";
    }

    [Fact]
    public async Task What_a_session_lacks_is_left_out()
    {
        using var http = await app.ClientAsync();
        var session = TestData.SessionOnly().Started(TestClients.WorkspaceA).But("data.audienceId", null);
        await http.RecordAsync(session);

        var shown = (await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}&status=IN_PROGRESS"))["sessions"]!.AsArray().Single()!.AsObject();
        Assert.Equal(["sessionId", "status", "startTime", "updatedTime"], shown.Select(member => member.Key));
    }

    [Fact]
    public async Task A_test_that_is_not_there_and_one_that_is_not_the_callers_read_alike()
    {
        using var http = await app.ClientAsync();
        using var elsewhere = await app.ClientAsync(TestClients.OtherWorkspace);
        using var namesake = await app.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        var (inOtherWorkspace, ofOtherAccount, notStarted) = (TestData.Session(TestClients.WorkspaceB).Completed(), TestData.Session().Completed(), TestData.SessionOnly().Completed());
        await elsewhere.RecordAsync(inOtherWorkspace);
        await namesake.RecordAsync(ofOtherAccount);
        await http.RecordAsync(notStarted);

        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var test in new[] { Guid.NewGuid(), inOtherWorkspace.TestId, ofOtherAccount.TestId, notStarted.TestId })
        {
            foreach (var path in new[] { $"v2/sessionResults?testId={test}", $"v3/testResults/{test}/sessionResults", $"v2/testResults/{test}/qxScores", $"v2/testResults/{test}/highlightreels" })
            {
                using var answer = await http.ReadAsync($"/api/{path}");
                answers.Add((await answer.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
            }
        }

        Assert.Single(answers);
        Assert.Equal(1, Total(await elsewhere.JsonAsync($"/api/v2/sessionResults?testId={inOtherWorkspace.TestId}")));
        Assert.Equal(1, Total(await namesake.JsonAsync($"/api/v2/sessionResults?testId={ofOtherAccount.TestId}")));
    }

    [Fact]
    public async Task A_test_in_two_workspaces_shows_each_caller_its_own_part()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var test = Guid.NewGuid();
        var (ofA, ofB) = (TestData.Session(test: test).Completed(Noon), TestData.Session(TestClients.WorkspaceB, test).Completed(Noon.AddMinutes(1)));
        await a.RecordAsync(ofA);
        await b.RecordAsync(ofB);

        Assert.Equal([ofA.Id], Ids(await a.JsonAsync($"/api/v2/sessionResults?testId={test}")));
        Assert.Equal([ofB.Id], Ids(await b.JsonAsync($"/api/v2/sessionResults?testId={test}")));
        Assert.Equal([ofB.Id, ofA.Id], Ids(await both.JsonAsync($"/api/v2/sessionResults?testId={test}")));
        Assert.Equal(2, Total(await both.JsonAsync($"/api/v2/sessionResults?testId={test}")));
    }

    [Fact]
    public async Task Each_filter_lets_pass_what_it_says()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var other = "5a000000-0000-4000-8000-00000000000f";
        var early = TestData.Session(test: test).WithAnswer(Answers.Nps(9)).WithSkip("URL").Completed(Noon);
        var late = TestData.SessionOnly(test: test).Started(TestClients.WorkspaceA).But("data.audienceId", $"\"{other}\"").WithAnswer(Answers.Written("x")).Completed(Noon.AddMinutes(1));
        var left = TestData.Session(test: test).WithAnswer(new JsonObject { ["type"] = "HOLOGRAM" }).Abandoned(Noon.AddMinutes(2));
        var running = TestData.Session(test: test).WithAnswer(Answers.Nps(1));
        foreach (var session in new[] { early, late, left, running })
            await http.RecordAsync(session);

        var all = "status=COMPLETE&status=ABANDONED&status=IN_PROGRESS";
        (string Query, SessionBuilder[] Expected)[] cases =
        [
            ("", [late, early]),
            ("status=ABANDONED", [left]),
            ("status=IN_PROGRESS", [running]),
            ("status[]=ABANDONED", [left]),
            ("status%5B%5D=ABANDONED&status%5B%5D=IN_PROGRESS&status=COMPLETE", [left, late, early, running]),
            ("status=ABANDONED&status=COMPLETE&status=COMPLETE", [left, late, early]),
            // One that runs stands where it began.
            (all, [left, late, early, running]),
            ("finishedSince=2026-03-01T12:01:00Z", [late]),
            ("finishedUntil=2026-03-01T12:01:00Z", [early]),
            ("finishedSince=2026-03-01T12:00:00Z&finishedUntil=2026-03-01T12:01:00.001Z", [late, early]),
            ("finishedSince=2026-03-01T12:01:00Z&finishedUntil=2026-03-01T12:01:00Z", []),
            ($"{all}&finishedSince=2026-01-01T00:00:00Z", [left, late, early]),
            ($"audienceId={other}", [late]),
            ($"audienceId={Guid.NewGuid()}", []),
            ("taskType=NPS", [early]),
            ("taskType=WRITTEN", [late]),
            ("taskType=URL", [early]),
            ("taskType=SKIPPED", [early]),
            ("taskType=RATING_SCALE", []),
            ($"{all}&taskType=NPS", [early, running]),
            ($"{all}&taskType=UNRECOGNIZED", [left]),
            // By change: the oldest first.
            ($"{all}&updatedSince=2026-01-01T00:00:00Z", [early, late, left, running]),
            ($"{all}&updatedSince=2199-01-01T00:00:00Z", []),
            ($"{all}&updatedSince=2026-01-01T00:00:00Z&finishedUntil=2026-03-01T12:01:00Z", [early]),
            ($"status=COMPLETE&taskType=NPS&audienceId={other}", []),
        ];
        foreach (var (query, expected) in cases)
        {
            var page = await http.JsonAsync($"/api/v2/sessionResults?testId={test}&{query}");
            Assert.True(expected.Select(session => session.Id).SequenceEqual(Ids(page)), $"{query}: {page}");
            Assert.True(expected.Length == Total(page), $"{query}: {page}");
            // The same sessions in the same order.
            Assert.Equal(Ids(page), await ExportTests.ExportedAsync(http, test, query));
        }
    }

    [Fact]
    public async Task What_changed_since_the_last_look_is_found_by_updatedSince()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var (changed, still) = (TestData.Session(test: test).Completed(), TestData.Session(test: test).Completed());
        await http.RecordAsync(changed);
        await http.RecordAsync(still);
        var before = (await http.JsonAsync($"/api/v2/sessionResults?testId={test}&updatedSince=2026-01-01T00:00:00Z"))["sessions"]!.AsArray();

        await http.RecordAsync(changed.WithAnswer(Answers.Nps(3)));
        var after = (await http.JsonAsync($"/api/v2/sessionResults?testId={test}&updatedSince=2026-01-01T00:00:00Z"))["sessions"]!.AsArray();

        Assert.Equal([changed.Id, still.Id], before.Select(session => (Guid)session!["sessionId"]!));
        Assert.Equal([still.Id, changed.Id], after.Select(session => (Guid)session!["sessionId"]!));
        Assert.True(after[1]!["updatedTime"]!.GetValue<DateTimeOffset>() >= before[1]!["updatedTime"]!.GetValue<DateTimeOffset>());
    }

    [Fact]
    public async Task Any_cursor_walk_gives_each_session_once_in_the_order_of_the_whole() => await Gen
        .Select(Gen.Int[0, 3].Array[0, 12], Gen.Int[1, 5], Gen.Bool)
        .SampleAsync(
            async (minutes, limit, byChange) =>
            {
                using var http = await app.ClientAsync();
                var test = Guid.NewGuid();
                await http.RecordAsync(TestData.Session(test: test));
                // Some end at the same moment, and are told apart by their ids.
                foreach (var minute in minutes)
                    await http.RecordAsync(TestData.Session(test: test).Completed(Noon.AddMinutes(minute)));

                var list = $"/api/v2/sessionResults?testId={test}" + (byChange ? "&updatedSince=2026-01-01T00:00:00Z" : "");
                var whole = Ids(await http.JsonAsync(list)).ToList();
                Assert.Equal(minutes.Length, whole.Count);
                Assert.Equal(whole, await WalkAsync(http, $"{list}&limit={limit}"));

                var byOffset = new List<Guid>();
                for (var offset = 0; offset <= minutes.Length; offset += limit)
                    byOffset.AddRange(Ids(await http.JsonAsync($"{list}&limit={limit}&offset={offset}")));
                Assert.Equal(whole, byOffset);
            },
            iter: 15,
            threads: 1);

    [Fact]
    public async Task A_walk_that_sessions_arrive_in_misses_none_that_was_there_and_repeats_none()
    {
        using var http = await app.ClientAsync();
        var test = await TestAsync(http, ended: 9);
        var there = Ids(await http.JsonAsync($"/api/v2/sessionResults?testId={test}")).ToList();

        var seen = await WalkAsync(http, $"/api/v2/sessionResults?testId={test}&limit=2", async () =>
        {
            // The newest and the oldest.
            await http.RecordAsync(TestData.Session(test: test).Completed(Noon.AddDays(1)));
            await http.RecordAsync(TestData.Session(test: test).Completed(Noon.AddDays(-1)));
        });

        Assert.Equal(seen.Distinct(), seen);
        Assert.Equal(there, seen.Where(there.Contains));
    }

    [Theory]
    [InlineData("")]
    [InlineData("&taskType=NPS")]
    public async Task A_walk_counts_when_it_begins(string filter)
    {
        using var http = await app.ClientAsync();
        var test = await TestAsync(http, ended: 3);
        var first = await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=1{filter}");
        await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(1)).Completed(Noon.AddDays(-1)));

        var cursor = (string)first["meta"]!["pagination"]!["nextCursor"]!;
        Assert.Equal(3, Total(await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=1&cursor={cursor}{filter}")));
        Assert.Equal(4, Total(await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=1{filter}")));
    }

    [Fact]
    public async Task A_cursor_is_good_for_its_own_list_alone_and_not_with_an_offset()
    {
        using var http = await app.ClientAsync();
        var test = await TestAsync(http, ended: 2);
        var cursor = (string)(await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=1"))["meta"]!["pagination"]!["nextCursor"]!;

        foreach (var query in new[] { $"testId={Guid.NewGuid()}", $"testId={test}&status=ABANDONED", $"testId={test}&updatedSince=2026-01-01T00:00:00Z", $"testId={test}&taskType=NPS" })
        {
            using var answer = await http.ReadAsync($"/api/v2/sessionResults?{query}&cursor={cursor}");
            Assert.Equal("""{"cursor":["must be a nextCursor of this list, with the same filters"]}""", (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        }

        using var both = await http.ReadAsync($"/api/v2/sessionResults?testId={test}&cursor={cursor}&offset=0");
        Assert.Equal("""{"offset":["must not be there with a cursor"]}""", (await both.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        // Another limit is another part of the same list.
        Assert.Single(Ids(await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=500&cursor={cursor}")));
    }

    [Fact]
    public async Task A_cursor_of_one_client_shows_another_nothing_of_the_first()
    {
        using var http = await app.ClientAsync();
        using var elsewhere = await app.ClientAsync(TestClients.OtherWorkspace);
        var test = await TestAsync(http, ended: 2);
        var cursor = (string)(await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=1"))["meta"]!["pagination"]!["nextCursor"]!;

        using var answer = await elsewhere.ReadAsync($"/api/v2/sessionResults?testId={test}&cursor={cursor}");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task The_count_is_exact_at_once_whatever_becomes_of_a_session()
    {
        using var http = await app.ClientAsync();
        var (test, elsewhere) = (Guid.NewGuid(), Guid.NewGuid());
        var session = TestData.Session(test: test);
        await http.RecordAsync(TestData.Session(test: elsewhere));

        // Read after every step, before and after the totals have taken it in.
        await StepAsync(session, (1, 0, 0), (1, 0, 0));
        await StepAsync(session.Abandoned(), (0, 0, 1), (1, 0, 0));
        await StepAsync(session.Completed(), (0, 1, 0), (1, 0, 0));
        // The session's start is corrected: it was of the other test.
        await StepAsync(session.With("SessionStarted", ((JsonObject)session.Events[0]["data"]!.DeepClone()).But("testId", $"\"{elsewhere}\"")), null, (1, 1, 0));

        async Task StepAsync(SessionBuilder sent, (int InProgress, int Complete, int Abandoned)? expected, (int, int, int) expectedElsewhere)
        {
            await http.RecordAsync(sent);
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(expected, await CountsAsync(test));
                Assert.Equal(expectedElsewhere, await CountsAsync(elsewhere));
                await Task.Delay(150, Cancelled);
            }
        }

        async Task<(int InProgress, int Complete, int Abandoned)?> CountsAsync(Guid of)
        {
            var counts = new List<int>();
            foreach (var status in new[] { "IN_PROGRESS", "COMPLETE", "ABANDONED" })
            {
                using var answer = await http.ReadAsync($"/api/v2/sessionResults?testId={of}&status={status}");
                if (answer.StatusCode == HttpStatusCode.NotFound)
                    return null;
                counts.Add(Total(await answer.JsonAsync()));
            }

            return (counts[0], counts[1], counts[2]);
        }
    }

    [Theory]
    [InlineData("/api/v2/sessionResults?testId=5a000000-0000-4000-8000-000000000001")]
    [InlineData("/api/v3/testResults/5a000000-0000-4000-8000-000000000001/sessionResults")]
    [InlineData("/api/v2/testResults")]
    [InlineData("/api/v2/testResults/5a000000-0000-4000-8000-000000000001/qxScores")]
    [InlineData("/api/v2/testResults/5a000000-0000-4000-8000-000000000001/highlightreels")]
    [InlineData("/api/v2/testResults/5a000000-0000-4000-8000-000000000001/highlightreels/5a000000-0000-4000-8000-000000000001")]
    [InlineData("/api/v2/sessionResults/5a000000-0000-4000-8000-000000000001/transcript")]
    [InlineData("/api/v2/sessionResults/5a000000-0000-4000-8000-000000000001/videoDownloadUrl")]
    [InlineData("/api/v2/sessionResults/5a000000-0000-4000-8000-000000000001/clips")]
    [InlineData("/api/v2/sessionResults/5a000000-0000-4000-8000-000000000001/clips/5a000000-0000-4000-8000-000000000001")]
    public async Task Reading_needs_a_token_with_the_scope(string path)
    {
        using var nobody = app.Anonymous();
        using var writer = await app.ClientAsync(TestClients.WriteOnly);
        using var unauthenticated = await nobody.ReadAsync(path);
        using var forbidden = await writer.ReadAsync(path);

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden), (unauthenticated.StatusCode, forbidden.StatusCode));
    }

    /// <summary>A new test with this many completed sessions.</summary>
    private static async Task<Guid> TestAsync(HttpClient http, int ended)
    {
        var test = Guid.NewGuid();
        for (var n = 0; n < ended; n++)
            await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(n)).Completed(Noon.AddMinutes(n)));
        return test;
    }

    private static async Task<List<Guid>> WalkAsync(HttpClient http, string list, Func<Task>? between = null)
    {
        var ids = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await http.JsonAsync(cursor is null ? list : $"{list}&cursor={cursor}");
            ids.AddRange(Ids(page));
            cursor = (string?)page["meta"]!["pagination"]!["nextCursor"];
            if (between is not null)
                await between();
        }
        while (cursor is not null);
        return ids;
    }

    private static IEnumerable<Guid> Ids(JsonObject page) => page["sessions"]!.AsArray().Select(session => (Guid)session!["sessionId"]!);

    private static int Total(JsonObject page) => (int)page["meta"]!["pagination"]!["totalCount"]!;
}
