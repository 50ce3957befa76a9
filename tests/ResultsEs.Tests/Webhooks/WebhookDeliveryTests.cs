using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Tests.Access;
using ResultsEs.Webhooks;

namespace ResultsEs.Tests.Webhooks;

/// <summary>How messages of webhooks get through: again and again, in spite of others, and never where they should not.</summary>
public sealed class WebhookDeliveryTests(AppFixture app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => app.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Fact]
    public async Task A_message_that_is_refused_comes_again_under_the_same_id_and_the_log_tells_each_attempt()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = WebhookReceiver.AnswersWith(StatusCodes.Status500InternalServerError);
        using var http = await app.ClientAsync(TestClients.Hooks);
        var (hook, session) = await WithSessionAsync(http, receiver);
        await using var removed = hook;
        var pending = (await hook.UntilTriedAsync(1, 1)).Single();
        Assert.True((DateTimeOffset)pending["nextAttemptTime"]! > (DateTimeOffset)pending["createdTime"]!);

        receiver.Answer = WebhookReceiver.AnswersWith(StatusCodes.Status202Accepted);
        await DueNowAsync(hook);
        var log = (await hook.UntilTriedAsync(1, 2)).Single();

        var messages = receiver.Received;
        Assert.Equal((2, 1), (messages.Count, messages.Select(message => message.Id).Distinct().Count()));
        Assert.Equal([null, null], await ReceivedMessage.VerifyAsync(hook.Secret, messages));
        Assert.Equal(
            (messages[0].Id, "session.updated", session, "DELIVERED", null),
            ((Guid)log["deliveryId"]!, (string?)log["kind"], (Guid)log["sessionId"]!, (string?)log["status"], log["nextAttemptTime"]));
        Assert.Equal(
            [(500, "The endpoint refused the message."), (202, null)],
            log["attempts"]!.AsArray().Select(attempt => ((int)attempt!["status"]!, (string?)attempt["problem"])));
        foreach (var (status, count) in new[] { ("PENDING", 0), ("DELIVERED", 1), ("FAILED", 0), ("DROPPED", 0) })
            Assert.Equal((status, count), (status, (await hook.LogAsync("&status=" + status)).Count));
    }

    [Fact]
    public async Task An_endpoint_that_is_dead_for_72_hours_is_disabled_with_the_reason_and_enabled_it_gets_everything()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = WebhookReceiver.AnswersWith(StatusCodes.Status503ServiceUnavailable);
        using var http = await app.ClientAsync(TestClients.Hooks);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated");
        var first = TestData.Session(test: test);
        await http.RecordAsync(first);
        await hook.UntilTriedAsync(1, 1);

        // As if the first attempt had been three days ago.
        await DueNowAsync(hook, ", first_at = first_at - interval '72 hours'");
        await Wait.UntilAsync(async () => (string?)(await hook.GetAsync())["status"] == "DISABLED");
        var disabled = await hook.GetAsync();
        Assert.Equal("A message could not be delivered for 72 hours.", (string?)disabled["disabledReason"]);
        Assert.Equal("FAILED", (string?)(await hook.LogAsync()).Single()["status"]);

        var second = TestData.Session(test: test);
        await http.RecordAsync(second);
        receiver.Answer = WebhookReceiver.AnswersWith(StatusCodes.Status204NoContent);
        var before = receiver.Received.Count;
        var enabled = await hook.PatchAsync(new JsonObject { ["status"] = "ENABLED" });
        Assert.Equal(("ENABLED", null, null), ((string?)enabled["status"], enabled["disabledReason"], enabled["disabledTime"]));
        var after = (await receiver.UntilAsync(before + 2)).Skip(before).ToList();

        Assert.Equal(new[] { first.Id, second.Id }.Order(), after.Select(message => message.Session).Order());
        Assert.Contains(receiver.Received[0].Id, after.Select(message => message.Id));
        Assert.All(await hook.UntilTriedAsync(2, 1), one => Assert.Equal("DELIVERED", (string?)one["status"]));
    }

    [Fact]
    public async Task An_endpoint_that_is_gone_for_good_says_so_and_redirects_are_not_followed()
    {
        await using var elsewhere = await WebhookReceiver.StartAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (context, _) =>
        {
            context.Response.Redirect(elsewhere.Url.ToString());
            return Task.CompletedTask;
        };
        using var http = await app.ClientAsync(TestClients.Hooks);
        var (hook, _) = await WithSessionAsync(http, receiver);
        await using var removed = hook;
        var attempt = (await hook.UntilTriedAsync(1, 1)).Single()["attempts"]![0]!;
        Assert.Equal((302, "Redirects are not followed."), ((int)attempt["status"]!, (string?)attempt["problem"]));
        Assert.Empty(elsewhere.Received);

        receiver.Answer = WebhookReceiver.AnswersWith(StatusCodes.Status410Gone);
        await DueNowAsync(hook);
        await Wait.UntilAsync(async () => (string?)(await hook.GetAsync())["disabledReason"] == "The endpoint answered 410 Gone.");
    }

    [Fact]
    public async Task Dead_and_slow_endpoints_delay_no_other()
    {
        await using var slow = await WebhookReceiver.StartAsync();
        await using var good = await WebhookReceiver.StartAsync();
        var release = new TaskCompletionSource();
        var (under, most) = (0, 0);
        slow.Answer = async (context, _) =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref under));
            try
            {
                await release.Task.WaitAsync(context.RequestAborted);
            }
            finally
            {
                Interlocked.Decrement(ref under);
            }
        };
        using var http = await app.ClientAsync(TestClients.HooksOfTwo);
        var test = Guid.NewGuid();
        Hook[] hooks = [await http.SubscribeAsync(slow.Url, test, "updated"), await http.SubscribeAsync(new Uri("http://127.0.0.1:9/"), test, "updated")];
        await using var hook = await http.SubscribeAsync(good.Url, test, "updated");

        const int Sessions = 30;
        for (var i = 0; i < Sessions; i++)
            await http.RecordAsync(TestData.Session(TestClients.WorkspaceOfTwo, test));
        var messages = await good.UntilAsync(Sessions);
        Assert.Equal(Sessions, messages.Select(message => message.Session).Distinct().Count());
        Assert.All(await hook.UntilTriedAsync(Sessions, 1), one => Assert.Equal("DELIVERED", (string?)one["status"]));
        // A few at a time.
        await slow.UntilAsync(1);
        release.SetResult();
        await Wait.UntilAsync(() => slow.Received.Select(message => message.Session).Distinct().Count() == Sessions);
        Assert.InRange(most, 1, SendingSlots.Swift.Webhook);
        Assert.Contains(await hooks[1].UntilTriedAsync(1, 1), one => (string?)one["attempts"]!.AsArray().FirstOrDefault()?["problem"] == "No connection.");
        foreach (var one in hooks)
            await one.DisposeAsync();
    }

    [Fact]
    public async Task Two_secrets_are_valid_for_a_while_and_one_that_somebody_else_has_is_not()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        var (hook, _) = await WithSessionAsync(http, receiver);
        await using var removed = hook;
        await hook.UntilTriedAsync(1, 1);

        var second = await RotateAsync(hook, "");
        await hook.ReplayAsync("replay?since=2020-01-01T00:00:00Z");
        var both = (await receiver.UntilAsync(2))[1];
        var third = await RotateAsync(hook, "?overlap=0");
        await hook.UntilTriedAsync(1, 2);
        await hook.ReplayAsync("replay?since=2020-01-01T00:00:00Z");
        var alone = (await receiver.UntilAsync(3))[2];

        Assert.Equal(3, new[] { hook.Secret, second, third }.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal((2, 1), (both.Signatures.Length, alone.Signatures.Length));
        Assert.Equal([null], await ReceivedMessage.VerifyAsync(hook.Secret, both));
        Assert.Equal([null], await ReceivedMessage.VerifyAsync(second, both));
        Assert.Equal([null], await ReceivedMessage.VerifyAsync(third, alone));
        Assert.Equal(["No matching signature found"], await ReceivedMessage.VerifyAsync(second, alone));
        Assert.Null((await hook.GetAsync())["formerSecretUntil"]);

        static async Task<string> RotateAsync(Hook hook, string query)
        {
            using var answer = await hook.Http.HooksAsync(HttpMethod.Post, $"/{hook.Id}/secret{query}");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return (string)(await answer.JsonAsync())["secret"]!;
        }
    }

    [Fact]
    public async Task One_message_those_of_a_session_and_those_of_a_range_are_sent_again_under_their_ids()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated completed");
        var (one, other) = (TestData.Session(test: test).Completed(), TestData.Session(test: test).Completed());
        await http.RecordAsync(one);
        await receiver.UntilAsync(2);
        await http.RecordAsync(other);
        var messages = await receiver.UntilAsync(4);
        var log = await hook.UntilTriedAsync(4, 1);
        Assert.Equal(messages.Select(message => message.Id).Order(), log.Select(entry => (Guid)entry["deliveryId"]!).Order());

        Assert.Equal(1, await hook.ReplayAsync($"deliveries/{messages[0].Id}/replay"));
        Assert.Equal([messages[0].Id], await AgainAsync(1));
        Assert.Equal(2, await hook.ReplayAsync($"replay?sessionId={other.Id}"));
        Assert.Equal(Ids(message => message.Session == other.Id), await AgainAsync(2));
        var since = Uri.EscapeDataString((string)log[^1]["createdTime"]!);
        Assert.Equal(2, await hook.ReplayAsync($"replay?since={since}"));
        Assert.Equal(Ids(message => message.Session == other.Id), await AgainAsync(2));
        Assert.Equal(2, await hook.ReplayAsync($"replay?since=2020-01-01T00:00:00Z&until={since}"));
        Assert.Equal(Ids(message => message.Session == one.Id), await AgainAsync(2));
        using var nothing = await http.HooksAsync(HttpMethod.Post, $"/{hook.Id}/replay");
        using var unknown = await http.HooksAsync(HttpMethod.Post, $"/{hook.Id}/deliveries/{Guid.NewGuid()}/replay");
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.NotFound), (nothing.StatusCode, unknown.StatusCode));

        // The log goes by pages.
        var page = await http.JsonAsync($"/api/v3/webhooks/{hook.Id}/deliveries?limit=3");
        var rest = await http.JsonAsync($"/api/v3/webhooks/{hook.Id}/deliveries?limit=3&cursor={page["meta"]!["pagination"]!["nextCursor"]}");
        Assert.Equal(
            log.Reverse().Select(entry => (Guid)entry["deliveryId"]!),
            page["deliveries"]!.AsArray().Concat(rest["deliveries"]!.AsArray()).Select(entry => (Guid)entry!["deliveryId"]!));

        Guid[] Ids(Func<ReceivedMessage, bool> which) => [.. messages.Where(which).Select(message => message.Id).Distinct().Order()];

        async Task<Guid[]> AgainAsync(int count)
        {
            var before = messages.Count;
            messages = await receiver.UntilAsync(before + count);
            // Written down, so that the next replay is not that of a message under way.
            await Wait.UntilAsync(async () => (await hook.LogAsync("&status=PENDING")).Count == 0);
            return [.. messages.Skip(before).Select(message => message.Id).Order()];
        }
    }

    [Fact]
    public async Task A_webhook_that_is_disabled_misses_nothing()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await app.ClientAsync(TestClients.Hooks);
        var (hook, _) = await WithSessionAsync(http, receiver);
        await using var removed = hook;
        await hook.UntilTriedAsync(1, 1);
        var disabled = await hook.PatchAsync(new JsonObject { ["status"] = "DISABLED" });
        Assert.Equal("Disabled by its owner.", (string?)disabled["disabledReason"]);

        var test = (Guid)disabled["testId"]!;
        var meanwhile = TestData.Session(test: test);
        await http.RecordAsync(meanwhile);
        await hook.PatchAsync(new JsonObject { ["status"] = "ENABLED" });
        Assert.Equal(meanwhile.Id, (await receiver.UntilAsync(2))[1].Session);
    }

    [Fact]
    public async Task A_name_that_stands_for_a_private_address_is_not_connected_to()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new WebhookClient(new AddressRules([]), TimeSpan.FromSeconds(5));
        var port = receiver.Url.Port;
        foreach (var host in new[] { "localhost", "127.0.0.1", "2130706433", "[::ffff:127.0.0.1]" })
        {
            var outcome = await SendAsync(client, $"http://{host}:{port}/");
            Assert.Equal((host, new SendOutcome(null, "The name stands for an address that webhooks may not reach.")), (host, outcome));
        }

        Assert.Equal(new SendOutcome(null, "The name cannot be resolved."), await SendAsync(client, "https://nowhere.invalid/"));
        Assert.Empty(receiver.Received);
    }

    [Fact]
    public async Task Of_an_answer_its_status_is_read_and_no_more()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = new WebhookClient(new AddressRules([IPNetwork.Parse("127.0.0.0/8")]), TimeSpan.FromSeconds(5));
        receiver.Answer = async (context, _) =>
        {
            var bytes = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        };
        Assert.Equal(new SendOutcome(200, null), await SendAsync(client, receiver.Url.ToString()));

        receiver.Answer = (context, _) =>
        {
            context.Response.Headers["x-large"] = new string('a', 30_000);
            return Task.CompletedTask;
        };
        Assert.Equal("The answer is not HTTP, or its head is too large.", (await SendAsync(client, receiver.Url.ToString())).Problem);

        receiver.Answer = (context, _) => Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
        using var hasty = new WebhookClient(new AddressRules([IPNetwork.Parse("127.0.0.0/8")]), TimeSpan.FromSeconds(1));
        Assert.Equal("No answer within 1 seconds.", (await SendAsync(hasty, receiver.Url.ToString())).Problem);
    }

    private static void InterlockedMax(ref int most, int now)
    {
        for (var before = Volatile.Read(ref most); now > before; before = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, now, before);
    }

    private static Task<SendOutcome> SendAsync(WebhookClient client, string url) =>
        client.SendAsync(url, Guid.NewGuid(), 1, "v1,x", "{}"u8.ToArray(), Cancelled);

    private static async Task<(Hook Hook, Guid Session)> WithSessionAsync(HttpClient http, WebhookReceiver receiver)
    {
        var test = Guid.NewGuid();
        var hook = await http.SubscribeAsync(receiver.Url, test, "updated");
        var session = TestData.Session(test: test);
        await http.RecordAsync(session);
        return (hook, session.Id);
    }

    private Task DueNowAsync(Hook hook, string more = "") => Database.CreateCommand(
        $"update results.webhook_deliveries set due_at = now(){more} where webhook_id = $1 and due_at is not null returning 1").ReadAllAsync([hook.Id], _ => 0, Cancelled);
}
