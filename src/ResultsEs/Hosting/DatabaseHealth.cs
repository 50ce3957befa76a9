using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using ResultsEs.Access;

namespace ResultsEs.Hosting;

/// <summary>Whether the database answers.</summary>
internal sealed class DatabaseHealth(NpgsqlDataSource database) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => AskAsync(
        async cancellation =>
        {
            await using var command = database.CreateCommand("select 1");
            await command.ExecuteScalarAsync(cancellation);
            return HealthCheckResult.Healthy();
        },
        cancellationToken);

    /// <summary>Asks the database, for as long as a probe may wait. Of a server that hangs the driver waits much longer, for the answer to its cancellation too.</summary>
    internal static async Task<HealthCheckResult> AskAsync(Func<CancellationToken, Task<HealthCheckResult>> ask, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await ask(patience.Token).WaitAsync(patience.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}
