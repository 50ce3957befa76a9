using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>Scores are of interaction tests: clients of the reference tell these by whether there are any.</summary>
public sealed class InteractionTestTests(AppFixture app)
{
    private static readonly Guid Checkout = Guid.Parse("5a000000-0000-4000-8000-0000000000c1");

    [Theory]
    [InlineData("SURVEY")]
    [InlineData("LIVE_CONVERSATION")]
    [InlineData("THINK_OUT_LOUD")]
    public async Task A_test_of_another_kind_has_no_scores_as_one_that_is_not_there(string productType)
    {
        using var http = await app.ClientAsync();
        var session = Of(productType).WithScore(Checkout, 80).Completed();
        await http.RecordAsync(session);
        using var answer = await ScoresAsync(http, session.TestId);
        using var unknown = await ScoresAsync(http, Guid.NewGuid());

        Assert.Equal((await unknown.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString(), (await answer.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
        // The test is there for everything else.
        Assert.Equal(1, (int)(await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}"))["meta"]!["pagination"]!["totalCount"]!);
        Assert.Empty((await http.JsonAsync($"/api/v2/testResults/{session.TestId}/highlightreels"))["reels"]!.AsArray());
    }

    [Fact]
    public async Task An_interaction_test_is_known_from_its_first_start_before_anything_is_counted()
    {
        using var http = await app.ClientAsync();
        var session = TestData.SessionOnly().WithScore(Checkout, 80).Completed();
        await http.RecordAsync(session);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(http, session.TestId));

        await http.RecordAsync(Typed(session.Started(TestClients.WorkspaceA), "NON_THINK_OUT_LOUD"));
        using var scores = await ScoresAsync(http, session.TestId);
        Assert.Equal(HttpStatusCode.OK, scores.StatusCode);
    }

    /// <summary>A recorder's mistake hides no score.</summary>
    [Theory]
    [InlineData("SURVEY", "NON_THINK_OUT_LOUD")]
    [InlineData("NON_THINK_OUT_LOUD", "THINK_OUT_LOUD")]
    public async Task Of_sessions_of_several_kinds_one_of_an_interaction_test_is_enough(string first, string second)
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(Of(first, test).WithScore(Checkout, 10).Completed());
        await http.RecordAsync(Of(second, test).WithScore(Checkout, 30).Completed());

        JsonObject? scores = null;
        await Wait.UntilAsync(async () => (int)(scores = await http.JsonAsync($"/api/v2/testResults/{test}/qxScores"))["meta"]!["completes"]! == 2);
        Assert.Equal(20, (decimal)scores!["qxScores"]![0]!["qxScore"]!);
    }

    [Fact]
    public async Task A_corrected_start_makes_it_another_kind_at_once()
    {
        using var http = await app.ClientAsync();
        var session = Of("SURVEY").WithScore(Checkout, 10).Completed();
        await http.RecordAsync(session);
        foreach (var (productType, expected) in new[] { ("NON_THINK_OUT_LOUD", HttpStatusCode.OK), ("THINK_OUT_LOUD", HttpStatusCode.NotFound), ("NON_THINK_OUT_LOUD", HttpStatusCode.OK) })
        {
            await http.RecordAsync(Typed(session.Started(TestClients.WorkspaceA), productType));

            Assert.Equal(expected, await StatusAsync(http, session.TestId));
        }
    }

    [Fact]
    public async Task The_sessions_of_other_workspaces_tell_nothing()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        using var namesake = await app.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        var test = Guid.NewGuid();
        await a.RecordAsync(Of("SURVEY", test).Completed());
        await b.RecordAsync(TestData.Interaction(TestClients.WorkspaceB, test).Completed());
        await namesake.RecordAsync(Of("SURVEY", test).Completed());

        Assert.Equal(
            (HttpStatusCode.NotFound, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.NotFound),
            (await StatusAsync(a, test), await StatusAsync(b, test), await StatusAsync(both, test), await StatusAsync(namesake, test)));
    }

    private static SessionBuilder Of(string productType, Guid? test = null) => Typed(TestData.Session(test: test), productType);

    private static SessionBuilder Typed(SessionBuilder started, string productType) => started.But("data.productType", $"\"{productType}\"");

    private static Task<HttpResponseMessage> ScoresAsync(HttpClient http, Guid test) => http.ReadAsync($"/api/v2/testResults/{test}/qxScores");

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, Guid test)
    {
        using var answer = await ScoresAsync(http, test);
        return answer.StatusCode;
    }
}
