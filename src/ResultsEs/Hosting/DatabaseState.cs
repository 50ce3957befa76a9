using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;

namespace ResultsEs.Hosting;

/// <summary>
/// What the database says of itself, for gauges and for readiness: asked every 15 seconds by each node, so that neither a scrape nor a probe asks it. Written by the one loop, read by any.
/// </summary>
internal sealed partial class DatabaseState(NpgsqlDataSource database, ILogger<DatabaseState> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>How long the session has waited that waits longest to be counted; 0 while none does.</summary>
    public double LagSeconds { get; private set; }

    /// <summary>How many dead letters there are.</summary>
    public long DeadLetters { get; private set; }

    /// <summary>How many events the rebuild under way has folded.</summary>
    public long RebuildFolded { get; private set; }

    /// <summary>How many it has to fold; 0 while there is none.</summary>
    public long RebuildTotal { get; private set; }

    /// <summary>Asks now.</summary>
    public async Task LookAsync(CancellationToken cancellation)
    {
        // Sessions that wait are few; were there many, the table's first are its oldest. The primary key of streams finds them.
        await using var command = database.CreateCommand(
            $"""
            select
              coalesce((
                select greatest(extract(epoch from now() - min(s.timestamp)), 0)
                from (select c.tenant_id, c.session_id from results.test_changes c limit 1000) c
                join {StreamLog.Table} s on s.tenant_id = c.tenant_id and s.id = c.session_id), 0)::double precision,
              (select count(*) from results.wolverine_dead_letters),
              coalesce((select sum(p.events) from results.rebuild_parts p join results.rebuilds r on r.id = p.rebuild_id where not r.is_switched), 0)::bigint,
              coalesce((select sum(r.events) from results.rebuilds r where not r.is_switched), 0)::bigint
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        (LagSeconds, DeadLetters, RebuildFolded, RebuildTotal) = (reader.GetDouble(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // What was seen last stays; the database's own check says that it is away.
                LogFailed(logger, e);
            }

            await Task.Delay(Interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(1401, LogLevel.Warning, "The state of the database could not be read")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
