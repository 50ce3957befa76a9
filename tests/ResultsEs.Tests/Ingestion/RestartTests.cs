using System.Net;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion;

/// <summary>What outlives the service.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task After_a_restart_everything_is_still_there_and_known()
    {
        using var data = new TempFolder();
        KeyValuePair<string, string?>[] settings = [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, await TestDatabase.CreateAsync())];
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Figma());
        session.WithInteraction(session.Tasks[1], 10, "MOUSE_PRESS_OR_RELEASE", new() { ["handled"] = false });
        string token, before;
        await using (var host = await AppFixture.StartAsync("Development", data, settings))
        {
            using var http = DescribedAnswers.Of(host);
            token = await Tokens.AskAsync(http, TestClients.Reader);
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
            await http.RecordAsync(session);
            before = (await http.ResultAsync(session.Id)).ToJsonString();
        }

        await using (var host = await AppFixture.StartAsync("Development", data, settings))
        {
            // The token of before: signing keys persist as well.
            using var http = DescribedAnswers.Of(host);
            http.DefaultRequestHeaders.Authorization = new("Bearer", token);
            Assert.Equal(before, (await http.ResultAsync(session.Id)).ToJsonString());

            using var again = await http.SendAsync(session);
            Assert.Equal(HttpStatusCode.OK, again.StatusCode);
            Assert.Equal(session.Events.Count, (int)(await again.JsonAsync())["duplicates"]!);

            // What came before the restart goes on to be folded into.
            session.WithInteraction(session.Tasks[1], 5, "INITIAL_LOAD").Completed();
            await http.RecordAsync(session);
            var after = await http.ResultAsync(session.Id);
            Assert.Equal("COMPLETE", (string?)after["status"]);
            Assert.Equal(2, (int)after["tasks"]![1]!["response"]!["answer"]!["figma"]!["interactionCount"]!);
        }
    }
}
