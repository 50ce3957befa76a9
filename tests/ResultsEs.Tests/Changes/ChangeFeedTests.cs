using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Changes;

/// <summary>The feed of changes, as those see it who keep copies.</summary>
public sealed class ChangeFeedTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private HttpClient Http => own.Http;

    [Fact]
    public async Task A_session_comes_when_it_begins_and_with_each_change_and_once_to_those_who_come_later()
    {
        var session = TestData.Session();
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        var started = Assert.Single(await follower.CatchUpAsync(Http));
        await Http.RecordAsync(session.WithAnswer(Answers.Nps(9)));
        var answered = Assert.Single(await follower.CatchUpAsync(Http));
        await Http.RecordAsync(session.WithAnswer(Answers.Nps(3)).Completed());
        var completed = Assert.Single(await follower.CatchUpAsync(Http));
        Assert.Empty(await follower.CatchUpAsync(Http));

        Assert.Equal([("IN_PROGRESS", 1), ("IN_PROGRESS", 2), ("COMPLETE", 4)], new[] { started, answered, completed }.Select(change => ((string)change["status"]!, (int)change["version"]!)));
        Assert.All([started, answered, completed], change => Assert.Equal(
            ("upserted", null, session.Id), Follower.Short(change)));
        Assert.Equal(TestClients.WorkspaceA, (Guid)completed["workspaceId"]!);
        Assert.Equal(session.TestId, (Guid)completed["testId"]!);
        Assert.True(JsonNode.DeepEquals(await Http.ResultAsync(session.Id), completed["session"]));
        var listed = await Http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}");
        Assert.Equal((string)listed["sessions"]![0]!["updatedTime"]!, (string)completed["updatedTime"]!);

        var later = new Follower(session.TestId);
        Assert.True(JsonNode.DeepEquals(completed, Assert.Single(await later.CatchUpAsync(Http))));
    }

    [Fact]
    public async Task Who_asks_for_what_comes_from_now_on_is_spared_what_is_there()
    {
        var (before, after) = (TestData.Session(), TestData.Session());
        await Http.RecordAsync(before);
        var now = await Http.JsonAsync("/api/v3/changes?after=now");
        Assert.Equal((0, true), (now["changes"]!.AsArray().Count, (bool)now["isAtEnd"]!));
        await Http.RecordAsync(after);
        var page = await Http.JsonAsync($"/api/v3/changes?after={now["nextCursor"]}");
        Assert.Equal(after.Id, (Guid)Assert.Single(page["changes"]!.AsArray())!["sessionId"]!);
    }

    [Fact]
    public async Task Without_its_session_a_change_says_where_it_is_and_no_more()
    {
        var session = TestData.Session().Completed();
        await Http.RecordAsync(session);
        var page = await Http.JsonAsync($"/api/v3/changes?testId={session.TestId}");
        Assert.Equal(
            ["kind", "sessionId", "workspaceId", "testId", "status", "updatedTime", "version"],
            Assert.Single(page["changes"]!.AsArray())!.AsObject().Select(member => member.Key));
    }

    [Fact]
    public async Task A_session_that_never_started_is_not_there_and_comes_with_its_start()
    {
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9));
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        Assert.Empty(await follower.CatchUpAsync(Http));
        await Http.RecordAsync(session.Started(TestClients.WorkspaceA));
        Assert.Equal(2, (int)Assert.Single(await follower.CatchUpAsync(Http))["version"]!);
    }

    /// <summary>The same session starts again elsewhere, later.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_session_that_moves_goes_from_where_it_was(bool toOtherWorkspace, bool toOtherTest)
    {
        using var both = await AppFixture.ClientAsync(own.Host, TestClients.BothWorkspaces);
        var session = TestData.Session(TestClients.WorkspaceA);
        var moved = TestData.SessionOnly(session.Id, toOtherTest ? Guid.NewGuid() : session.TestId);
        await both.RecordAsync(session);
        var (all, here) = (new Follower(), new Follower(session.TestId));
        await all.CatchUpAsync(both);
        await here.CatchUpAsync(Http);

        var to = toOtherWorkspace ? TestClients.WorkspaceB : TestClients.WorkspaceA;
        moved.Started(to).But("time", "\"2026-03-01T11:00:00Z\"");
        await both.RecordAsync(moved);

        (string, string?, Guid) gone = ("removed", "moved", session.Id), there = ("upserted", null, session.Id);
        var changes = await all.CatchUpAsync(both);
        Assert.Equal([gone, there], changes.Where(change => (Guid)change["sessionId"]! == session.Id).Select(Follower.Short));
        Assert.Equal([(TestClients.WorkspaceA, session.TestId), (to, moved.TestId)], changes.Select(change => ((Guid)change["workspaceId"]!, (Guid)change["testId"]!)));
        // Who sees but the old place is told that it went.
        Assert.Equal([gone], (await here.CatchUpAsync(Http)).Select(Follower.Short).Take(1));
        Assert.Empty(here.Copy);
    }

    [Fact]
    public async Task A_session_in_two_workspaces_comes_to_each_as_it_is_there()
    {
        using var other = await AppFixture.ClientAsync(own.Host, TestClients.OtherWorkspace);
        using var both = await AppFixture.ClientAsync(own.Host, TestClients.BothWorkspaces);
        var mine = TestData.Session(TestClients.WorkspaceB).WithAnswer(Answers.Nps(9));
        var theirs = TestData.SessionOnly(mine.Id, mine.TestId).Started(TestClients.WorkspaceA).WithAnswer(Answers.Nps(1)).WithAnswer(Answers.Nps(2));
        var (inA, inB, inBoth) = (new Follower(mine.TestId), new Follower(mine.TestId), new Follower(mine.TestId));
        await other.RecordAsync(mine);
        await inB.CatchUpAsync(other);
        await inBoth.CatchUpAsync(both);
        await Http.RecordAsync(theirs);
        await other.RecordAsync(mine.Completed());

        foreach (var (follower, http) in new[] { (inA, Http), (inB, other), (inBoth, both) })
            await follower.CatchUpAsync(http);
        var (ofA, ofB) = (await Http.ResultAsync(mine.Id), await other.ResultAsync(mine.Id));
        Assert.Equal([2, 1], new[] { ofA, ofB }.Select(result => result["tasks"]!.AsArray().Count));
        Assert.True(JsonNode.DeepEquals(ofA, Assert.Single(inA.Copy).Value));
        Assert.True(JsonNode.DeepEquals(ofB, Assert.Single(inB.Copy).Value));
        Assert.True(JsonNode.DeepEquals(ofA, inBoth.Copy[(TestClients.WorkspaceA, mine.Id)]));
        Assert.True(JsonNode.DeepEquals(ofB, inBoth.Copy[(TestClients.WorkspaceB, mine.Id)]));
        Assert.DoesNotContain(inA.Seen, change => (Guid)change["workspaceId"]! != TestClients.WorkspaceA);
    }

    [Fact]
    public async Task Nobody_sees_changes_of_other_workspaces_and_accounts()
    {
        var session = TestData.Session();
        await Http.RecordAsync(session);
        foreach (var stranger in new[] { TestClients.OtherWorkspace, TestClients.OtherAccount, TestClients.OtherAccountWithWorkspaceA })
        {
            using var http = await AppFixture.ClientAsync(own.Host, stranger);
            var follower = new Follower();
            await follower.CatchUpAsync(http);
            Assert.DoesNotContain(follower.Seen, change => (Guid)change["sessionId"]! == session.Id);
        }
    }

    /// <summary>Of a long session most events are written to the document later; they are changes when they are stored.</summary>
    [Fact]
    public async Task What_a_long_document_takes_in_later_is_a_change_at_once_with_all_of_it()
    {
        var session = TestData.Session();
        for (var i = 0; i < 600; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        await Http.RecordAsync(session);
        var follower = new Follower(session.TestId);
        await follower.CatchUpAsync(Http);
        await Http.RecordAsync(TestData.SessionOnly(session.Id, session.TestId).WithAnswer(Answers.Nps(3)));

        var change = Assert.Single(await follower.CatchUpAsync(Http));
        Assert.Equal((602, 601), ((int)change["version"]!, change["session"]!["tasks"]!.AsArray().Count));
        // That its document has taken the answer in is no change.
        Assert.Empty(await follower.CatchUpAsync(Http));
    }

    [Fact]
    public async Task Pages_follow_one_another_and_pages_with_sessions_end_by_their_size()
    {
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 7).Select(_ => TestData.Session(test: test)).ToList();
        foreach (var session in sessions)
            await Http.RecordAsync(session.WithAnswer(Answers.Written(new string('x', 90_000))).WithAnswer(Answers.Written(new string('y', 90_000))).WithAnswer(Answers.Written(new string('z', 90_000))));

        var (byTwo, bySize) = (new Follower(test, limit: 2), new Follower(test, limit: 500));
        await byTwo.CatchUpAsync(Http);
        var first = await bySize.ReadAsync(Http);
        Assert.InRange(first["changes"]!.AsArray().Count, 3, 5);
        Assert.False((bool)first["isAtEnd"]!);
        await bySize.CatchUpAsync(Http);
        Assert.All([byTwo, bySize], follower => Assert.Equal(sessions.Select(session => session.Id), follower.Seen.Select(change => (Guid)change["sessionId"]!)));
    }

    [Theory]
    [InlineData("after=x", "after", "must be a nextCursor of this account's changes, or now")]
    [InlineData("after=", "after", "must be a nextCursor of this account's changes, or now")]
    [InlineData("after=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "after", "must be a nextCursor of this account's changes, or now")]
    [InlineData("limit=0", "limit", "must be a whole number from 1 to 500")]
    [InlineData("limit=501", "limit", "must be a whole number from 1 to 500")]
    [InlineData("wait=61", "wait", "must be a whole number from 0 to 60")]
    [InlineData("wait=-1", "wait", "must be a whole number from 0 to 60")]
    [InlineData("wait=1.5", "wait", "must be a whole number from 0 to 60")]
    [InlineData("include=sessions", "include", "must be one of session")]
    [InlineData("testId=1", "testId", "must be a UUID")]
    public async Task What_is_wrong_with_a_request_is_named(string query, string name, string problem)
    {
        using var answer = await Http.ReadAsync($"/api/v3/changes?{query}");
        var errors = (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!;
        Assert.Equal(problem, (string?)errors[name]![0]);
    }

    [Fact]
    public async Task A_cursor_is_its_accounts_own()
    {
        using var stranger = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        var cursor = (string)(await Http.JsonAsync("/api/v3/changes"))["nextCursor"]!;
        using var answer = await stranger.ReadAsync($"/api/v3/changes?after={cursor}");
        await answer.ProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_reader_who_waits_is_answered_when_something_comes_and_by_HEAD_at_once()
    {
        var test = Guid.NewGuid();
        var follower = new Follower(test);
        await follower.CatchUpAsync(Http);
        var waiting = follower.ReadAsync(Http, wait: 60);
        var session = TestData.Session(test: test);
        // Others of the account do not end the wait.
        await Http.RecordAsync(TestData.Session());
        Assert.False(waiting.IsCompleted);
        await Http.RecordAsync(session);
        Assert.Equal(session.Id, (Guid)Assert.Single((await waiting)["changes"]!.AsArray())!["sessionId"]!);

        using var head = await Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri(follower.Path(wait: 60), UriKind.Relative)), Cancelled);
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
    }

    [Fact]
    public async Task A_wait_for_nothing_ends_with_where_to_go_on()
    {
        var follower = new Follower(Guid.NewGuid());
        var page = await follower.ReadAsync(Http, wait: 1);
        Assert.Empty(page["changes"]!.AsArray());
        Assert.True((bool)page["isAtEnd"]!);
    }
}
