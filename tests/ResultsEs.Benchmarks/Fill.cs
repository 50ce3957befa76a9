namespace ResultsEs.Benchmarks;

/// <summary>Stores sessions before something is measured on them.</summary>
internal static class Fill
{
    /// <summary>Stores the first so many of <see cref="Sessions"/>, and leaves the tables as a service leaves them that has stood for a while.</summary>
    public static async Task WithAsync(string database, int sessions, CancellationToken cancellation)
    {
        // It notes at its first start that there is nothing to build, and would ask for a rebuild after an import without one.
        await using (await Service.StartAsync(database, cancellation))
        {
        }

        var file = Path.GetTempFileName();
        try
        {
            await Sessions.WriteAsync(file, sessions, cancellation);
            await Service.RunAsync(database, ["import", file, "--client", Service.Client], cancellation);
        }
        finally
        {
            File.Delete(file);
        }

        // Its totals are counted while it runs.
        await using (await Service.StartAsync(database, cancellation))
        {
            while (await Postgres.AskAsync<bool>(database, "select exists (select 1 from results.test_changes)", cancellation))
                await Task.Delay(100, cancellation);
        }

        // As autovacuum leaves tables that are no longer new.
        await Postgres.ExecuteAsync(database, "vacuum (analyze)", cancellation);
        var events = await Postgres.AskAsync<long>(database, "select count(*) from results.mt_events where type <> 'tombstone'", cancellation);
        if (events != (long)sessions * Sessions.EventsPerSession)
            throw new InvalidOperationException($"There are {events} events, not {sessions * Sessions.EventsPerSession}.");
    }
}
