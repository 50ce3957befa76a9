using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.OpenApi;
using ResultsEs.Tests.Sessions;

namespace ResultsEs.Tests.Webhooks;

/// <summary>What webhooks tell, and whom.</summary>
public sealed class WebhooksTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_session_that_completes_is_told_once_and_another_library_verifies_the_signature()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "completed");
        var (first, second) = (TestData.Session(test: test).WithAnswer(Answers.Nps(9)), TestData.Session(test: test).Completed());

        await http.RecordAsync(first);
        await http.RecordAsync(first.Completed());
        await receiver.UntilAsync(1);
        await http.RecordAsync(first.WithAnswer(Answers.Written("late")));
        await http.RecordAsync(second);
        var messages = await receiver.UntilAsync(2);

        Assert.Equal([("session.completed", first.Id), ("session.completed", second.Id)], messages.Select(message => (message.Type, message.Session)));
        Assert.Equal([null, null], await ReceivedMessage.VerifyAsync(hook.Secret, messages));
        var message = messages[0];
        var data = message.Json["data"]!;
        SortedJson.Equal(
            $$"""
            {
              "specversion": "1.0", "id": "{{message.Id}}", "source": "/api/v3/webhooks/{{hook.Id}}", "type": "session.completed", "subject": "{{first.Id}}",
              "time": "{{(string)data["updatedTime"]!}}", "datacontenttype": "application/json",
              "data": {
                "sessionId": "{{first.Id}}", "testId": "{{test}}", "workspaceId": "{{TestClients.WorkspaceA}}",
                "updatedTime": "{{(string)data["updatedTime"]!}}", "version": 3
              }
            }
            """, message.Json);
        Assert.Equal(("application/cloudevents+json", "/hooks?from=results"), (message.ContentType, message.Path));
        Assert.All(messages, one => Assert.DoesNotContain(one.Headers.Keys, name => name is "traceparent" or "Cookie" or "Authorization"));
        await DescribedAsync(messages);
        // What was sent is written down before long; what came after the end of the session told nothing.
        Assert.Equal(["DELIVERED", "DELIVERED"], (await hook.UntilTriedAsync(2, 1)).Select(one => (string?)one["status"]));
    }

    [Fact]
    public async Task Changes_come_with_the_session_as_it_is_and_an_erasure_takes_it_away_and_tells_what_is_left()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        using var privacy = await app.ClientAsync(TestClients.Privacy);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated removed", "SESSION");
        var session = TestData.Session(test: test).Profiled().WithAnswer(Answers.Written("my own words"));

        await http.RecordAsync(session);
        var before = await http.ResultAsync(session.Id);
        var told = (await receiver.UntilAsync(1))[0];
        using var erased = await privacy.DeleteAsync(new Uri($"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
        Assert.Equal(HttpStatusCode.OK, erased.StatusCode);
        // Each message is sent for itself, so the last two come in any order.
        await Wait.UntilAsync(() => receiver.Received.Count >= 3);

        Assert.Equal(SortedJson.Text(before), SortedJson.Text(told.Json["data"]!["session"]));
        var removed = receiver.Received.Single(message => message.Type == "session.removed");
        Assert.Equal(("erased", null), ((string?)removed.Json["data"]!["reason"], removed.Json["data"]!["session"]));
        var left = receiver.Received.Skip(1).Single(message => message.Type == "session.updated");
        Assert.DoesNotContain("my own words", left.Body, StringComparison.Ordinal);
        Assert.Equal(SortedJson.Text(await http.ResultAsync(session.Id)), SortedJson.Text(left.Json["data"]!["session"]));
        Assert.All(await ReceivedMessage.VerifyAsync(hook.Secret, receiver.Received), Assert.Null);
        await DescribedAsync(receiver.Received);
    }

    [Fact]
    public async Task Sessions_of_other_workspaces_accounts_and_tests_are_not_told()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        using var ofB = await app.ClientAsync(TestClients.HooksOfB);
        using var ofTwo = await app.ClientAsync(TestClients.HooksOfTwo);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated");

        await ofB.RecordAsync(TestData.Session(TestClients.WorkspaceB, test));
        await ofTwo.RecordAsync(TestData.Session(TestClients.WorkspaceOfTwo, test));
        await http.RecordAsync(TestData.Session());
        var own = TestData.Session(test: test);
        await http.RecordAsync(own);

        Assert.Equal([own.Id], (await receiver.UntilAsync(1)).Select(message => message.Session));
    }

    [Fact]
    public async Task A_webhook_is_its_clients_own()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        await using var hook = await http.SubscribeAsync(receiver.Url, Guid.NewGuid(), "updated");
        foreach (var client in new[] { TestClients.Privacy, TestClients.HooksOfB, TestClients.HooksOfTwo })
        {
            using var other = await app.ClientAsync(client);
            Assert.DoesNotContain((await other.JsonAsync("/api/v3/webhooks"))["webhooks"]!.AsArray(), one => (Guid)one!["webhookId"]! == hook.Id);
            foreach (var (method, path) in new[] { ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/secret"), ("GET", "/deliveries"), ("POST", "/replay?since=2026-01-01T00:00:00Z"), ("POST", $"/deliveries/{Guid.NewGuid()}/replay") })
            {
                using var answer = await other.HooksAsync(new HttpMethod(method), $"/{hook.Id}{path}", method == "PATCH" ? new JsonObject { ["status"] = "DISABLED" } : null);
                Assert.Equal((method, path, HttpStatusCode.NotFound), (method, path, answer.StatusCode));
            }
        }

        Assert.Equal("ENABLED", (string?)(await hook.GetAsync())["status"]);
    }

    [Fact]
    public async Task A_workspace_that_is_taken_from_the_client_is_not_told_any_more_not_even_by_a_replay()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.HooksChanging);
        using var ofB = await app.ClientAsync(TestClients.HooksOfB);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated");
        var lost = TestData.Session(TestClients.WorkspaceB, test);
        await ofB.RecordAsync(lost);
        await receiver.UntilAsync(1);
        await hook.UntilTriedAsync(1, 1);

        var settings = app.Host.Services.GetRequiredService<IConfiguration>();
        var key = settings.GetSection("Clients").GetChildren().Single(client => client["Id"] == TestClients.HooksChanging).Path;
        settings[key + ":Workspaces:1"] = Guid.NewGuid().ToString();
        await Wait.UntilAsync(async () =>
        {
            using var answer = await http.GetResultAsync(lost.Id);
            return answer.StatusCode == HttpStatusCode.NotFound;
        });

        Assert.Equal(1, await hook.ReplayAsync($"replay?sessionId={lost.Id}"));
        await Wait.UntilAsync(async () => (string?)(await hook.LogAsync()).Single()["status"] == "DROPPED");
        await ofB.RecordAsync(TestData.Session(TestClients.WorkspaceB, test));
        var kept = TestData.Session(test: test);
        await http.RecordAsync(kept);
        Assert.Equal([lost.Id, kept.Id], (await receiver.UntilAsync(2)).Select(message => message.Session));
    }

    [Fact]
    public async Task What_is_said_of_a_webhook_is_what_is_shown_and_its_secret_is_shown_once_and_sealed()
    {
        using var http = await app.ClientAsync(TestClients.Hooks);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(new Uri("http://127.0.0.1:9/hooks"), test, "removed completed", "SESSION");
        var shown = await hook.GetAsync();

        Assert.StartsWith("whsec_", hook.Secret, StringComparison.Ordinal);
        SortedJson.Equal(
            $$"""
            {
              "webhookId": "{{hook.Id}}", "url": "http://127.0.0.1:9/hooks", "kinds": ["session.completed", "session.removed"], "testId": "{{test}}",
              "content": "SESSION", "status": "ENABLED", "createdTime": "{{(string)shown["createdTime"]!}}", "updatedTime": "{{(string)shown["createdTime"]!}}"
            }
            """, shown);
        Assert.Equal(SortedJson.Text(shown), SortedJson.Text((await http.JsonAsync("/api/v3/webhooks"))["webhooks"]!.AsArray().Single(one => (Guid)one!["webhookId"]! == hook.Id)));

        var secret = Convert.FromBase64String(hook.Secret["whsec_".Length..]);
        var row = await RowAsync(hook);
        Assert.DoesNotContain(Convert.ToHexString(secret), row, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Convert.ToBase64String(secret), row, StringComparison.Ordinal);

        var changed = await hook.PatchAsync(new JsonObject { ["url"] = "http://127.0.0.1:9/other", ["testId"] = null, ["description"] = "tells Ärger", ["kinds"] = new JsonArray("session.updated"), ["content"] = "THIN" });
        Assert.Equal(
            ("http://127.0.0.1:9/other", null, "tells Ärger", """["session.updated"]""", "THIN"),
            ((string?)changed["url"], changed["testId"], (string?)changed["description"], changed["kinds"]!.ToJsonString(), (string?)changed["content"]));
        // Nothing is said, so nothing but the time of the change is another.
        var same = await hook.PatchAsync([]);
        same["updatedTime"] = (string)changed["updatedTime"]!;
        Assert.Equal(SortedJson.Text(changed), SortedJson.Text(same));

        using var removed = await http.HooksAsync(HttpMethod.Delete, $"/{hook.Id}");
        using var gone = await http.HooksAsync(HttpMethod.Get, $"/{hook.Id}");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound), (removed.StatusCode, gone.StatusCode));
        Assert.Equal(
            ["webhook added", "webhook changed", "webhook changed", "webhook removed"],
            await app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select action from results.audit where subject = $1 and kind = 'access' and client = $2 order by at")
                .ReadAllAsync([hook.Id.ToString(), TestClients.Hooks], reader => reader.GetString(0), Cancelled));
    }

    [Theory]
    [InlineData("""[]""", """{"$":["must be an object"]}""")]
    [InlineData("""{""", """{"$":["must be JSON, in which no member comes twice"]}""")]
    [InlineData("""{"url":"https://a.example/","url":"https://b.example/"}""", """{"$":["must be JSON, in which no member comes twice"]}""")]
    [InlineData("""{}""", """{"url":["is required"],"kinds":["is required"]}""")]
    [InlineData("""{"url":7,"kinds":[]}""", """{"url":["must be a text"],"kinds":["must be a list of one or more of session.completed, session.updated, session.removed"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":["session.started"]}""", """{"kinds":["must be a list of one or more of session.completed, session.updated, session.removed"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":"session.updated"}""", """{"kinds":["must be a list of one or more of session.completed, session.updated, session.removed"]}""")]
    [InlineData("""{"url":"gopher://a.example/","kinds":["session.updated"]}""", """{"url":["must be an absolute http or https URL"]}""")]
    [InlineData("""{"url":"https://10.0.0.1/","kinds":["session.updated"]}""", """{"url":["is an address that webhooks may not reach"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":["session.updated"],"testId":"x"}""", """{"testId":["must be a UUID or null"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":["session.updated"],"content":"FAT"}""", """{"content":["must be one of THIN, SESSION"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":["session.updated"],"status":"ENABLED"}""", """{"status":["is not one of a new webhook, which is enabled"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":["session.updated"],"secret":"whsec_x"}""", """{"secret":["is not a member of a webhook; there are url, kinds, testId, content, description, status"]}""")]
    [InlineData("""{"url":"https://a.example/","kinds":["session.updated"],"description":"a\u0007"}""", """{"description":["must be null or a text of at most 200 characters, none of them a control character"]}""")]
    public async Task What_is_wrong_is_named(string body, string errors)
    {
        using var http = await app.ClientAsync(TestClients.Hooks);
        using var answer = await http.PostAsync(new Uri("/api/v3/webhooks", UriKind.Relative), new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancelled);

        Assert.Equal(errors, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task A_body_of_another_type_or_too_large_and_a_token_that_may_not_read_are_refused()
    {
        using var http = await app.ClientAsync(TestClients.Hooks);
        using var unable = await app.ClientAsync(TestClients.Hooks, "webhooks:write");
        var body = new JsonObject { ["url"] = "https://a.example/", ["kinds"] = new JsonArray("session.updated"), ["description"] = new string('a', 20_000) };
        using var large = await http.HooksAsync(HttpMethod.Post, "", body);
        using var text = await http.PostAsync(new Uri("/api/v3/webhooks", UriKind.Relative), new StringContent(body.ToJsonString()), Cancelled);
        using var forbidden = await unable.HooksAsync(HttpMethod.Post, "", body);

        Assert.Equal(
            (HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.UnsupportedMediaType, HttpStatusCode.Forbidden),
            (large.StatusCode, text.StatusCode, forbidden.StatusCode));
    }

    [Fact]
    public async Task A_client_has_twenty_webhooks_at_most()
    {
        using var http = await app.ClientAsync(TestClients.PrivacyOfBoth);
        var all = await Task.WhenAll(Enumerable.Range(0, 25).Select(async _ =>
        {
            using var answer = await http.HooksAsync(HttpMethod.Post, "", new JsonObject { ["url"] = "https://a.example/", ["kinds"] = new JsonArray("session.removed"), ["testId"] = Guid.NewGuid() });
            return answer.StatusCode;
        }));
        foreach (var one in (await http.JsonAsync("/api/v3/webhooks"))["webhooks"]!.AsArray())
            await new Hook(http, (Guid)one!["webhookId"]!, "").DisposeAsync();

        Assert.Equal((20, 5), (all.Count(status => status == HttpStatusCode.Created), all.Count(status => status == HttpStatusCode.Conflict)));
    }

    private async Task<string> RowAsync(Hook hook) =>
        await app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select w::text from results.webhooks w where w.id = $1").ReadValueAsync<string>([hook.Id], Cancelled);

    /// <summary>Messages are as <c>webhooks</c> of the description says.</summary>
    private static async Task DescribedAsync(IReadOnlyList<ReceivedMessage> messages)
    {
        foreach (var message in messages)
            Assert.Null(await DescribedAnswers.ProblemAsync("WEBHOOK", message.Type, 0, message.ContentType, message.Body));
    }
}
