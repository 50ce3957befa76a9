using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Privacy;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Privacy;

/// <summary>What erasing a participant or a session does to what is stored, served and still to come.</summary>
public sealed class ErasureTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => own.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task Nothing_that_a_participant_left_is_in_the_database_or_in_an_answer_afterwards()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var (participant, test) = (Guid.NewGuid(), Guid.NewGuid());
        var prefix = Markers.New();
        var sessions = Enumerable.Range(0, 2).Select(_ => Everything(participant, test).Plant(prefix)).ToList();
        foreach (var session in sessions)
            await http.RecordAsync(session);
        var other = Everything(Guid.NewGuid(), test);
        await http.RecordAsync(other);
        using var stranger = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        var ofTwo = Everything(participant, test, TestClients.WorkspaceOfTwo);
        await stranger.RecordAsync(ofTwo);
        await TotalsAsync(http, test, prefix, isThere: true);
        var (otherBefore, ofTwoBefore) = (await own.Host.StoredAsync(other.Id), (await stranger.ResultAsync(ofTwo.Id)).ToJsonString());
        var (listBefore, numbersBefore) = (await ListAsync(http, test), Numbers(await http.ResultAsync(sessions[0].Id)));
        Assert.NotEmpty(await FoundAsync(prefix));
        Assert.NotEmpty(await FoundAsync(participant.ToString(), TestClients.AccountOne));

        var erasure = await EraseAsync(http, $"participants/{participant}?reason=asked%20by%20letter");
        // Where there is no object store the files are listed, until an operator says that they are deleted.
        Assert.Equal("FILES", (string?)erasure["state"]);
        var files = await own.Host.Services.GetRequiredService<Erasures>().FilesAsync(forgets: true, Cancelled);
        Assert.Equal(4, files.Count(file => file.StartsWith($"{TestClients.AccountOne}/{TestClients.WorkspaceA}/{prefix}", StringComparison.Ordinal)));
        await TotalsAsync(http, test, prefix, isThere: false);

        await IsGoneAsync(prefix);
        Assert.Empty(await FoundAsync(participant.ToString(), TestClients.AccountOne));
        var record = await http.JsonAsync($"/api/v2/erasures/{(string)erasure["erasureId"]!}");
        Assert.Equal(
            ("PARTICIPANT", "DONE", "privacy-one", "asked by letter", 2, 2, sessions.Sum(session => session.Events.Count)),
            ((string?)record["kind"], (string?)record["state"], (string?)record["requestedBy"], (string?)record["reason"],
                (int?)record["sessions"], (int?)record["sessionsMasked"], (int)record["eventsMasked"]!));
        foreach (var path in Paths(sessions[0].Id, test))
        {
            using var answer = await http.ReadAsync(path);
            Assert.DoesNotContain(prefix, await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }

        Assert.Equal(numbersBefore, Numbers(await http.ResultAsync(sessions[0].Id)));
        Assert.Equal(listBefore, await ListAsync(http, test));
        Assert.Equal(Text(otherBefore), Text(await own.Host.StoredAsync(other.Id)));
        Assert.Equal(ofTwoBefore, (await stranger.ResultAsync(ofTwo.Id)).ToJsonString());
        await DocumentsAreTheFoldAsync(sessions.Select(session => session.Id));
    }

    [Fact]
    public async Task What_arrives_later_is_masked_and_a_repeat_is_a_duplicate()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var prefix = Markers.New();
        var session = Everything(Guid.NewGuid(), Guid.NewGuid()).Plant(prefix);
        await http.RecordAsync(session);
        await EraseAsync(http, $"sessions/{session.Id}");
        var late = TestData.SessionOnly(session.Id).WithAnswer(Answers.Written("late")).WithVideo().Plant(prefix);

        var first = await http.RecordAsync(late);
        var again = await http.RecordAsync(late);
        var old = await http.RecordAsync(session);

        Assert.Equal((2, 0, 0, 2, session.Events.Count), ((int)first["accepted"]!, (int)first["duplicates"]!, (int)again["accepted"]!, (int)again["duplicates"]!, (int)old["duplicates"]!));
        var stored = await own.Host.StoredAsync(session.Id);
        Assert.Equal(session.Events.Count + 2, stored.Count);
        Assert.All(stored, row => Assert.Equal(("/erased", true), ((string?)row.Headers["source"], Guid.TryParse((string?)row.Headers["erased"], out _))));
        await own.Host.Services.GetRequiredService<Erasures>().FilesAsync(forgets: true, Cancelled);
        await IsGoneAsync(prefix);
        // Another event under a known id is a mistake as ever.
        using var wrong = await http.SendAsync(TestData.SessionOnly(session.Id).With("SessionResumed", new JsonObject { ["resumedAt"] = "2026-03-01T10:15:00.000Z" }, id: Guid.Parse((string)late.Events[0]["id"]!)));
        Assert.Equal(HttpStatusCode.Conflict, wrong.StatusCode);
        await DocumentsAreTheFoldAsync([session.Id]);
    }

    [Fact]
    public async Task A_new_session_of_an_erased_participant_is_masked_with_what_it_held_before_it_named_them()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var (participant, prefix) = (Guid.NewGuid(), Markers.New());
        Assert.Equal(("DONE", 0), State(await EraseAsync(http, $"participants/{participant}")));
        var session = TestData.Session().WithAnswer(Answers.Written("before")).Plant(prefix);
        await http.RecordAsync(session);
        var profile = Profiled(TestData.SessionOnly(session.Id), participant).WithAnswer(Answers.Written("beside")).Plant(prefix);

        await http.RecordAsync(profile);

        await IsGoneAsync(prefix);
        var result = await http.ResultAsync(session.Id);
        Assert.Equal(Masking.PseudonymOf(TestClients.AccountOne.ToString(), participant).ToString(), (string?)result["sessionParticipant"]!["participantId"]);
        Assert.Equal(2, result["tasks"]!.AsArray().Count);
        Assert.Equal(("DONE", 1), State(await EraseAsync(http, $"participants/{participant}")));
    }

    [Fact]
    public async Task It_waits_for_writers_that_began_before_it()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var participant = Guid.NewGuid();
        await using var writer = await Database.OpenConnectionAsync(Cancelled);
        await using var transaction = await writer.BeginTransactionAsync(Cancelled);
        await writer.ExecuteAsync($"select {ChangeClock.Mark}", [], Cancelled);

        var erasing = EraseAsync(http, $"participants/{participant}");
        var subject = Masking.PseudonymOf(TestClients.AccountOne.ToString(), participant);
        await Wait.UntilAsync(async () => await CountAsync($"select count(*) from results.erasures where subject = '{subject}'") == 1);
        Assert.Equal(1, await CountAsync($"select count(*) from results.erasures where subject = '{subject}' and listed_at is null"));
        await transaction.CommitAsync(Cancelled);

        Assert.Equal("DONE", (string?)(await erasing)["state"]);
        Assert.Equal(0, await CountAsync($"select count(*) from results.erasures where subject = '{subject}' and participant_id is not null"));
    }

    [Fact]
    public async Task A_client_erases_only_what_it_reaches()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        using var both = await AppFixture.ClientAsync(own.Host, TestClients.PrivacyOfBoth);
        var participant = Guid.NewGuid();
        var (near, far) = (Everything(participant, Guid.NewGuid()), Everything(participant, Guid.NewGuid(), TestClients.WorkspaceB));
        await both.RecordAsync(near);
        await both.RecordAsync(far);

        using var participants = await http.DeleteAsync(new Uri($"/api/v2/participants/{participant}", UriKind.Relative), Cancelled);
        using var session = await http.DeleteAsync(new Uri($"/api/v2/sessions/{far.Id}", UriKind.Relative), Cancelled);
        using var unknown = await http.DeleteAsync(new Uri($"/api/v2/sessions/{Guid.NewGuid()}", UriKind.Relative), Cancelled);
        using var withoutScope = await own.Http.DeleteAsync(new Uri($"/api/v2/sessions/{near.Id}", UriKind.Relative), Cancelled);
        using var malformed = await http.DeleteAsync(new Uri($"/api/v2/sessions/{near.Id}?reason={new string('x', 201)}", UriKind.Relative), Cancelled);

        Assert.Equal(
            "The participant has 1 sessions in workspaces that the token does not reach. It takes a client of all of them.",
            (string?)(await participants.ProblemAsync(HttpStatusCode.Forbidden))["detail"]);
        Assert.Equal(
            (await unknown.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString(), (await session.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
        await withoutScope.ProblemAsync(HttpStatusCode.Forbidden);
        await malformed.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.DoesNotContain(await own.Host.StoredAsync(near.Id), row => row.Headers["erased"] is not null);
        Assert.Equal(("FILES", 2), State(await EraseAsync(both, $"participants/{participant}")));
    }

    [Fact]
    public async Task A_participant_of_a_session_that_is_in_another_workspace_too_is_erased_by_who_reaches_both_with_the_files_of_both()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        using var both = await AppFixture.ClientAsync(own.Host, TestClients.PrivacyOfBoth);
        using var stranger = await AppFixture.ClientAsync(own.Host, TestClients.OtherWorkspace);
        var (participant, name) = (Guid.NewGuid(), $"videos/{Guid.NewGuid()}.mp4");
        var mine = Profiled(TestData.Session(), participant).WithVideo(name);
        await http.RecordAsync(mine);
        await stranger.RecordAsync(TestData.SessionOnly(mine.Id).Started(TestClients.WorkspaceB).WithVideo(name));
        var unstarted = Profiled(TestData.SessionOnly(), participant).WithVideo(name);
        await http.RecordAsync(unstarted);

        using var refused = await http.DeleteAsync(new Uri($"/api/v2/participants/{participant}", UriKind.Relative), Cancelled);
        Assert.Equal(
            "The participant has 1 sessions in workspaces that the token does not reach. It takes a client of all of them.",
            (string?)(await refused.ProblemAsync(HttpStatusCode.Forbidden))["detail"]);
        Assert.Equal(("FILES", 2), State(await EraseAsync(both, $"participants/{participant}")));

        var erasures = own.Host.Services.GetRequiredService<Erasures>();
        string[] folders = ["(no workspace yet)", TestClients.WorkspaceA.ToString(), TestClients.WorkspaceB.ToString()];
        foreach (var forgets in new[] { false, true })
            Assert.Equal(folders.Select(folder => $"{TestClients.AccountOne}/{folder}/{name}"), (await erasures.FilesAsync(forgets, Cancelled)).Where(file => file.EndsWith(name, StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(await erasures.FilesAsync(forgets: false, Cancelled), file => file.EndsWith(name, StringComparison.Ordinal));
    }

    private static SessionBuilder Everything(Guid participant, Guid test, Guid? workspace = null)
    {
        var session = TestData.SessionWithEverything(workspace, test);
        session.Events.Single(e => (string?)e["type"] == "results.ParticipantProfiled.v1")["data"]!["participantId"] = participant.ToString();
        session.Events[0]["data"]!["productType"] = "NON_THINK_OUT_LOUD";
        return session
            .WithSkip("HOLOGRAM")
            .WithAnswer(new JsonObject { ["type"] = "HOLOGRAM", ["beam"] = "x" })
            .WithClip(Guid.NewGuid());
    }

    private static SessionBuilder Profiled(SessionBuilder session, Guid participant) => session.Profiled().But("data.participantId", $"\"{participant}\"");

    private static (string? State, int Sessions) State(JsonObject erasure) => ((string?)erasure["state"], (int)erasure["sessions"]!);

    private static async Task<JsonObject> EraseAsync(HttpClient http, string path)
    {
        using var answer = await http.DeleteAsync(new Uri($"/api/v2/{path}", UriKind.Relative), Cancelled);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
        return await answer.JsonAsync();
    }

    private static IEnumerable<string> Paths(Guid session, Guid test) =>
    [
        $"/api/v3/sessionResults/{session}", $"/api/v2/sessionResults/{session}", $"/api/v2/sessionResults/{session}/transcript",
        $"/api/v2/sessionResults/{session}/clips", $"/api/v2/sessionResults?testId={test}", $"/api/v3/testResults/{test}/sessionResults",
        $"/api/v2/testResults/{test}/qxScores", $"/v1/studies/{test}",
        $"/api/v3/sessionResults/{session}?version=20", $"/api/v3/sessionResults/{session}/events?limit=500",
    ];

    private static async Task<string> ListAsync(HttpClient http, Guid test)
    {
        var list = await http.JsonAsync($"/api/v2/sessionResults?testId={test}");
        foreach (var summary in list["sessions"]!.AsArray())
            summary!.AsObject().Remove("updatedTime");
        (list["meta"] as JsonObject)?.Remove("asOf");
        return list.ToJsonString();
    }

    private static async Task TotalsAsync(HttpClient http, Guid test, string marker, bool isThere) => await Wait.UntilAsync(async () =>
    {
        using var answer = await http.ReadAsync($"/api/v2/testResults/{test}/qxScores");
        var scores = await answer.Content.ReadAsStringAsync(Cancelled);
        return scores.Contains("\"completes\":3", StringComparison.Ordinal) && scores.Contains("Checkout", StringComparison.Ordinal) != isThere
            && scores.Contains(marker, StringComparison.Ordinal) == isThere;
    });

    private static string Numbers(JsonObject session)
    {
        var tasks = session["tasks"]!.AsArray();
        var figma = tasks.Select(task => task!["response"]!["answer"]?["figma"]).OfType<JsonNode>().Single();
        return string.Join(' ', [
            (string)session["status"]!, (string)session["startTime"]!, (string)session["finishTime"]!,
            .. session["taskGroups"]!.AsArray().Select(group => $"{group!["uuid"]} {group["response"]?["score"]} {group["response"]?["components"]?.ToJsonString()}"),
            .. tasks.Select(task => $"{task!["uuid"]} {task["type"]} {task["response"]!["startTimeMs"]} {task["response"]!["endTimeMs"]} {task["response"]!["skipped"]}"),
            .. tasks.Select(task => task!["response"]!["answer"]).Select(answer => $"{answer?["nps"]?["score"]}{answer?["ratingScale"]?["value"]}"),
            figma["interactionCount"]!.ToJsonString(), figma["misclickCount"]!.ToJsonString(), figma["durationMs"]!.ToJsonString()]);
    }

    private static string Text(IEnumerable<StoredRow> rows) => string.Join('\n', rows);

    /// <summary>Waits until no row holds a text: totals follow the documents.</summary>
    private Task IsGoneAsync(string text) => Wait.UntilAsync(async () => (await FoundAsync(text)).Count == 0);

    private Task<List<string>> FoundAsync(string text, Guid? account = null) => Markers.FoundAsync(Database, text, account);

    private Task<long> CountAsync(string sql) => Database.CreateCommand(sql).ReadValueAsync<long>([], Cancelled);

    private async Task DocumentsAreTheFoldAsync(IEnumerable<Guid> sessions)
    {
        var verification = new Verification(Database, own.Host.Services.GetRequiredService<DocumentTables>());
        Assert.Empty(await verification.DeviationsAsync(
            SessionResultTable.Documents, [.. sessions.Select(id => new StreamKey(TestClients.AccountOne.ToString(), id))], Cancelled));
    }
}
