using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Ingestion.RabbitMq;

/// <summary>What operators do with dead letters, on the command line, while the service runs.</summary>
public sealed class DeadLettersCommandTests(RabbitMqFixture rabbit) : IClassFixture<RabbitMqFixture>
{
    [Fact]
    public async Task They_are_listed_shown_and_after_the_repair_replayed_into_the_documents()
    {
        var refused = TestData.Session(TestClients.WorkspaceB).WithAnswer(Answers.Nps(9)).Completed();
        await rabbit.One.PublishAsync(refused);
        var invalid = TestData.Session().But("data.startedAt", "\"yesterday\"");
        invalid.Events[0]["build"] = "\u001b[2J\n";
        await rabbit.One.PublishBinaryAsync(invalid.Events[0], "cloudEvents_");
        var refusedId = (await rabbit.DeadLetterAsync(refused.Id.ToString())).Id.ToString();
        var invalidId = (await rabbit.DeadLetterAsync("yesterday")).Id.ToString();

        var list = await rabbit.CommandAsync(["list"]);
        Assert.Equal(0, list.ExitCode);
        Assert.Contains("2 dead letters", list.Output, StringComparison.Ordinal);
        Assert.Matches($"(?m)^{refusedId}  ....-..-..T..:..:..Z  account {TestClients.AccountOne}  forbidden: ", list.Output);
        Assert.Matches($"(?m)^{invalidId}  .* invalid: \\[0\\].data.startedAt must be ", list.Output);

        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "body");
        var show = await rabbit.CommandAsync(["show", invalidId, "--body", file]);
        Assert.Equal(0, show.ExitCode);
        Assert.Contains($"header        cloudEvents_id = {(string)invalid.Events[0]["id"]!}", show.Output, StringComparison.Ordinal);
        Assert.Contains("header        cloudEvents_build = \\u001b[2J\\u000a", show.Output, StringComparison.Ordinal);
        Assert.Contains("reason        invalid: [0].data.startedAt must be ", show.Output, StringComparison.Ordinal);
        Assert.Contains("content type  application/json", show.Output, StringComparison.Ordinal);
        Assert.Equal(invalid.Events[0]["data"]!.ToJsonString(), await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Contains(refused.Json(), (await rabbit.CommandAsync(["show", refusedId])).Output, StringComparison.Ordinal);

        // Nothing is repaired yet.
        var early = await rabbit.CommandAsync(["replay", "all"]);
        Assert.Equal(1, early.ExitCode);
        Assert.Contains($"{refusedId} is refused again and stays: forbidden: ", early.Errors, StringComparison.Ordinal);
        Assert.Empty(await rabbit.Host.StoredAsync(refused.Id));
        Assert.Equal(2, (await rabbit.DeadLettersAsync()).Count);

        var replay = await rabbit.CommandAsync(["replay", refusedId], ("RabbitMq__Accounts__0__Workspaces__1", TestClients.WorkspaceB.ToString()));
        Assert.Equal((0, true), (replay.ExitCode, replay.Output.Contains($"{refusedId} is stored.", StringComparison.Ordinal)));
        var result = await (await rabbit.ClientAsync(TestClients.OtherWorkspace)).ResultAsync(refused.Id);
        Assert.Equal("COMPLETE", (string?)result["status"]);
        Assert.Single(result["tasks"]!.AsArray());

        var discard = await rabbit.CommandAsync(["discard", "all"]);
        Assert.Equal((0, true), (discard.ExitCode, discard.Output.Contains($"{invalidId} is discarded.", StringComparison.Ordinal)));
        Assert.Empty(await rabbit.DeadLettersAsync());
        Assert.Contains("0 dead letters", (await rabbit.CommandAsync(["list"])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_HTTP_a_letter_is_replayed_when_it_can_be_stored_and_stays_when_it_cannot()
    {
        var refused = TestData.Session().But("data.startedAt", "\"yesterday\"");
        await rabbit.One.PublishAsync(refused);
        var id = (await rabbit.DeadLetterAsync(refused.Id.ToString())).Id;
        using var http = await rabbit.ClientAsync(TestClients.Privacy);
        var path = new Uri($"/api/v3/operations/deadLetters/{id}/replay", UriKind.Relative);

        using var stays = await http.PostAsync(path, null, TestContext.Current.CancellationToken);
        Assert.Contains("is refused again and stays: invalid: [0].data.startedAt", (string)(await stays.ProblemAsync(System.Net.HttpStatusCode.Conflict))["detail"]!, StringComparison.Ordinal);
        Assert.Equal(id.ToString(), (string)(await http.JsonAsync($"/api/v3/operations/deadLetters/{id}"))["letter"]!["letterId"]!);

        // A letter of what has become right, as after the repair of a binding.
        var right = TestData.Session();
        var letter = await EveryRouteTests.Stored.DeadLetterOf(rabbit.Host, TestClients.AccountOne, right.Json(), "failed: the database", rabbit.QueueOfOne);
        using var stored = await http.PostAsync(new Uri($"/api/v3/operations/deadLetters/{letter}/replay", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.Equal($$"""{"letterId":"{{letter}}","outcome":"stored"}""", (await stored.JsonAsync()).ToJsonString());
        Assert.Equal("IN_PROGRESS", (string)(await http.ResultAsync(right.Id))["status"]!);
        using var discarded = await http.DeleteAsync(new Uri($"/api/v3/operations/deadLetters/{id}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.OK, discarded.StatusCode);
        Assert.Empty(await rabbit.DeadLettersAsync());
    }

    [Fact]
    public async Task Mistakes_are_named()
    {
        var none = await rabbit.CommandAsync(["replay", "x1"]);
        Assert.Equal((1, true), (none.ExitCode, none.Errors.Contains("'x1' is not the id of a dead letter", StringComparison.Ordinal)));

        var unknown = await rabbit.CommandAsync(["discard", "0192f1c4-7a51-7c3e-9d7e-2b0d8c5a1f01"]);
        Assert.Equal((1, true), (unknown.ExitCode, unknown.Errors.Contains("0192f1c4-7a51-7c3e-9d7e-2b0d8c5a1f01 is not a dead letter, or not any more.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_letter_whose_binding_is_gone_says_so_and_stays()
    {
        var session = TestData.Session(TestClients.WorkspaceB);
        await rabbit.Two.PublishAsync(session);
        var id = (await rabbit.DeadLetterAsync(session.Id.ToString())).Id.ToString();
        var replay = await rabbit.CommandAsync(["replay", id], ("RabbitMq__Accounts__1__Account", TestClients.AccountOne.ToString()));
        Assert.Equal(1, replay.ExitCode);
        Assert.Contains($"no entry of RabbitMq:Accounts binds that virtual host to that account", replay.Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await rabbit.CommandAsync(["discard", id])).ExitCode);
    }
}
