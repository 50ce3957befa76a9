using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Ingestion;

namespace ResultsEs.Hosting;

/// <summary>
/// Sends the first requests itself, as soon as the service has started, so that those of clients do not wait while code is compiled.
/// They pass all middleware as <see cref="Caller.Nobody"/>, and are refused or find nothing: nothing is written, counted or noted.
/// A start does not wait for it; a failure is only logged, because requests tell it better.
/// </summary>
internal sealed partial class WarmUp(
    IHostApplicationLifetime lifetime, AppendStore store, [FromKeyedServices(DataSources.Pinned)] NpgsqlDataSource pinned,
    SigningKey key, RequestPipeline pipeline, IServiceScopeFactory scopes, IOptionsMonitor<JwtBearerOptions> bearer,
    ILogger<WarmUp> logger) : BackgroundService
{
    private const string Form = "application/x-www-form-urlencoded";

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

    // There is no such client.
    private Task TokenAsync() => RunAsync(
        HttpMethods.Post, "/" + TokenIssuer.TokenPath, Form,
        $"grant_type=client_credentials&client_id={Guid.Empty}&client_secret={Guid.Empty}");

    private async Task WriteAsync(CancellationToken cancellation)
    {
        var text = Samples.Read(Samples.First);
        var events = CloudEventReader.Read(Encoding.UTF8.GetBytes(text), CloudEventShapes.Batch).Events;
        await AppendTransaction.RehearseAsync(store, pinned, [.. events], cancellation);
        // Two events with one id are refused by the commit that they share.
        var sample = JsonNode.Parse(text)!.AsArray();
        var (one, other) = (sample[1]!.DeepClone(), sample[2]!.DeepClone());
        other["id"] = one["id"]!.DeepClone();
        await RunAsync(HttpMethods.Post, "/api/v2/sessionEvents", "application/json", new JsonArray(one, other).ToJsonString());
    }

    private async Task ReadAsync()
    {
        await RunAsync(HttpMethods.Get, $"/api/v3/sessionResults/{Guid.Empty}");
        await RunAsync(HttpMethods.Get, $"/api/v2/sessionResults/{Guid.Empty}");
        await RunAsync(HttpMethods.Get, "/api/v2/sessionResults");
    }

    /// <summary>Sends a request from where none can come, with a token that names no client and so leaves the caller as it is.</summary>
    private async Task RunAsync(string method, string path, string? type = null, string body = "")
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = new DefaultHttpContext
        {
            RequestServices = scope.ServiceProvider,
            User = new CallerPrincipal(new ClaimsIdentity(nameof(WarmUp)), Caller.Nobody),
        };
        context.Connection.RemoteIpAddress = IPAddress.Any;
        context.Features.Set<IHttpMaxRequestBodySizeFeature>(new BodySize());
        var (request, bytes) = (context.Request, Encoding.UTF8.GetBytes(body));
        (request.Method, request.Scheme, request.Host) = (method, "http", new HostString("localhost"));
        (request.Path, request.QueryString) = (path, new QueryString($"?testId={Guid.Empty}"));
        (request.ContentType, request.ContentLength, request.Body) = (type, bytes.Length, new MemoryStream(bytes));
        if (type != Form)
            request.Headers.Authorization = $"Bearer {Token()}";
        await pipeline.RunAsync(context);
    }

    private string Token() => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = bearer.Get(JwtBearerDefaults.AuthenticationScheme).TokenValidationParameters.ValidIssuer,
        Audience = TokenIssuer.Audience,
        TokenType = "at+jwt",
        Claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [Caller.ClientIdClaim] = $"{Guid.Empty}",
            [Caller.AccountClaim] = $"{Guid.Empty}",
            [Caller.WorkspacesClaim] = $"{Guid.Empty}",
        },
        SigningCredentials = new SigningCredentials(key.Private, SigningKey.Algorithm),
    });

    /// <summary>As a server has it: endpoints that bound their bodies say so here.</summary>
    private sealed class BodySize : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }

    [LoggerMessage(1105, LogLevel.Debug, "The code of requests is warm after {Milliseconds} ms")]
    private static partial void LogDone(ILogger logger, long milliseconds);

    [LoggerMessage(1106, LogLevel.Debug, "The code of requests was not run before the first of them")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
