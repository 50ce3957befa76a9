using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ResultsEs.Access;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Hosting;

/// <summary>Who may call, how often, and what every answer carries.</summary>
public static class AccessSetup
{
    /// <summary>Registers tokens, rate limits, problem details and health checks, and the default address to listen on.</summary>
    public static WebApplicationBuilder AddAccess(this WebApplicationBuilder builder)
    {
        ListenAddress.UseDefault(builder);
        // Nothing here blocks a thread, so that a request is worked on where it was read, and its answer sent from there.
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);

        var services = builder.Services;
        services.AddOptions<AccessOptions>().Bind(builder.Configuration).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AccessOptions>, AccessOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Clients>();
        services.AddSingleton(provider => SigningKey.Load(
            provider.GetRequiredService<IOptions<AccessOptions>>(), provider.GetRequiredService<IConfiguration>()));

        NoDataProtection.Apply(services);
        TokenIssuer.Add(services);
        BearerTokens.Add(services);
        RateLimits.Add(services, builder.Configuration);

        // The first writer that can write does, and ours always can.
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        services.AddHealthChecks();
        return builder;
    }

    /// <summary>
    /// The middleware that every request passes, outermost first, then the endpoints that need no token. Call it before mapping
    /// any endpoint.
    /// </summary>
    public static WebApplication UseAccess(this WebApplication app)
    {
        app.UseMiddleware<ResponseHeaders>();
        app.Use(HeadRequests.Serve);
        app.UseExceptionHandler(Failures.Options(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ResultsEs.Access.Failures")));
        app.UseStatusCodePages(pages => Problems.Of(pages.HttpContext.Response.StatusCode).ExecuteAsync(pages.HttpContext));
        app.UseRouting();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();

        TokenIssuer.Map(app);
        HealthEndpoints.Map(app);
        return app;
    }
}
