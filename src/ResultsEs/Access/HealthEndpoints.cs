using System.Text.Json;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ResultsEs.Access;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: every registered health check passes, else 503. Neither
/// needs a token nor counts against a limit.
/// </summary>
internal static class HealthEndpoints
{
    private static readonly Dictionary<string, string> Alive = new(StringComparer.Ordinal) { ["status"] = nameof(HealthStatus.Healthy) };

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        PublicEndpoint.Map(endpoints, HttpMethods.Get, "health/live", context => context.Response.WriteAsJsonAsync(Alive), new DisableRateLimitingAttribute());
        PublicEndpoint.Map(endpoints, HttpMethods.Get, "health/ready", Ready, new DisableRateLimitingAttribute());
    }

    private static async Task Ready(HttpContext context)
    {
        var checks = context.RequestServices.GetRequiredService<HealthCheckService>();
        var report = await checks.CheckHealthAsync(context.RequestAborted);
        if (report.Status == HealthStatus.Unhealthy)
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;

        // Names and states only: a check's description or exception is for the logs.
        await context.Response.WriteAsJsonAsync(new
        {
            status = report.Status.ToString(),
            checks = report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Status.ToString(), StringComparer.Ordinal),
        }, JsonSerializerOptions.Web, context.RequestAborted);
    }
}
