using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Webhooks;

/// <summary>Nodes that are killed while they send, and the operators' command.</summary>
public sealed class WebhookFaultTests : IDisposable
{
    private const int Sessions = 60;

    private readonly TempFolder _data = new();
    private string _database = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Killed_at_any_moment_a_node_leaves_no_message_out_and_makes_none_twice()
    {
        _database = await TestDatabase.CreateAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = async (context, message) =>
        {
            // Some are on their way when the node is killed.
            await Task.Delay(Random.Shared.Next(30), context.RequestAborted);
            context.Response.StatusCode = 204;
        };
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, Sessions).Select(_ => TestData.Session(test: test).Completed()).ToList();
        string secret;
        Guid webhook;
        using (var service = await StartAsync())
        {
            using var http = await ClientAsync(service);
            (_, webhook, secret) = await http.SubscribeAsync(receiver.Url, test, "completed updated");
            foreach (var session in sessions.Take(Sessions / 2))
                await http.RecordAsync(session);
            await receiver.UntilAsync(Random.Shared.Next(1, Sessions / 2));
            service.Process.Kill();
            await service.Process.WaitForExitAsync(Cancelled);
        }

        using (var service = await StartAsync())
        {
            using var http = await ClientAsync(service);
            foreach (var session in sessions.Skip(Sessions / 2))
                await http.RecordAsync(session);
            service.Process.Kill();
            await service.Process.WaitForExitAsync(Cancelled);
        }

        using (var service = await StartAsync())
        {
            using var http = await ClientAsync(service);
            var hook = new Hook(http, webhook, secret);
            await Wait.UntilAsync(() => Told(receiver).Count == 2 * Sessions);
            await Wait.UntilAsync(async () => (await hook.LogAsync("&status=PENDING")).Count == 0);
            // One message each: what came twice came under the same id.
            Assert.Equal(2 * Sessions, receiver.Received.Select(message => message.Id).Distinct().Count());
            Assert.Equal(sessions.Select(session => session.Id).ToHashSet(), Told(receiver).Select(told => told.Session).ToHashSet());
            Assert.Equal(2 * Sessions, (await hook.LogAsync()).Count);

            await OperatorsAsync(hook, receiver);
            await service.StopAsync();
        }
    }

    /// <summary>What an operator does beside the service.</summary>
    private async Task OperatorsAsync(Hook hook, WebhookReceiver receiver)
    {
        var list = await RunAsync("list");
        var line = Assert.Single(list.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"{hook.Id}  ", line, StringComparison.Ordinal);
        Assert.EndsWith($"  account {TestClients.AccountOne}  client {TestClients.Hooks}  session.completed,session.updated  {receiver.Url}  enabled", line, StringComparison.Ordinal);

        var before = receiver.Received.Count;
        Assert.Equal("2 messages are sent again", (await RunAsync("replay", $"{hook.Id}", "--session", $"{receiver.Received[0].Session}")).Trim());
        await receiver.UntilAsync(before + 2);
        var added = (await RunAsync("add", receiver.Url.ToString(), "--client", TestClients.Hooks, "--kinds", "session.removed")).Trim().Split('\n');
        Assert.StartsWith("whsec_", added[1], StringComparison.Ordinal);
        Assert.Contains("  enabled", added[0], StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(["webhooks", .. arguments], Environment());
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        return run.Output;
    }

    private static HashSet<(string Type, Guid Session)> Told(WebhookReceiver receiver) => [.. receiver.Received.Select(message => (message.Type, message.Session))];

    private (string Name, string Value)[] Environment() =>
    [
        ("ASPNETCORE_ENVIRONMENT", "Development"), ("ConnectionStrings__results", _database), (DataFolder.Variable, _data.Path), ("Samples__Load", "false"),
        ("Webhooks__AllowedNetworks__0", "127.0.0.0/8"), ("Webhooks__TimeoutSeconds", "1"),
        .. ServiceProcess.ToEnvironment(TestClients.Settings(firstIndex: 1)),
    ];

    private async Task<ServiceProcess> StartAsync()
    {
        var service = ServiceProcess.Start(Environment());
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        return service;
    }

    private static async Task<HttpClient> ClientAsync(ServiceProcess service)
    {
        var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Hooks));
        return http;
    }
}
