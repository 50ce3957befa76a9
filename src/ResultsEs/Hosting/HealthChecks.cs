using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Hosting;

/// <summary>Whether the tables are there that this version reads and writes most; all of them were looked at when it started.</summary>
internal sealed class SchemaHealth(NpgsqlDataSource database) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => DatabaseHealth.AskAsync(
        async cancellation =>
        {
            await using var command = database.CreateCommand("select t.name from unnest($1) t(name) where to_regclass(t.name) is null");
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [StreamLog.Events, StreamLog.Table, SessionResultTable.Name, "results.test_changes"] });
            return await command.ExecuteScalarAsync(cancellation) is string missing
                ? HealthCheckResult.Unhealthy($"{missing} is missing.")
                : HealthCheckResult.Healthy();
        },
        cancellationToken);
}

/// <summary>
/// Whether the queues are listened to, where a broker is configured. Without it the node still answers requests, so it is degraded and not unready: were all nodes taken out
/// when the broker is away, nobody could read or write.
/// </summary>
internal sealed class BrokerHealth(QueueListener? listener = null) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problems = listener?.Problems.ToList() ?? [];
        return Task.FromResult(problems.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(string.Join("; ", problems)));
    }
}

/// <summary>
/// Whether reads go to all standbys, where some are configured. Whatever a standby does not answer the primary answers, so a node is degraded and not unready.
/// </summary>
internal sealed class StandbyHealth(ReadDatabase database) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var standbys = database.Standbys;
        var troubles = standbys.Select((standby, i) => (Number: i + 1, standby.Trouble)).Where(standby => standby.Trouble is not null).ToList();
        return Task.FromResult(troubles.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(
            string.Join("; ", troubles.Select(standby => standbys.Count == 1
                ? $"The standby {standby.Trouble}"
                : string.Create(CultureInfo.InvariantCulture, $"Standby {standby.Number} of {standbys.Count} {standby.Trouble}")))
            + (troubles.Count == standbys.Count ? "; the primary answers reads." : "; the others answer reads.")));
    }
}

/// <summary>Whether the nodes share their limits, where Redis is configured. Without it each has limits of its own, so it is degraded and not unready.</summary>
internal sealed class LimitsHealth(SharedWindows? shared = null) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        shared is null or { IsAnswering: true }
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded("Redis does not answer; this node limits requests by itself."));
}

/// <summary>Whether the totals of tests follow; they are read as they are, so a node that lags is degraded and not unready.</summary>
internal sealed class TotalsHealth(DatabaseState state) : IHealthCheck
{
    private const double MaxLagSeconds = 30;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        state.LagSeconds <= MaxLagSeconds
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"The totals of tests are {state.LagSeconds:F0} s behind.")));
}
