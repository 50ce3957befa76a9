using Microsoft.Extensions.DependencyInjection.Extensions;
using ResultsEs.Access;
using ResultsEs.Explorer;
using ResultsEs.Exports;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Hosting;

internal static class AccessSetup
{
    // Those that a page may not read by itself.
    private static readonly string[] ExposedHeaders =
    [
        "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "RateLimit-Policy", "RateLimit", "Retry-After",
        "WWW-Authenticate", "Accept-Ranges", "Content-Range", "Allow", "Date", "Location", SessionExport.AsOfHeader,
        ExportQuery.CursorHeader,
    ];

    /// <summary>Adds authentication, rate limits, problem details and the default listen address.</summary>
    public static WebApplicationBuilder AddAccess(this WebApplicationBuilder builder)
    {
        ListenAddress.UseDefault(builder);
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.AddServerHeader = false);
        // No code here blocks a thread, so requests may run on the socket's own thread.
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);

        var services = builder.Services;
        services.AddSettings<AccessOptions>(builder.Configuration, options => AccessProblems.Of(options, builder.Environment));
        services.AddSettings<SharesOptions>(builder.Configuration.GetSection(SharesOptions.Section), SharesOptions.Problems);
        services.AddSingleton(provider => new ClientShares(provider.GetRequiredService<IOptions<SharesOptions>>().Value));
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<SecretChecks>();
        services.AddSingleton<ClientCheck>();
        services.AddSingleton<Clients>();
        services.AddHostedService(provider => provider.GetRequiredService<Clients>());
        services.AddSingleton<RequestPipeline>();
        services.AddSingleton<LongRequests>();
        services.AddSingleton<ReadTurns>();
        services.AddSingleton(provider => new WorkspaceNames(provider.GetRequiredService<IOptions<AccessOptions>>().Value.Workspaces));
        services.AddSingleton(provider => SigningKey.Load(
            provider.GetRequiredService<IOptions<AccessOptions>>(), provider.GetRequiredService<IConfiguration>()));

        NoDataProtection.Apply(services);
        TokenIssuer.Add(services);
        BearerTokens.Add(services);
        RateLimits.Add(services, builder.Configuration);
        AuditSetup.Add(services, builder.Configuration);
        Compression.Add(services);
        Proxies.Add(services);
        services.AddCors();
        services.AddOptions<Microsoft.AspNetCore.Cors.Infrastructure.CorsOptions>().Configure<IOptions<AccessOptions>>(
            static (cors, options) => cors.AddDefaultPolicy(policy => policy
                .WithOrigins([.. options.Value.Cors.Origins])
                .WithMethods(HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Patch, HttpMethods.Delete)
                .AllowAnyHeader()
                .WithExposedHeaders(ExposedHeaders)
                .SetPreflightMaxAge(TimeSpan.FromHours(1))));
        services.AddHostedService<NoClientsWarning>();
        services.AddHostedService<MisspeltSettingsWarning>();

        // The first writer that can write is used, and ours always can.
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        services.AddHealthChecks();
        services.AddSingleton<Readiness>();
        return builder;
    }

    /// <summary>Adds the middleware, outermost first, then the endpoints without a token. All other endpoints come after it.</summary>
    public static WebApplication UseAccess(this WebApplication app)
    {
        app.Use(app.Services.GetRequiredService<RequestPipeline>().Take);
        Proxies.Use(app);
        app.UseMiddleware<ResponseHeaders>();
        app.Use(HeadRequests.Serve);
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        app.UseExceptionHandler(Failures.Options(loggers.CreateLogger("ResultsEs.Access.Failures")));
        app.UseStatusCodePages(pages => Problems.Of(pages.HttpContext.Response.StatusCode).ExecuteAsync(pages.HttpContext));
        app.UseRouting();
        app.UseMiddleware<AuditTrail>();
        // Before tokens and limits: a preflight has no token, and an answer without these headers is unreadable for a page.
        if (app.Configuration.GetSection("Cors:Origins").GetChildren().Any())
            app.UseCors();
        ExplorerSetup.UseSessions(app);
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.Use(app.Services.GetRequiredService<LongRequests>().ServeAsync);
        app.Use(app.Services.GetRequiredService<ReadTurns>().ServeAsync);
        Compression.Use(app);

        TokenIssuer.Map(app);
        HealthEndpoints.Map(app);
        GetExportFile.Map(app);
        return app;
    }
}

/// <summary>Warns at the start of a service that nobody can get a token of.</summary>
internal sealed partial class NoClientsWarning(Clients clients, Issuers issuers, ILogger<NoClientsWarning> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (clients.Current.ById.Count == 0 && issuers.All.Count == 0)
            LogNoClients(logger);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        1104, LogLevel.Warning,
        "There is no client, so nobody can get a token: the settings Clients__0__… are missing, or the command clients add")]
    private static partial void LogNoClients(ILogger logger);
}

/// <summary>Warns at the start of settings that nobody reads, because the name of their section is misspelt.</summary>
internal sealed partial class MisspeltSettingsWarning(
    IConfiguration configuration, IEnumerable<SettingsSection> sections, ILogger<MisspeltSettingsWarning> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var (section, meant) in Settings.Misspelt(configuration, sections))
            LogMisspelt(logger, section, meant);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(3301, LogLevel.Warning, "Nobody reads the settings '{Section}'; did you mean '{Meant}'?")]
    private static partial void LogMisspelt(ILogger logger, string section, string meant);
}
