using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace ResultsEs.Hosting;

/// <summary>The section <c>Shutdown</c> of the configuration.</summary>
internal sealed class ShutdownOptions
{
    /// <summary>The section.</summary>
    public const string Section = "Shutdown";

    // The host gives all services together 30 s to stop.
    private const int MaxDrainSeconds = 25;

    /// <summary>How many seconds a node that is asked to stop goes on answering, 0–25.</summary>
    public int DrainSeconds { get; init; }

    /// <summary>Names what is wrong.</summary>
    public static IEnumerable<string> Problems(ShutdownOptions options) =>
        options.DrainSeconds is >= 0 and <= MaxDrainSeconds ? [] : [$"{Section}:DrainSeconds must be from 0 to {MaxDrainSeconds}."];
}

/// <summary>
/// A node that is asked to stop first says that it is not ready, and goes on answering for a while, so that who spreads requests over
/// nodes has
/// looked elsewhere before it takes no more.
/// </summary>
internal sealed class Draining(IOptions<ShutdownOptions> options) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromSeconds(options.Value.DrainSeconds), cancellationToken);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Whether the node is there to stay.</summary>
    internal sealed class Check(IHostApplicationLifetime lifetime) : IHealthCheck
    {
        /// <inheritdoc/>
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("The node is stopping.") : HealthCheckResult.Healthy());
    }
}
