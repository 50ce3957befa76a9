using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Who may write where: only into sessions of the token's own account and workspaces.</summary>
public sealed class WriteAccessTests(AppFixture app)
{
    private const string Outside = "Nothing of the request is stored, because it writes outside the sender's workspaces.";

    [Fact]
    public async Task A_token_without_the_scope_writes_nothing()
    {
        var session = TestData.Session();
        foreach (var http in (HttpClient[])[await app.ClientAsync(TestClients.ReadOnly), await app.ClientAsync(TestClients.Reader, "studies:read")])
        {
            using var answer = await http.SendAsync(session);
            Assert.Equal("The access token lacks the scope that this needs.", (string?)(await answer.ProblemAsync(HttpStatusCode.Forbidden))["detail"]);
        }

        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task No_token_writes_nothing()
    {
        var session = TestData.Session();
        using var http = DescribedAnswers.Of(app.Host);
        using var answer = await http.SendAsync(session);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task The_scope_to_write_is_enough_to_write()
    {
        var session = TestData.Session();
        Assert.Equal(1, (int?)(await (await app.ClientAsync(TestClients.WriteOnly)).RecordAsync(session))["accepted"]);
    }

    public static TheoryData<Guid> ForeignWorkspaces() => [TestClients.WorkspaceB, TestClients.WorkspaceOfTwo, Guid.Parse("5a000000-0000-4000-8000-0000000000ee")];

    [Theory]
    [MemberData(nameof(ForeignWorkspaces))]
    public async Task A_session_may_only_start_in_a_workspace_of_the_token(Guid workspace)
    {
        var own = TestData.Session();
        var foreign = TestData.Session(workspace).WithAnswer(Answers.Nps(9));
        own.Events.AddRange(foreign.Events);

        using var answer = await (await app.ClientAsync()).SendAsync(own);
        Assert.Equal(
            Problem(own, 1, "data.workspaceId", "must be one of the sender's workspaces"),
            await answer.ProblemAsync(HttpStatusCode.Forbidden),
            JsonNode.DeepEquals);
        Assert.Empty(await app.StoredAsync(own.Id));
        Assert.Empty(await app.StoredAsync(foreign.Id));
    }

    [Fact]
    public async Task A_session_of_another_workspace_of_the_account_cannot_be_written()
    {
        var reader = await app.ClientAsync(TestClients.BothWorkspaces);
        var foreign = TestData.Session(TestClients.WorkspaceB).WithAnswer(Answers.Nps(9));
        await reader.RecordAsync(foreign);
        var document = await reader.ResultAsync(foreign.Id);

        var own = TestData.Session();
        foreign.Events.Clear();
        own.Events.AddRange(foreign.WithAnswer(Answers.Nps(0), foreign.Tasks[0], time: new DateTimeOffset(2026, 4, 1, 0, 0, 0, TimeSpan.Zero)).Events);
        using var answer = await (await app.ClientAsync()).SendAsync(own);

        Assert.Equal(
            Problem(own, 1, "subject", "must be a session of the sender's workspaces"),
            await answer.ProblemAsync(HttpStatusCode.Forbidden),
            JsonNode.DeepEquals);
        Assert.Empty(await app.StoredAsync(own.Id));
        Assert.Equal(2, (await app.StoredAsync(foreign.Id)).Count);
        Assert.Equal(document.ToJsonString(), (await reader.ResultAsync(foreign.Id)).ToJsonString());
    }

    [Fact]
    public async Task A_session_of_another_workspace_that_is_started_in_ones_own_is_another_session()
    {
        var owner = await app.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.Session(TestClients.WorkspaceB);
        await owner.RecordAsync(session);

        session.Events.Clear();
        session.Started(TestClients.WorkspaceA).But("time", "\"2026-04-01T00:00:00Z\"");
        var other = await app.ClientAsync();
        await other.RecordAsync(session);
        Assert.Equal(TestClients.WorkspaceB.ToString(), (string?)(await owner.ResultAsync(session.Id))["workspaceId"]);
        Assert.Equal(TestClients.WorkspaceA.ToString(), (string?)(await other.ResultAsync(session.Id))["workspaceId"]);
    }

    [Fact]
    public async Task A_client_of_both_workspaces_writes_into_both()
    {
        var http = await app.ClientAsync(TestClients.BothWorkspaces);
        var session = TestData.Session();
        session.Events.AddRange(TestData.Session(TestClients.WorkspaceB).Events);
        Assert.Equal(2, (int?)(await http.RecordAsync(session))["accepted"]);
    }

    [Fact]
    public async Task Events_before_the_start_are_stored_and_shown_once_it_is_in()
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9)).Completed();
        await http.RecordAsync(session);
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
        using (var early = await http.GetResultAsync(session.Id))
            Assert.Equal(HttpStatusCode.NotFound, early.StatusCode);

