namespace ResultsEs.Tests.SessionResults;

/// <summary>A session's events in, its result out.</summary>
public sealed class SessionResultTests(AppFixture app)
{
    [Fact]
    public async Task A_running_session_is_served_with_what_it_has()
    {
        var http = await app.ClientAsync();
        var session = A.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(session);

        var result = await http.ResultAsync(session.Id);
        Assert.Equal("IN_PROGRESS", (string?)result["status"]);
        Assert.Equal("""{"nps":{"score":9,"category":"PROMOTER"}}""", result["tasks"]![0]!["response"]!["answer"]!.ToJsonString());
    }
}
