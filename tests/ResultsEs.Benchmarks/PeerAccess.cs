using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ResultsEs.Access;

namespace ResultsEs.Benchmarks;

/// <summary>Authentication and rate limiting as ASP.NET Core brings them, for what a user could pick instead of the service.</summary>
internal static class PeerAccess
{
    /// <summary>A program with both, that logs nothing.</summary>
    public static WebApplicationBuilder CreateBuilder()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(bearer =>
        {
            bearer.MapInboundClaims = false;
            bearer.TokenValidationParameters = ServiceTokens.Parameters();
        });
        builder.Services.AddAuthorizationBuilder().AddPolicy(Scopes.StudiesRead, policy => policy.RequireAssertion(context =>
            context.User.FindFirstValue(Caller.ScopeClaim)?.Split(' ').Contains(Scopes.StudiesRead, StringComparer.Ordinal) == true));
        builder.Services.AddRateLimiter(limiter => limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetFixedWindowLimiter(
            context.User.FindFirstValue(Caller.ClientIdClaim) ?? "",
            _ => new FixedWindowRateLimiterOptions { PermitLimit = Service.PermitsPerMinute, Window = TimeSpan.FromMinutes(1) })));
        return builder;
    }

    /// <summary>Serves <c>GET /api/v3/sessionResults/{id}</c> by <paramref name="get"/> to whom may read.</summary>
    public static async Task ServeAsync(WebApplication app, Delegate get, CancellationToken cancellation)
    {
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.MapGet("/api/v3/sessionResults/{id:guid}", get).RequireAuthorization(Scopes.StudiesRead);
        app.MapGet("/health/live", () => Results.Ok());
        await app.RunAsync(cancellation);
    }
}
