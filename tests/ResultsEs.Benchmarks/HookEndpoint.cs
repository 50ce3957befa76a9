using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ResultsEs.Benchmarks;

/// <summary>An endpoint of a webhook on the loopback. State: when it was told of each session's versions, by the clock of <see cref="Stopwatch"/>.</summary>
internal sealed class HookEndpoint : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, ConcurrentDictionary<int, long>> _told = [];
    private readonly WebApplication _app;

    private HookEndpoint(WebApplication app) => _app = app;

    public Uri Url => new(new Uri(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()), "/hooks");

    public static async Task<HookEndpoint> StartAsync(CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var endpoint = new HookEndpoint(builder.Build());
        endpoint._app.Run(endpoint.ReceiveAsync);
        await endpoint._app.StartAsync(cancellation);
        return endpoint;
    }

    /// <summary>Waits until it was told of a session's version, and gives when it was of each.</summary>
    public async Task<IReadOnlyDictionary<int, long>> UntilAsync(Guid session, int version, CancellationToken cancellation)
    {
        var told = _told.GetOrAdd(session, _ => new ConcurrentDictionary<int, long>());
        while (!told.ContainsKey(version))
            await Task.Delay(10, cancellation);
        return told;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        var now = Stopwatch.GetTimestamp();
        var data = (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!["data"]!;
        _told.GetOrAdd((Guid)data["sessionId"]!, _ => new ConcurrentDictionary<int, long>()).TryAdd((int)data["version"]!, now);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
