using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Who sent an event decides where it counts: before a session starts it belongs to nobody, and nobody can take it.</summary>
public sealed class SenderTests(AppFixture app)
{
    private static readonly DateTimeOffset Later = SessionBuilder.Begin.AddHours(9);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_stored_event_names_its_sender_and_no_answer_does()
    {
        using var http = await app.ClientAsync(TestClients.BothWorkspaces);
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(session);

        var headers = await HeadersAsync(session.Id);
        Assert.All(headers, header => Assert.Equal($"{string.Concat(new[] { TestClients.WorkspaceA, TestClients.WorkspaceB }.Select(Sender.DigestOf).Order(StringComparer.Ordinal))} {TestClients.BothWorkspaces}", header));
        Assert.Equal(2, headers.Count);
        foreach (var version in new[] { "v2", "v3" })
            Assert.DoesNotContain(TestClients.BothWorkspaces, (await http.ResultAsync(session.Id, version)).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_event_from_another_client_is_the_same_event()
    {
        using var first = await app.ClientAsync();
        using var second = await app.ClientAsync(TestClients.BothWorkspaces);
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await first.RecordAsync(session);

        Assert.Equal(2, (int)(await second.RecordAsync(session))["duplicates"]!);
        Assert.All(await HeadersAsync(session.Id), header => Assert.EndsWith($" {TestClients.Reader}", header, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_stranger_sent_before_the_start_does_not_count(bool ownerWasThereBefore)
    {
        using var owner = await app.ClientAsync();
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        var expected = TestData.Session().Profiled().WithAnswer(Answers.Nps(9)).WithVideo("videos/own.mp4", time: SessionBuilder.Begin);
        await owner.RecordAsync(expected);

        var session = TestData.SessionOnly(test: expected.TestId).Profiled().WithAnswer(Answers.Nps(9), expected.Tasks[0]).WithVideo("videos/own.mp4", time: SessionBuilder.Begin);
        if (ownerWasThereBefore)
            await owner.RecordAsync(session);
        await stranger.RecordAsync(Strange(session.Id, expected.Tasks[0]));
        if (!ownerWasThereBefore)
            await owner.RecordAsync(session);
        await owner.RecordAsync(TestData.SessionOnly(session.Id, session.TestId).Started(TestClients.WorkspaceA));

        foreach (var version in new[] { "v2", "v3" })
            Assert.Equal(await TextAsync(owner, expected, version), await TextAsync(owner, session, version));
        Assert.Equal(await ClipsAsync(owner, expected.Id), await ClipsAsync(owner, session.Id));
        using (var unseen = await stranger.GetResultAsync(session.Id))
            Assert.Equal(HttpStatusCode.NotFound, unseen.StatusCode);
        using (var refused = await stranger.SendAsync(TestData.SessionOnly(session.Id).Completed()))
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        await CleanAsync(session.Id);
    }

    [Fact]
    public async Task What_somebody_sent_before_the_start_who_may_write_there_counts()
    {
        using var owner = await app.ClientAsync();
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9));
        await both.RecordAsync(session);
        await stranger.RecordAsync(TestData.SessionOnly(session.Id).WithAnswer(Answers.Nps(1)));
        await owner.RecordAsync(TestData.SessionOnly(session.Id, session.TestId).Started(TestClients.WorkspaceA));
        await both.RecordAsync(TestData.SessionOnly(session.Id).Completed());

        var result = await owner.ResultAsync(session.Id);
        Assert.Equal((session.Tasks[0], "COMPLETE"), ((Guid)Assert.Single(result["tasks"]!.AsArray())!["uuid"]!, (string)result["status"]!));
        await CleanAsync(session.Id);
    }

    public static TheoryData<bool, int> Squats() => new() { { true, -9 }, { true, 9 }, { false, -9 }, { false, 9 } };

    [Theory]
    [MemberData(nameof(Squats))]
    public async Task A_strangers_start_takes_the_session_from_nobody(bool strangerIsFirst, int hours)
    {
        using var owner = await app.ClientAsync();
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var early = TestData.SessionOnly().WithAnswer(Answers.Nps(9));
        var own = TestData.SessionOnly(early.Id, early.TestId).Started(TestClients.WorkspaceA).WithAnswer(Answers.Nps(8)).Completed();
        var strange = TestData.SessionOnly(early.Id).Started(TestClients.WorkspaceB).But("time", $"\"{SessionBuilder.Begin.AddHours(hours):O}\"").WithAnswer(Answers.Nps(1));
        await owner.RecordAsync(early);
        foreach (var (client, events) in strangerIsFirst ? [(stranger, strange), (owner, own)] : new[] { (owner, own), (stranger, strange) })
            await client.RecordAsync(events);
        await owner.RecordAsync(TestData.SessionOnly(early.Id).Profiled());

        foreach (var version in new[] { "v2", "v3" })
        {
            var (mine, theirs) = (await owner.ResultAsync(early.Id, version), await stranger.ResultAsync(early.Id, version));
            Assert.Equal((early.Id, early.TestId, "COMPLETE", 2), ((Guid)mine["sessionId"]!, (Guid)mine["testId"]!, (string)mine["status"]!, Tasks(mine)));
            Assert.NotNull(mine["sessionParticipant"]);
            Assert.Equal((early.Id, strange.TestId, "IN_PROGRESS", 1), ((Guid)theirs["sessionId"]!, (Guid)theirs["testId"]!, (string)theirs["status"]!, Tasks(theirs)));
            Assert.Null(theirs["sessionParticipant"]);
        }

        // Each is in the lists, the counts and the exports of its own workspace, by the id that its recorder gave it.
        foreach (var (client, other, test, status) in new[] { (owner, stranger, own.TestId, "COMPLETE"), (stranger, owner, strange.TestId, "IN_PROGRESS") })
        {
            var path = $"/api/v2/sessionResults?testId={test}&status={status}";
            Assert.Equal(early.Id, (Guid)Assert.Single((await client.JsonAsync(path))["sessions"]!.AsArray())!["sessionId"]!);
            await Wait.UntilAsync(async () => (int)(await client.JsonAsync(path))["meta"]!["pagination"]!["totalCount"]! == 1);
            using (var unknown = await other.ReadAsync(path))
                Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
            using var export = await client.ReadAsync($"/api/v3/testResults/{test}/sessionResults?status={status}");
            Assert.True(export.StatusCode == HttpStatusCode.OK, $"{export.StatusCode}");
            Assert.Equal(early.Id, (Guid)JsonNode.Parse(await export.Content.ReadAsStringAsync(Cancelled))!["sessionId"]!);
        }

        // A third may write into neither.
        Assert.NotNull((await both.ResultAsync(early.Id))["sessionId"]);
        await CleanAsync(early.Id);
        await RefreshAsync(early.Id);
        await CleanAsync(early.Id);
        Assert.Equal(2, Tasks(await owner.ResultAsync(early.Id)));
    }

    [Fact]
    public async Task Who_may_write_into_all_workspaces_of_a_session_moves_it()
    {
        using var owner = await app.ClientAsync();
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var own = TestData.Session().WithAnswer(Answers.Nps(9));
        await stranger.RecordAsync(TestData.SessionOnly(own.Id).Started(TestClients.WorkspaceB));
        await owner.RecordAsync(own);
        await both.RecordAsync(TestData.SessionOnly(own.Id, own.TestId).Started(TestClients.WorkspaceA).But("time", $"\"{Later:O}\""));

        Assert.Equal(1, Tasks(await owner.ResultAsync(own.Id)));
        using (var gone = await stranger.GetResultAsync(own.Id))
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        using (var refused = await stranger.SendAsync(TestData.SessionOnly(own.Id).WithAnswer(Answers.Nps(1))))
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        await CleanAsync(own.Id);
    }

    [Fact]
    public async Task A_reel_and_a_test_cannot_be_taken_either()
    {
        using var owner = await app.ClientAsync();
        using var stranger = await app.ClientAsync(TestClients.OtherWorkspace);
        var (reel, test) = (TestData.Reel(Guid.NewGuid()), TestData.Test(title: "Own"));
        await stranger.RecordAsync(TestData.ReelOnly(reel.Id).Deleted(Later).Failed(Later));
        await stranger.RecordAsync(TestData.ReelOnly(reel.Id).Published(Guid.NewGuid(), TestClients.WorkspaceB, [], time: Later));
        await stranger.RecordAsync(TestData.TestOnly(test.Id).Defined(TestClients.WorkspaceB, "Taken", time: Later));
        await owner.RecordAsync(reel);
        await owner.RecordAsync(test);

        var reels = $"/api/v2/testResults/{(string)reel.Events[0]["data"]!["testId"]!}/highlightreels";
        Assert.Equal("GENERATING", (string)(await owner.JsonAsync($"{reels}/{reel.Id}"))["status"]!);
        Assert.Equal(reel.Id, (Guid)Assert.Single((await owner.JsonAsync(reels))["reels"]!.AsArray())!["uuid"]!);
        using (var theirs = await stranger.ReadAsync(reels))
            Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
        Assert.Equal(("Own", "Taken"), ((string)(await owner.JsonAsync($"/v1/studies/{test.Id}"))["title"]!, (string)(await stranger.JsonAsync($"/v1/studies/{test.Id}"))["title"]!));
        foreach (var (client, workspace) in new[] { (owner, TestClients.WorkspaceA), (stranger, TestClients.WorkspaceB) })
            Assert.NotNull(await TestResults.StudiesTests.FindAsync(client, workspace, test.Id));
    }

    [Fact]
    public void A_sender_into_very_many_workspaces_names_those_alone_in_which_the_session_was_started()
    {
        Guid[] many = [TestClients.WorkspaceA, .. Enumerable.Range(0, Sender.MaxWorkspaces).Select(_ => Guid.NewGuid())];
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9)).Started(TestClients.WorkspaceA).WithAnswer(Answers.Nps(8));
        var stream = new LockedStream(new StreamKey("account", session.Id), SessionResultTable.Documents);
        foreach (var sent in CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch).Events)
            Assert.IsType<RecordResult.Stored>(RecordDecision.Decide(new RecordEvents(TestClients.AccountOne, many, "all", [sent]), [], new Dictionary<Guid, LockedStream> { [session.Id] = stream }, new StreamLimits()));

        Assert.Equal([many.Length, many.Length, 1], stream.Appended.Select(sent => (sent.Sender.Header!.IndexOf(' ', StringComparison.Ordinal)) / 11));
        Assert.Equal(Sender.Of("all", [TestClients.WorkspaceA]), stream.Appended[^1].Sender);
    }

