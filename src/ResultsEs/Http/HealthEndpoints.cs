using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

[assembly: JsonContext<ResultsEs.Http.HealthJson>]

namespace ResultsEs.Http;

/// <summary>
/// The health endpoints. <c>/health/live</c>: the process answers. <c>/health/ready</c>: every registered health check passes, or 503.
/// They need no token and count against no rate limit, so they say no more than that; operators' port says why.
/// </summary>
internal static class HealthEndpoints
{
    public const string ReadyPath = "/health/ready";

    public static readonly Operation Live = new("getLiveness", ApiTag.Service, "Whether the process answers")
    {
        Route = (HttpMethods.Get, "/health/live"),
        Replies = [Reply.Ok<Health>("The process answers.")],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static readonly Operation Readiness = new("getReadiness", ApiTag.Service, "Whether the service can answer requests")
    {
        Route = (HttpMethods.Get, ReadyPath),
        Replies =
        [
            Reply.Ok<Health>("The service can answer requests."),
            Reply.Json<Health>(StatusCodes.Status503ServiceUnavailable, "The service cannot answer requests."),
        ],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        PublicEndpoint.Map(endpoints, Live, Alive, new DisableRateLimitingAttribute());
        PublicEndpoint.Map(endpoints, Readiness, Ready, new DisableRateLimitingAttribute());
    }

    public static int StatusCodeOf(HealthStatus status) =>
        status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;

    private static Task Alive(HttpContext context) => SendAsync(context, HealthStatus.Healthy);

    private static async Task Ready(HttpContext context)
    {
        var readiness = context.RequestServices.GetRequiredService<Readiness>();
        await SendAsync(context, await readiness.StatusAsync().WaitAsync(context.RequestAborted));
    }

    private static Task SendAsync(HttpContext context, HealthStatus status) =>
        JsonBody.Of(new Health(status.ToString()), Json.Of<Health>(), StatusCodeOf(status)).ExecuteAsync(context);
}

/// <summary>
/// What the health checks say together, looked at no more than once a second, however many ask. State: the last look, under a lock.
/// </summary>
internal sealed class Readiness(HealthCheckService checks, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<HealthStatus>? _look;
    private long _began;

    public Task<HealthStatus> StatusAsync()
    {
        // A load balancer has to see at once that a node stops.
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            return Task.FromResult(HealthStatus.Unhealthy);

        lock (_lock)
        {
            if (_look is { } look && (!look.IsCompleted || time.GetElapsedTime(_began) < KeptFor))
                return look;
            _began = time.GetTimestamp();
            return _look = Task.Run(LookAsync);
        }
    }

    // For all who wait, so that it does not end with one of them.
    private async Task<HealthStatus> LookAsync() => (await checks.CheckHealthAsync(CancellationToken.None)).Status;
}

/// <summary>The health of the service.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
internal sealed record Health(string Status);

/// <summary>The health of the service, for operators.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Checks">The health of each part that it needs, by name.</param>
internal sealed record HealthDetail(string Status, IReadOnlyDictionary<string, HealthOfPart> Checks);

/// <summary>The health of a part that the service needs.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Detail">The reason, when it is not healthy.</param>
/// <param name="DurationMs">The duration of the check in milliseconds.</param>
internal sealed record HealthOfPart(string Status, string? Detail, decimal DurationMs);

[JsonSerializable(typeof(Health))]
[JsonSerializable(typeof(HealthDetail))]
internal sealed partial class HealthJson : JsonSerializerContext;
