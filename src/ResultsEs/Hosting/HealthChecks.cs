using Microsoft.Extensions.Diagnostics.HealthChecks;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Sessions;

namespace ResultsEs.Hosting;

/// <summary>Unhealthy when the database does not answer.</summary>
internal sealed class DatabaseHealth(NpgsqlDataSource database) : IHealthCheck
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        CheckAsync(database.CreateCommand("select 1"), cancellationToken);

    /// <summary>Runs a query for the name of a missing table. Unhealthy if there is one, or no answer within 5 s.</summary>
    internal static async Task<HealthCheckResult> CheckAsync(NpgsqlCommand query, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(MaxWait);
        try
        {
            // When the server hangs, Npgsql waits much longer, also for the answer to its cancellation.
            return await MissingAsync(timeout.Token).WaitAsync(timeout.Token) is { } missing
                ? HealthCheckResult.Unhealthy($"{missing} is missing.")
                : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }

        async Task<string?> MissingAsync(CancellationToken cancellation)
        {
            await using (query)
                return await query.ExecuteScalarAsync(cancellation) as string;
        }
    }
}

/// <summary>Unhealthy when one of the most used tables is missing. All tables are checked at start.</summary>
internal sealed class SchemaHealth(NpgsqlDataSource database) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string[] tables = [StreamLog.Events, StreamLog.Table, SessionResultTable.Name, "results.test_changes"];
        var query = database.CreateCommand("select t.name from unnest($1) t(name) where to_regclass(t.name) is null");
        query.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = tables });
        return DatabaseHealth.CheckAsync(query, cancellationToken);
    }
}

/// <summary>Degraded when a queue is not listened to. Not unhealthy: without the broker every node would leave the proxy.</summary>
internal sealed class BrokerHealth(QueueListener? listener = null) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(listener?.Problems.ToList() is { Count: > 0 } problems
            ? HealthCheckResult.Degraded(string.Join("; ", problems))
            : HealthCheckResult.Healthy());
}

/// <summary>Degraded when reads do not go to every configured standby. Not unhealthy: the primary answers them instead.</summary>
internal sealed class StandbyHealth(ReadDatabase database) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var standbys = database.Standbys;
        var troubles = standbys
            .Select((standby, i) => (Name: standbys.Count == 1 ? "The standby" : $"Standby {i + 1} of {standbys.Count}", standby.Trouble))
            .Where(standby => standby.Trouble is not null)
            .Select(standby => $"{standby.Name} {standby.Trouble}")
            .ToList();
        var consequence = troubles.Count == standbys.Count ? "the primary answers reads." : "the others answer reads.";
        return Task.FromResult(troubles.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"{string.Join("; ", troubles)}; {consequence}"));
    }
}

/// <summary>Degraded when Redis is configured and does not answer: this node then limits requests by itself.</summary>
internal sealed class LimitsHealth(SharedWindows? shared = null) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(shared is null or { IsAnswering: true }
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded("Redis does not answer; this node limits requests by itself."));
}

/// <summary>Degraded when the totals of tests are more than 30 s behind. Not unhealthy: they can be read as they are.</summary>
internal sealed class TotalsHealth(DatabaseState state) : IHealthCheck
{
    private const double MaxLagSeconds = 30;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.LagSeconds <= MaxLagSeconds
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"The totals of tests are {state.LagSeconds:F0} s behind."));
}

/// <summary>Degraded when shared workers have set items aside. Not unhealthy: they go on with all others.</summary>
internal sealed class SetAsideHealth(DatabaseState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(state.SetAside.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"Set aside by {string.Join(", ", state.SetAside.Select(one => $"{one.Key}: {one.Value}"))}."));
}
