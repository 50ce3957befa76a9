using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;

namespace ResultsEs.Hosting;

/// <summary>
/// Runs the code of requests once, as soon as the service has started, so that the first requests do not wait while it is compiled.
/// Writes nothing and counts against no limit. A start does not wait for it; a failure is only logged, because requests tell it better.
/// </summary>
internal sealed partial class WarmUp(
    IHostApplicationLifetime lifetime, AppendStore store, [FromKeyedServices(DataSources.Pinned)] NpgsqlDataSource pinned,
    GroupCommit commit, SigningKey key, EndpointDataSource endpoints, IServiceScopeFactory scopes,
    IOptionsMonitor<JwtBearerOptions> bearer, ILogger<WarmUp> logger) : BackgroundService
{
    // An account that no client can have, and that has nothing.
    private static readonly Caller Nobody = new(Guid.Empty, [Guid.Empty], "", []);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var startedOrStopping = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stoppingToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, startedOrStopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stoppingToken.IsCancellationRequested)
            return;

        var began = Stopwatch.GetTimestamp();
        try
        {
            // At once, because a client asks for a token first, and uses it next.
            Func<Task>[] parts = [TokenAsync, () => WriteAsync(stoppingToken), ReadAsync];
            await Task.WhenAll(parts.Select(part => Task.Run(part, stoppingToken)));
            LogDone(logger, (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        catch (Exception e)
        {
            LogFailed(logger, e);
        }
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        var sample = CloudEventReader.Read(Encoding.UTF8.GetBytes(Samples.Read(Samples.First)), CloudEventShapes.Batch);
        await AppendTransaction.RehearseAsync(store, pinned, [.. sample.Events], cancellation);
        // Two events with one id are refused by the commit that they share, and nothing is written.
        IncomingEvent[] refused = [sample.Events[0], sample.Events[1] with { Id = sample.Events[0].Id }];
        await commit.RecordAsync(new RecordEvents(Nobody.Account, Nobody.Workspaces, Nobody.ClientId, refused));
        await RunAsync(HttpMethods.Post, "/api/v2/sessionEvents", "[]");
    }

    private async Task ReadAsync()
    {
        await RunAsync(HttpMethods.Get, "/api/v3/sessionResults/{sessionId}");
        await RunAsync(HttpMethods.Get, "/api/v2/sessionResults/{sessionId}");
        await RunAsync(HttpMethods.Get, "/api/v2/sessionResults");
    }

    /// <summary>Runs an endpoint without the middleware in front of it, so that nothing counts or logs the request.</summary>
    private async Task RunAsync(string method, string pattern, string body = "")
    {
        var endpoint = endpoints.Endpoints.OfType<RouteEndpoint>().First(one => one.RoutePattern.RawText == pattern
            && one.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains(method, StringComparer.Ordinal) == true);
        await using var scope = scopes.CreateAsyncScope();
        var context = new DefaultHttpContext
        {
            RequestServices = scope.ServiceProvider,
            User = new CallerPrincipal(new ClaimsIdentity(), Nobody),
        };
        var request = context.Request;
        (request.Method, request.QueryString) = (method, new QueryString($"?testId={Guid.Empty}"));
        (request.ContentType, request.Body) = ("application/json", new MemoryStream(Encoding.UTF8.GetBytes(body)));
        request.RouteValues["sessionId"] = $"{Guid.Empty}";
        await endpoint.RequestDelegate!(context);
    }

    private Task TokenAsync()
    {
        var handler = new JsonWebTokenHandler();
        var token = handler.CreateToken("{}", new SigningCredentials(key.Private, SigningKey.Algorithm));
        // It names no issuer and is refused.
        return handler.ValidateTokenAsync(token, bearer.Get(JwtBearerDefaults.AuthenticationScheme).TokenValidationParameters);
    }

    [LoggerMessage(1105, LogLevel.Debug, "The code of requests is warm after {Milliseconds} ms")]
    private static partial void LogDone(ILogger logger, long milliseconds);

    [LoggerMessage(1106, LogLevel.Debug, "The code of requests was not run before the first of them")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
