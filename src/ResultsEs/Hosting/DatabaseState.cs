using ResultsEs.EventStore;

namespace ResultsEs.Hosting;

/// <summary>
/// Figures for gauges and readiness that each node reads from the database every 15 seconds. So neither a scrape nor a probe
/// reads it. Only the polling loop writes them. After a failure the last figures stay; the health check reports it.
/// </summary>
internal sealed partial class DatabaseState(NpgsqlDataSource database, ILogger<DatabaseState> logger) : PollingService(PollInterval)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(15);

    /// <summary>Seconds that the longest-waiting session has waited to be counted in its test's totals; 0 while none waits.</summary>
    public double LagSeconds { get; private set; }

    public long DeadLetters { get; private set; }

    /// <summary>The number of items that shared workers have set aside, by worker; none without any.</summary>
    public IReadOnlyDictionary<string, long> SetAside { get; private set; } = new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Events that the current rebuild has folded.</summary>
    public long RebuildFolded { get; private set; }

    /// <summary>Events of the current rebuild; 0 without one.</summary>
    public long RebuildTotal { get; private set; }

    protected override TimeSpan Interval => PollInterval;

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        // Few sessions wait. Among many, the table's first rows are the oldest. The primary key of streams finds them.
        await using var command = database.CreateCommand(
            $"""
            select
              coalesce((
                select greatest(extract(epoch from now() - min(s.timestamp)), 0)
                from (select c.tenant_id, c.session_id from results.test_changes c limit 1000) c
                join {StreamLog.Table} s on s.tenant_id = c.tenant_id and s.id = c.session_id), 0)::double precision,
              (select count(*) from results.wolverine_dead_letters),
              coalesce((
                select sum(p.events) from results.rebuild_parts p
                join results.rebuilds r on r.id = p.rebuild_id where not r.is_switched), 0)::bigint,
              coalesce((select sum(r.events) from results.rebuilds r where not r.is_switched), 0)::bigint,
              array(select a.worker from {EventStore.SetAside.Table} a group by a.worker order by a.worker),
              array(select count(*) from {EventStore.SetAside.Table} a group by a.worker order by a.worker)
            """);
        await using var reader = await command.ExecuteReaderAsync(stoppingToken);
        await reader.ReadAsync(stoppingToken);
        (LagSeconds, DeadLetters) = (reader.GetDouble(0), reader.GetInt64(1));
        (RebuildFolded, RebuildTotal) = (reader.GetInt64(2), reader.GetInt64(3));
        SetAside = reader.GetFieldValue<string[]>(4).Zip(reader.GetFieldValue<long[]>(5))
            .ToDictionary(worker => worker.First, worker => worker.Second, StringComparer.Ordinal);
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    [LoggerMessage(1401, LogLevel.Warning, "The state of the database could not be read")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
