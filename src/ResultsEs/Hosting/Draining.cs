using Microsoft.Extensions.Diagnostics.HealthChecks;
using ResultsEs.Common;

namespace ResultsEs.Hosting;

/// <summary>
/// A node that is asked to stop first says that it is not ready, and goes on answering for <c>Shutdown:DrainSeconds</c> (0–25, default 0), so that who spreads requests over nodes has
/// looked elsewhere before it takes no more.
/// </summary>
internal sealed class Draining(IConfiguration configuration) : IHostedLifecycleService
{
    private const string Setting = "Shutdown:DrainSeconds";

    // The host gives all services together 30 s to stop.
    private const int MaxSeconds = 25;

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => configuration.GetValue(Setting, 0) is >= 0 and <= MaxSeconds
        ? Task.CompletedTask
        : throw new StartupException($"{Setting} must be from 0 to {MaxSeconds}.");

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.Delay(TimeSpan.FromSeconds(configuration.GetValue(Setting, 0)), cancellationToken);

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
