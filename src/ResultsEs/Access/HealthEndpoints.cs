using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ResultsEs.Api;

namespace ResultsEs.Access;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: every registered health check passes, else 503. Neither
/// needs a token nor counts against a limit.
/// </summary>
internal static class HealthEndpoints
{
    public static readonly Operation Live = new(HttpMethods.Get, "/health/live", "getLiveness")
    {
        Tag = ApiDescription.Service,
        Summary = "Whether the process answers",
        Replies = [Reply.Ok<Health>("It does.")],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

    public static readonly Operation Readiness = new(HttpMethods.Get, "/health/ready", "getReadiness")
    {
        Tag = ApiDescription.Service,
        Summary = "Whether the service can answer requests",
        Replies =
        [
            Reply.Ok<Health>("It can."),
            new Reply(StatusCodes.Status503ServiceUnavailable, "It cannot; `checks` says what it lacks.", "application/json", typeof(Health)),
        ],
        Refusals = [StatusCodes.Status405MethodNotAllowed],
    };

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

/// <summary>How the service is.</summary>
/// <param name="Status"><c>Healthy</c>, <c>Degraded</c> or <c>Unhealthy</c>.</param>
/// <param name="Checks">The same of each thing it needs.</param>
internal sealed record Health(string Status, IReadOnlyDictionary<string, string>? Checks);

/// <summary>The source-generated JSON contracts of answers that other libraries write; they describe them.</summary>
[JsonSerializable(typeof(AccessToken))]
[JsonSerializable(typeof(TokenRefusal))]
[JsonSerializable(typeof(Health))]
internal sealed partial class AccessJson : JsonSerializerContext;
