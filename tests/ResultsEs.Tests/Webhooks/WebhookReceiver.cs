using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ResultsEs.Tests.Webhooks;

/// <summary>An endpoint for messages of webhooks on a port of its own: it keeps what it gets, and answers as it is told.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedMessage> _received = new();
    private WebApplication _app = null!;

    /// <summary>Answers a message; 204 unless told otherwise.</summary>
    public Func<HttpContext, ReceivedMessage, Task> Answer { get; set; } = AnswersWith(StatusCodes.Status204NoContent);

    /// <summary>Every message so far, in the order of arrival.</summary>
    public IReadOnlyList<ReceivedMessage> Received => [.. _received];

    public Uri Url { get; private set; } = null!;

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        receiver._app = builder.Build();
        receiver._app.Run(receiver.ReceiveAsync);
        await receiver._app.StartAsync(TestContext.Current.CancellationToken);
        var address = receiver._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        receiver.Url = new Uri(new Uri(address), "/hooks?from=results");
        return receiver;
    }

    public static Func<HttpContext, ReceivedMessage, Task> AnswersWith(int status) => (context, _) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    /// <summary>Waits until there are so many messages.</summary>
    public async Task<IReadOnlyList<ReceivedMessage>> UntilAsync(int count)
    {
        await Wait.UntilAsync(() => _received.Count >= count);
        return Received;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var message = new ReceivedMessage(
            context.Request.Path + context.Request.QueryString,
            context.Request.ContentType,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            await reader.ReadToEndAsync(context.RequestAborted));
        _received.Enqueue(message);
        await Answer(context, message);
    }
}

/// <summary>A message as it arrived.</summary>
internal sealed record ReceivedMessage(string Path, string? ContentType, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public JsonNode Json { get; } = JsonNode.Parse(Body)!;

    /// <summary>The header by which it is known.</summary>
    public Guid Id => Guid.Parse(Headers["webhook-id"]);

    public string Type => (string)Json["type"]!;

    public Guid Session => (Guid)Json["data"]!["sessionId"]!;

    public long Timestamp => long.Parse(Headers["webhook-timestamp"], CultureInfo.InvariantCulture);

    public string[] Signatures => Headers["webhook-signature"].Split(' ');

    /// <summary>What npm's standardwebhooks says of messages under a secret: null where it is content.</summary>
    public static async Task<IReadOnlyList<string?>> VerifyAsync(string secret, params IEnumerable<ReceivedMessage> messages)
    {
        await NodeTools.NeedAsync();
        var lines = string.Concat(messages.Select(message => new JsonObject
        {
            ["secret"] = secret,
            ["headers"] = new JsonObject(message.Headers.Where(header => header.Key.StartsWith("webhook-", StringComparison.OrdinalIgnoreCase))
                .Select(header => KeyValuePair.Create(header.Key.ToLowerInvariant(), (JsonNode?)header.Value))),
            ["body"] = message.Body,
        }.ToJsonString() + "\n"));
        var run = await NodeTools.RunAsync("node", ["webhook.mjs"], lines);
        Assert.True(run.ExitCode == 0, run.Errors);
        return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<string?>(line))];
    }
}

/// <summary>What owners of webhooks do over HTTP.</summary>
internal static class WebhookOwners
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static Task<HttpResponseMessage> HooksAsync(this HttpClient http, HttpMethod method, string path, JsonNode? body = null) => http.SendAsync(
        new HttpRequestMessage(method, new Uri("/api/v3/webhooks" + path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) },
        Cancelled);

    /// <summary>Subscribes to a test's sessions.</summary>
    public static async Task<Hook> SubscribeAsync(this HttpClient http, Uri url, Guid test, string kinds, string content = "THIN")
    {
        using var answer = await http.HooksAsync(HttpMethod.Post, "", new JsonObject
        {
            ["url"] = url.ToString(),
            ["kinds"] = new JsonArray([.. kinds.Split(' ').Select(kind => (JsonNode)("session." + kind))]),
            ["testId"] = test,
            ["content"] = content,
        });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var made = await answer.JsonAsync();
        return new Hook(http, (Guid)made["webhook"]!["webhookId"]!, (string)made["secret"]!);
    }
}

/// <summary>A webhook, for its owner; it is removed at the end of a test, so that it does not follow the others.</summary>
internal sealed record Hook(HttpClient Http, Guid Id, string Secret) : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => (await Http.HooksAsync(HttpMethod.Delete, $"/{Id}")).Dispose();

    public Task<JsonObject> GetAsync() => Http.JsonAsync($"/api/v3/webhooks/{Id}");

    public async Task<JsonObject> PatchAsync(JsonObject change)
    {
        using var answer = await Http.HooksAsync(HttpMethod.Patch, $"/{Id}", change);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.JsonAsync();
    }

    /// <summary>The log, the oldest first.</summary>
    public async Task<IReadOnlyList<JsonNode>> LogAsync(string query = "") =>
        [.. (await Http.JsonAsync($"/api/v3/webhooks/{Id}/deliveries?limit=500{query}"))["deliveries"]!.AsArray().Reverse().Select(one => one!)];

    /// <summary>Waits until each message has been tried so often, and its last attempt is written down.</summary>
    public async Task<IReadOnlyList<JsonNode>> UntilTriedAsync(int messages, int times)
    {
        IReadOnlyList<JsonNode> log = [];
        await Wait.UntilAsync(async () => (log = await LogAsync()).Count(one => one["attempts"]!.AsArray().Count >= times) >= messages);
        return log;
    }

    public async Task<int> ReplayAsync(string path)
    {
        using var answer = await Http.HooksAsync(HttpMethod.Post, $"/{Id}/{path}");
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (int)(await answer.JsonAsync())["queued"]!;
    }
}