        session.Events.Clear();
        await http.RecordAsync(session.Started(TestClients.WorkspaceA));
        var result = await http.ResultAsync(session.Id);
        Assert.Equal("COMPLETE", (string?)result["status"]);
        Assert.Equal(9, (int?)result["tasks"]![0]!["response"]!["answer"]!["nps"]!["score"]);
    }

    [Fact]
    public async Task An_id_that_is_taken_says_the_same_whoever_took_it()
    {
        var (one, other) = (await app.ClientAsync(), await app.ClientAsync(TestClients.OtherWorkspace));
        var (own, foreign) = (TestData.Session().Completed(), TestData.Session(TestClients.WorkspaceB).Completed());
        await one.RecordAsync(own);
        await other.RecordAsync(foreign);
        var (ofOwn, ofForeign) = ((string)own.Events[1]["id"]!, (string)foreign.Events[1]["id"]!);

        // Of a session of one's own: the same conflict, whatever the event says.
        var answers = new List<string>();
        foreach (var (id, data) in new[] { (ofOwn, own.Events[1]["data"]!), (ofForeign, foreign.Events[1]["data"]!), (ofForeign, TestData.Session().Completed().Events[1]["data"]!) })
        {
            var session = TestData.Session().Completed();
            session.Events[1]["id"] = id;
            session.Events[1]["data"] = data.DeepClone();
            using var answer = await one.SendAsync(session);
            answers.Add((await answer.ProblemAsync(HttpStatusCode.Conflict)).ToJsonString().Replace(id, "ID", StringComparison.Ordinal));
            Assert.Empty(await app.StoredAsync(session.Id));
        }

        Assert.Single(answers.Distinct());

        // Of a foreign session: the same refusal, whether the id is taken, even by the very event, or free.
        answers.Clear();
        foreach (var id in new[] { ofForeign, ofOwn, Guid.NewGuid().ToString() })
        {
            var events = TestData.SessionOnly(foreign.Id).Completed();
            events.Events[0] = foreign.Events[1].DeepClone().AsObject();
            events.Events[0]["id"] = id;
            using var answer = await one.SendAsync(events);
            answers.Add((await answer.ProblemAsync(HttpStatusCode.Forbidden)).ToJsonString().Replace(id, "ID", StringComparison.Ordinal));
        }

        Assert.Single(answers.Distinct());
    }

    [Fact]
    public async Task Two_accounts_with_the_same_session_id_do_not_see_each_others()
    {
        var (one, two) = (await app.ClientAsync(), await app.ClientAsync(TestClients.OtherAccount));
        var ofOne = TestData.Session().WithAnswer(Answers.Nps(9));
        await one.RecordAsync(ofOne);
        using (var unseen = await two.GetResultAsync(ofOne.Id))
            Assert.Equal(HttpStatusCode.NotFound, unseen.StatusCode);

        var ofTwo = TestData.Session(TestClients.WorkspaceOfTwo).WithAnswer(Answers.Written("mine"));
        foreach (var e in ofTwo.Events)
            e.But("subject", $"\"{ofOne.Id}\"");
        Assert.Equal(2, (int?)(await two.RecordAsync(ofTwo))["accepted"]);

        var (seenByOne, seenByTwo) = (await one.ResultAsync(ofOne.Id), await two.ResultAsync(ofOne.Id));
        Assert.Equal(ofOne.TestId.ToString(), (string?)seenByOne["testId"]);
        Assert.Equal(["NPS"], seenByOne["tasks"]!.AsArray().Select(task => (string?)task!["type"]));
        Assert.Equal(ofTwo.TestId.ToString(), (string?)seenByTwo["testId"]);
        Assert.Equal(["WRITTEN"], seenByTwo["tasks"]!.AsArray().Select(task => (string?)task!["type"]));
        Assert.Equal(
            [(TestClients.AccountOne, 2), (TestClients.AccountTwo, 2)],
            (await app.StoredAsync(ofOne.Id)).CountBy(row => row.Account).Select(count => (count.Key, count.Value)).Order());
    }

    private static JsonObject Problem(SessionBuilder session, int index, string field, string message) => new()
    {
        ["type"] = "https://tools.ietf.org/html/rfc9110#section-15.5.4",
        ["title"] = "Forbidden",
        ["status"] = 403,
        ["detail"] = Outside,
        ["errors"] = new JsonObject { [$"[{index}].{field}"] = new JsonArray(message) },
        ["events"] = new JsonArray(new JsonObject { ["index"] = index, ["id"] = (string?)session.Events[index]["id"], ["fields"] = new JsonArray(field) }),
    };
}
