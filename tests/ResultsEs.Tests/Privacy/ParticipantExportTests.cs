using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Privacy;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Privacy;

/// <summary>What a person gets who asks what is held about them.</summary>
public sealed class ParticipantExportTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_holds_every_text_of_every_event_of_the_participants_sessions_and_of_no_other()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var (participant, prefix) = (Guid.NewGuid(), Markers.New());
        var sessions = Enumerable.Range(0, 2).Select(_ => Of(participant).Plant(prefix)).ToList();
        var orphan = TestData.SessionOnly().Profiled().But("data.participantId", $"\"{participant}\"").Plant(prefix);
        // Another participant's by now, and was this one's before.
        var others = Of(participant).WithAnswer(Answers.Written("not theirs")).Profiled().But("data.demographics", "[]");
        foreach (var session in sessions.Append(orphan).Append(others))
            await http.RecordAsync(session);

        var export = await http.JsonAsync($"/api/v2/participants/{participant}/export");

        Assert.Equal((participant.ToString(), TestClients.AccountOne.ToString()), ((string?)export["participantId"], (string?)export["account"]));
        var found = export["sessions"]!.AsArray().ToDictionary(session => (Guid)session!["sessionId"]!, session => session!);
        Assert.Equal(sessions.Append(orphan).Append(others).Select(session => session.Id).Order(), found.Keys.Order());
        foreach (var session in sessions.Append(orphan))
        {
            Assert.Equal(session.Events.Select(e => (string?)e["id"]), found[session.Id]["events"]!.AsArray().Select(e => (string?)e!["id"]));
            var (sent, held) = (Found(session.Json(), prefix), Found(found[session.Id].ToJsonString(), prefix));
            Assert.NotEmpty(sent);
            Assert.Equal(sent, held);
        }

        Assert.True(JsonNode.DeepEquals(await http.ResultAsync(sessions[0].Id), found[sessions[0].Id]["result"]));
        Assert.Null(found[orphan.Id]["result"]);
        Assert.Equal((null, 1), (found[others.Id]["result"], found[others.Id]["events"]!.AsArray().Count));
        Assert.DoesNotContain("not theirs", export.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_takes_its_scope_and_all_workspaces_and_is_404_of_nobody()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        using var both = await AppFixture.ClientAsync(own.Host, TestClients.PrivacyOfBoth);
        var participant = Guid.NewGuid();
        await both.RecordAsync(Of(participant, TestClients.WorkspaceB));

        using var near = await http.ReadAsync($"/api/v2/participants/{participant}/export");
        using var reader = await own.Http.ReadAsync($"/api/v2/participants/{participant}/export");
        using var nobody = await http.ReadAsync($"/api/v2/participants/{Guid.NewGuid()}/export");

        Assert.StartsWith("The participant has 1 sessions in workspaces ", (string?)(await near.ProblemAsync(HttpStatusCode.Forbidden))["detail"], StringComparison.Ordinal);
        await reader.ProblemAsync(HttpStatusCode.Forbidden);
        await nobody.ProblemAsync(HttpStatusCode.NotFound);
        Assert.Single((await both.JsonAsync($"/api/v2/participants/{participant}/export"))["sessions"]!.AsArray());
    }

    [Fact]
    public async Task The_page_shows_what_was_said_and_runs_nothing_of_it()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var participant = Guid.NewGuid();
        var session = Of(participant).WithAnswer(Answers.Written("<script>alert('Ünicode')</script>"));
        await http.RecordAsync(session);
        var read = await own.Host.Services.GetRequiredService<ParticipantReader>()
            .ReadAsync(TestClients.AccountOne.ToString(), participant, session.Id, Cancelled);

        var page = ParticipantPage.Of(read);

        Assert.Contains("alert(", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains($"<h2>Session {session.Id}</h2>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_writes_a_folder()
    {
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var participant = Guid.NewGuid();
        await http.RecordAsync(Of(participant));
        using var data = new TempFolder();
        var folder = Path.Combine(data.Path, "export");

        var run = await ServiceProcess.RunAsync(
            ["export-participant", participant.ToString(), "--account", TestClients.AccountOne.ToString(), "--to", folder],
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", own.Host.Services.GetRequiredService<IConfiguration>()[AppFixture.ConnectionString]!),
            (DataFolder.Variable, data.Path));

        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Single(JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "export.json"), Cancelled))!["sessions"]!.AsArray());
        Assert.EndsWith("</body></html>\n", await File.ReadAllTextAsync(Path.Combine(folder, "index.html"), Cancelled), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Found(string json, string prefix) =>
        Regex.Matches(json, prefix + "[0-9]+X", RegexOptions.None, TimeSpan.FromSeconds(10)).Select(match => match.Value).Distinct().Order(StringComparer.Ordinal);

    private static SessionBuilder Of(Guid participant, Guid? workspace = null)
    {
        var session = TestData.SessionWithEverything(workspace);
        session.Events.Single(e => (string?)e["type"] == "results.ParticipantProfiled.v1")["data"]!["participantId"] = participant.ToString();
        return session;
    }
}