    [Theory]
    [InlineData(null, "queue /shop")]
    [InlineData("kiosk", "kiosk")]
    public void Over_a_queue_the_virtual_host_sends_or_whom_the_settings_name(string? configured, string expected) =>
        Assert.Equal(expected, new AccountBinding { Sender = configured }.SenderOn("/shop"));

    [Fact]
    public async Task The_keys_of_such_documents_are_nobodys_ids()
    {
        using var http = await app.ClientAsync();
        var key = Placement.KeyOf(Guid.NewGuid(), TestClients.WorkspaceA);
        using var answer = await http.SendAsync(TestData.SessionOnly(key).Started(TestClients.WorkspaceA));
        Assert.Equal("""{"[0].subject":["must not be a UUID of version 15, which is no version of any"]}""", (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    /// <summary>All that a stranger can do to a session that has not started, later than its own recorder.</summary>
    private static SessionBuilder Strange(Guid session, Guid task)
    {
        var strange = TestData.SessionOnly(session).Profiled().But("data.participantId", $"\"{Guid.NewGuid()}\"")
            .WithAnswer(Answers.Nps(0), task).WithAnswer(Answers.Nps(0)).Completed().WithVideo("videos/strange.mp4").WithClip(Guid.NewGuid()).Transcribed().Scored();
        foreach (var e in strange.Events)
            e["time"] = $"{Later:O}";
        return strange;
    }

    private static int Tasks(JsonObject result) => (result["tasks"] ?? result["sessionTaskResults"])!.AsArray().Count;

    private static async Task<string> TextAsync(HttpClient http, SessionBuilder session, string version) =>
        (await http.ResultAsync(session.Id, version)).ToJsonString().Replace(session.Id.ToString(), "this", StringComparison.Ordinal);

    private static async Task<string> ClipsAsync(HttpClient http, Guid session) => (await http.JsonAsync($"/api/v2/sessionResults/{session}/clips")).ToJsonString();

    private async Task<IReadOnlyList<string>> HeadersAsync(Guid session)
    {
        await using var command = Database().CreateCommand("select e.headers ->> 'sender' from results.mt_events e where e.stream_id = $1");
        return await command.ReadAllAsync([session], reader => reader.GetString(0), Cancelled);
    }

    private NpgsqlDataSource Database() => app.Host.Services.GetRequiredService<NpgsqlDataSource>();

    private async Task RefreshAsync(Guid session)
    {
        await using (var command = Database().CreateCommand($"update {SessionResultTable.Name} set data = data || '{{\"body\": {{}}}}' where id = $1 or stream_id = $1"))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session });
            await command.ExecuteNonQueryAsync(Cancelled);
        }

        await app.Host.Services.GetRequiredService<DocumentRefresh>().RefreshAsync(SessionResultTable.Documents, [Key(session)], Cancelled);
    }

    private async Task CleanAsync(Guid session)
    {
        var verification = new Verification(Database(), app.Host.Services.GetRequiredService<DocumentTables>());
        Assert.Empty(await verification.DeviationsAsync(SessionResultTable.Documents, [Key(session)], Cancelled));
    }

    private static StreamKey Key(Guid session) => new(TestClients.AccountOne.ToString(), session);
}
