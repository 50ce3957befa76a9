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
        Replies = [Reply.Ok<Health>("The process answers.")],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static readonly Operation Readiness = new("getReadiness", ApiTag.Service, "Whether the service can answer requests")
    {
        Route = (HttpMethods.Get, "/health/ready"),
        Replies =
        [
            Reply.Ok<Health>("The service can answer requests."),
            Reply.Json<Health>(
                StatusCodes.Status503ServiceUnavailable, "The service cannot answer requests; `checks` says which part is missing."),
        ],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        PublicEndpoint.Map(endpoints, Live, Alive, new DisableRateLimitingAttribute());
        PublicEndpoint.Map(endpoints, Readiness, Ready, new DisableRateLimitingAttribute());
    }

    private static Task Alive(HttpContext context) =>
        JsonBody.Of(new Health(nameof(HealthStatus.Healthy), Checks: null), Json.Of<Health>()).ExecuteAsync(context);

    private static async Task Ready(HttpContext context)
    {
        var checks = context.RequestServices.GetRequiredService<HealthCheckService>();
        var report = await checks.CheckHealthAsync(context.RequestAborted);
        var status = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        var parts = report.Entries.ToDictionary(entry => entry.Key, entry => Part(entry.Value), StringComparer.Ordinal);
        var health = new Health(report.Status.ToString(), parts);
        await JsonBody.Of(health, Json.Of<Health>(), status).ExecuteAsync(context);
    }

    // The description is meant for clients; the exception is for the logs.
    private static HealthOfPart Part(HealthReportEntry entry) =>
        new(entry.Status.ToString(), entry.Description, Math.Round((decimal)entry.Duration.TotalMilliseconds, 1));
}

/// <summary>The health of the service.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Checks">The health of each part that it needs, by name.</param>
internal sealed record Health(string Status, IReadOnlyDictionary<string, HealthOfPart>? Checks);

/// <summary>The health of a part that the service needs.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Detail">The reason, when it is not healthy.</param>
/// <param name="DurationMs">The duration of the check in milliseconds.</param>
internal sealed record HealthOfPart(string Status, string? Detail, decimal DurationMs);

[JsonSerializable(typeof(Health))]
internal sealed partial class HealthJson : JsonSerializerContext;
