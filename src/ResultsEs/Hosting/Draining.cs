using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ResultsEs.Hosting;

/// <summary>Settings of the shutdown; section <c>Shutdown</c>.</summary>
internal sealed class ShutdownOptions
{
    public const string Section = "Shutdown";

    // The host gives all services together 30 s to stop.
    private const int MaxDrainSeconds = 25;

    /// <summary>How many seconds a stopping node continues to answer, 0–25. Default 0.</summary>
    public int DrainSeconds { get; init; }

    public static IEnumerable<string> Problems(ShutdownOptions options) =>
        options.DrainSeconds is >= 0 and <= MaxDrainSeconds ? [] : [$"{Section}:DrainSeconds must be from 0 to {MaxDrainSeconds}."];
}

/// <summary>Draining: a stopping node is unready at once, but answers a while longer until load balancers avoid it.</summary>
internal sealed class Draining(IOptions<ShutdownOptions> options) : IHostedLifecycleService
{
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromSeconds(options.Value.DrainSeconds), cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    internal sealed class Check(IHostApplicationLifetime lifetime) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested
                ? HealthCheckResult.Unhealthy("The node is stopping.")
                : HealthCheckResult.Healthy());
    }
}
