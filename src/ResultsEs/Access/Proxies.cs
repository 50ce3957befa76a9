using Microsoft.AspNetCore.HttpOverrides;

namespace ResultsEs.Access;

/// <summary>The address of a caller behind proxies, which limits what strangers may do: see <see cref="ProxyOptions"/>.</summary>
internal sealed partial class Proxies(IOptions<AccessOptions> options, IConfiguration configuration, ILogger<Proxies> logger)
    : IHostedService
{
    public static void Add(IServiceCollection services)
    {
        services.AddHostedService<Proxies>();
        services.AddOptions<ForwardedHeadersOptions>().PostConfigure<IOptions<AccessOptions>>(static (headers, access) =>
        {
            var known = access.Value.ForwardedHeaders;
            if (!IsAnyKnown(known))
                return;

            headers.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            headers.ForwardLimit = null;
            headers.KnownProxies.Clear();
            headers.KnownIPNetworks.Clear();
            foreach (var proxy in known.KnownProxies)
                headers.KnownProxies.Add(IPAddress.Parse(proxy));
            foreach (var network in known.KnownNetworks)
                headers.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(network));
        });
    }

    public static void Use(WebApplication app)
    {
        if (IsAnyKnown(app.Services.GetRequiredService<IOptions<AccessOptions>>().Value.ForwardedHeaders))
            app.UseForwardedHeaders();
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Set by ASPNETCORE_FORWARDEDHEADERS_ENABLED, which trusts whoever sends the headers.
        if (configuration.GetValue<bool>("FORWARDEDHEADERS_ENABLED") && !IsAnyKnown(options.Value.ForwardedHeaders))
            LogTrustsAll(logger);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static bool IsAnyKnown(ProxyOptions known) => known.KnownProxies.Count + known.KnownNetworks.Count > 0;

    [LoggerMessage(3402, LogLevel.Warning, "ASPNETCORE_FORWARDEDHEADERS_ENABLED has every caller tell its own address; "
        + "name the proxies in ForwardedHeaders__KnownProxies__0 or ForwardedHeaders__KnownNetworks__0 instead")]
    private static partial void LogTrustsAll(ILogger logger);
}
