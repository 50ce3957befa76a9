using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

[assembly: JsonContext<ResultsEs.Http.HealthJson>]

namespace ResultsEs.Http;

/// <summary>
/// The health endpoints. <c>/health/live</c>: the process answers. <c>/health/ready</c>: every registered health check passes, or 503.
/// They need no token and count against no rate limit.
/// </summary>
internal static class HealthEndpoints
{
    public static readonly Operation Live = new("getLiveness", ApiTag.Service, "Whether the process answers")
    {
        Route = (HttpMethods.Get, "/health/live"),
        Replies = [Reply.Ok<Health>("It does.")],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static readonly Operation Readiness = new("getReadiness", ApiTag.Service, "Whether the service can answer requests")
    {
        Route = (HttpMethods.Get, "/health/ready"),
        Replies =
        [
            Reply.Ok<Health>("It can."),
            Reply.Json<Health>(StatusCodes.Status503ServiceUnavailable, "It cannot; `checks` says what it lacks."),
        ],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        PublicEndpoint.Map(endpoints, Live, Alive, new DisableRateLimitingAttribute());
        PublicEndpoint.Map(endpoints, Readiness, Ready, new DisableRateLimitingAttribute());
    }

    private static Task Alive(HttpContext context) =>
        context.Response.WriteAsJsonAsync(new Health(nameof(HealthStatus.Healthy), Checks: null), Json.Of<Health>());

    private static async Task Ready(HttpContext context)
    {
        var checks = context.RequestServices.GetRequiredService<HealthCheckService>();
        var report = await checks.CheckHealthAsync(context.RequestAborted);
        if (report.Status == HealthStatus.Unhealthy)
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;

        var parts = report.Entries.ToDictionary(entry => entry.Key, entry => Part(entry.Value), StringComparer.Ordinal);
        var health = new Health(report.Status.ToString(), parts);
        await context.Response.WriteAsJsonAsync(health, Json.Of<Health>(), cancellationToken: context.RequestAborted);
    }

    // The description is meant for clients; the exception is for the logs.
    private static HealthOfPart Part(HealthReportEntry entry) =>
        new(entry.Status.ToString(), entry.Description, Math.Round((decimal)entry.Duration.TotalMilliseconds, 1));
}

/// <summary>How the service is.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Checks">The same of each thing it needs.</param>
internal sealed record Health(string Status, IReadOnlyDictionary<string, HealthOfPart>? Checks);

/// <summary>How one thing is that the service needs.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Detail">What is wrong.</param>
/// <param name="DurationMs">How long it took to find out, in milliseconds.</param>
internal sealed record HealthOfPart(string Status, string? Detail, decimal DurationMs);

[JsonSerializable(typeof(Health))]
internal sealed partial class HealthJson : JsonSerializerContext;
