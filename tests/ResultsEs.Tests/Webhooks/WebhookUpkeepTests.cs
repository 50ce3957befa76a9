using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Changes;
using ResultsEs.Webhooks;

namespace ResultsEs.Tests.Webhooks;

/// <summary>What the passing of time does to webhooks, and what they cost who has none.</summary>
public sealed class WebhookUpkeepTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static readonly string Account = TestClients.AccountOne.ToString();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IServiceProvider Services => own.Host.Services;

    private NpgsqlDataSource Database => Services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>The sender rests for seconds where nobody sends, and is woken by the first message.</summary>
    [Fact]
    public async Task Without_a_webhook_nothing_is_looked_for()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Hooks);
        Assert.Null(await DueAsync());
        await using (var hook = await http.SubscribeAsync(receiver.Url, Guid.NewGuid(), "updated"))
        {
            Assert.Empty((await DueAsync())!);
            await hook.PatchAsync(new JsonObject { ["status"] = "DISABLED" });
            Assert.Null(await DueAsync());
            await hook.PatchAsync(new JsonObject { ["status"] = "ENABLED" });
            Assert.Empty((await DueAsync())!);
        }

        Assert.Null(await DueAsync());

        Task<List<DueWebhook>?> DueAsync() =>
            Services.GetRequiredService<WebhookQueue>().DueAsync(Services.GetRequiredService<WebhookRights>(), Cancelled);
    }

    [Fact]
    public async Task What_is_old_of_the_log_is_deleted_and_what_waits_is_not()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Hooks);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated");
        var (old, waiting, young) = (TestData.Session(test: test), TestData.Session(test: test), TestData.Session(test: test));
        foreach (var session in new[] { old, young })
            await http.RecordAsync(session);
        await hook.UntilTriedAsync(2, 1);
        receiver.Answer = WebhookReceiver.AnswersWith(500);
        await http.RecordAsync(waiting);
        await hook.UntilTriedAsync(3, 1);
        // 31 days ago, and one 29 days ago.
        await ExecuteAsync(
            $"""
            update results.webhook_deliveries set created_at = now() - interval '31 days' where session_id in ('{old.Id}', '{waiting.Id}');
            update results.webhook_deliveries set created_at = now() - interval '29 days' where session_id = '{young.Id}';
            """);

        // The service looks at its start, and then once an hour.
        using var upkeep = new WebhookUpkeep(
            Database, Services.GetRequiredService<WebhookLog>(), Options.Create(new WebhookOptions()), TimeProvider.System, NullLogger<WebhookUpkeep>.Instance);
        await upkeep.StartAsync(Cancelled);
        await Wait.UntilAsync(async () => (await hook.LogAsync()).Count == 2);
        await upkeep.StopAsync(Cancelled);
        Assert.Equal(new[] { waiting.Id, young.Id }.Order(), (await hook.LogAsync()).Select(entry => (Guid)entry["sessionId"]!).Order());
    }

    /// <summary>It was away for longer than the feed keeps that something went: by its owner, or because nothing could be delivered.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_webhook_whose_position_is_forgotten_says_so_and_begins_anew_when_it_is_enabled(bool isPaused)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = await AppFixture.ClientAsync(own.Host, TestClients.Hooks);
        var test = Guid.NewGuid();
        await using var hook = await http.SubscribeAsync(receiver.Url, test, "updated removed");
        var (gone, missed, next) = (TestData.Session(test: test), TestData.Session(test: test), TestData.Session(test: test));
        await http.RecordAsync(gone);
        await hook.UntilTriedAsync(1, 1);
        await hook.PatchAsync(new JsonObject { ["status"] = "DISABLED" });
        Assert.True(await Services.GetRequiredService<StreamRemoval>().RemoveAsync(
            SessionResultTable.Documents, new StreamKey(Account, gone.Id), DateTime.UtcNow.AddDays(1), Guid.NewGuid(), Cancelled));
        await ExecuteAsync($"update results.session_changes set changed_at = now() - interval '2 days' where session_id = '{gone.Id}'");
        var keeper = ActivatorUtilities.CreateInstance<ChangeKeeper>(Services, Options.Create(new ChangesOptions { KeepRemovedDays = 1 }));
        await keeper.KeepUntilAsync(async () =>
            await Database.CreateCommand($"select not exists (select 1 from results.session_changes where session_id = '{gone.Id}')").ReadValueAsync<bool>([], Cancelled));
        await http.RecordAsync(missed);

        if (!isPaused)
        {
            // As after years in which its endpoint was dead: it is where it was, and sends.
            await ExecuteAsync($"update results.webhooks set disabled_at = null, disabled_reason = null where id = '{hook.Id}'");
            await Wait.UntilAsync(async () => (string?)(await hook.GetAsync())["disabledReason"]
                == "It was away for longer than the feed of changes keeps removals. Enabled, it tells what comes from then on.");
        }

        Assert.Single(receiver.Received);
        await hook.PatchAsync(new JsonObject { ["status"] = "ENABLED" });
        await http.RecordAsync(next);
        Assert.Equal([gone.Id, next.Id], (await receiver.UntilAsync(2)).Select(message => message.Session));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
