using Microsoft.Extensions.DependencyInjection.Extensions;
using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.Hosting;

internal static class AccessSetup
{
    /// <summary>Adds authentication, rate limits, problem details and the default listen address.</summary>
    public static WebApplicationBuilder AddAccess(this WebApplicationBuilder builder)
    {
        ListenAddress.UseDefault(builder);
        // No code here blocks a thread, so requests may run on the socket's own thread.
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);

        var services = builder.Services;
        services.AddSettings<AccessOptions>(builder.Configuration, options => AccessProblems.Of(options, builder.Environment));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Clients>();
        services.AddSingleton(provider => SigningKey.Load(
            provider.GetRequiredService<IOptions<AccessOptions>>(), provider.GetRequiredService<IConfiguration>()));

        NoDataProtection.Apply(services);
        TokenIssuer.Add(services);
        BearerTokens.Add(services);
        RateLimits.Add(services, builder.Configuration);

        // The first writer that can write is used, and ours always can.
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        services.AddHealthChecks();
        return builder;
    }

    /// <summary>Adds the middleware, outermost first, then the endpoints without a token. All other endpoints come after it.</summary>
    public static WebApplication UseAccess(this WebApplication app)
    {
        app.UseMiddleware<ResponseHeaders>();
        app.Use(HeadRequests.Serve);
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        app.UseExceptionHandler(Failures.Options(loggers.CreateLogger("ResultsEs.Access.Failures")));
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
