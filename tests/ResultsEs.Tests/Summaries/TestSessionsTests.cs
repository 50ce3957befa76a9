using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Summaries;

/// <summary>The sessions behind a summary's numbers, over HTTP.</summary>
public sealed class TestSessionsTests(AppFixture app)
{
    private readonly Guid _test = Guid.NewGuid();

    [Fact]
    public async Task Sessions_are_listed_page_by_page_the_newest_first_and_are_those_that_the_summary_counts()
    {
        using var http = await app.ClientAsync();
        var random = new Random(12);
        var bodies = new List<JsonObject>();
        foreach (var session in Enumerable.Range(0, 12).Select(_ => AnyAnswers.Session(random, _test)).ToList())
        {
            await http.RecordAsync(session);
            bodies.Add(await http.JsonAsync($"/api/v3/sessionResults/{session.Id}"));
        }

        await Wait.UntilAsync(async () => await CountAsync("") == 12);
        var middle = bodies.Select(body => (string)body["startTime"]!).Order(StringComparer.Ordinal).ElementAt(6);
        var audience = AnyAnswers.Audiences[0];
        await AreAsync("", _ => true);
        await AreAsync("status=COMPLETE&status=ABANDONED", body => (string)body["status"]! != "IN_PROGRESS");
        await AreAsync($"audienceId={audience}&from={middle}", body => (string?)body["audienceId"] == audience && string.CompareOrdinal((string)body["startTime"]!, middle) >= 0);
        await AreAsync("demographic=AGE:10", body => body["sessionParticipant"]?["demographicsInfo"]?.AsArray().Any(one => (string?)one!["code"] == "AGE" && (string?)one["value"] == "10") == true);
        await AreAsync("demographic=AGE:nobody", _ => false);

        async Task<int> CountAsync(string filter) => (int)(await http.JsonAsync($"/api/v3/testResults/{_test}/summary?{filter}"))["sessions"]!["total"]!;

        async Task AreAsync(string filter, Predicate<JsonObject> passes)
        {
            var expected = bodies.FindAll(passes)
                .OrderByDescending(body => (string)body["startTime"]!, StringComparer.Ordinal).ThenByDescending(body => (Guid)body["sessionId"]!)
                .Select(body => new JsonObject
                {
                    ["sessionId"] = (string)body["sessionId"]!,
                    ["status"] = (string)body["status"]!,
                    ["startTime"] = (string)body["startTime"]!,
                    ["audienceId"] = (string?)body["audienceId"],
                    ["answered"] = body["tasks"]!.AsArray().Count(task => task!["response"] is { } response && !(bool)response["skipped"]!),
                    ["skipped"] = body["tasks"]!.AsArray().Count(task => task!["response"] is { } response && (bool)response["skipped"]!),
                }.ToJsonString()).ToList();
            Assert.Equal(expected, await ListAsync(filter));
            Assert.Equal(expected.Count, await CountAsync(filter));
        }

        async Task<List<string>> ListAsync(string filter)
        {
            var (found, after) = (new List<string>(), "");
            while (after is not null)
            {
                var page = await http.JsonAsync($"/api/v3/testResults/{_test}/sessions?limit=5&{filter}{after}");
                found.AddRange(page["sessions"]!.AsArray().Select(session => session!.ToJsonString()));
                after = (string?)page["nextAfter"] is { } next ? $"&after={next}" : null;
            }

            return found;
        }
    }

    [Fact]
    public async Task Nobody_finds_sessions_that_are_not_his_and_what_is_wrong_with_a_request_is_named()
    {
        using var http = await app.ClientAsync();
        await http.RecordAsync(TestData.Session(test: _test).Completed());
        await Wait.UntilAsync(async () => (await http.JsonAsync($"/api/v3/testResults/{_test}/sessions"))["sessions"]!.AsArray().Count == 1);
        foreach (var client in new[] { TestClients.OtherWorkspace, TestClients.OtherAccount, TestClients.OtherAccountWithWorkspaceA })
        {
            using var other = await app.ClientAsync(client);
            using var foreign = await other.ReadAsync($"/api/v3/testResults/{_test}/sessions");
            Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
        }

        foreach (var (query, name) in new[] { ("limit=101", "limit"), ("after=x", "after"), ("status=complete", "status") })
        {
            using var refused = await http.ReadAsync($"/api/v3/testResults/{_test}/sessions?{query}");
            var problem = await refused.ProblemAsync(HttpStatusCode.BadRequest);
            Assert.Equal([name], problem["errors"]!.AsObject().Select(error => error.Key));
        }
    }
}
