using System.Diagnostics;
using System.Text;

namespace ResultsEs.Benchmarks;

/// <summary>Stores sessions before something is measured on them.</summary>
internal static class Fill
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Stores the first so many of <see cref="Sessions"/>, and leaves the tables as a service leaves them that has stood for a while.</summary>
    public static Task WithAsync(string database, int sessions, CancellationToken cancellation) =>
        WithAsync(database, Enumerable.Range(0, sessions).SelectMany(Sessions.Lines), cancellation);

    /// <summary>Stores these CloudEvents in a database that has none, and leaves the tables as a service leaves them that has stood for a while.</summary>
    public static async Task WithAsync(string database, IEnumerable<string> lines, CancellationToken cancellation)
    {
        var (file, expected) = (Path.GetTempFileName(), 0L);
        try
        {
            await using (var writer = new StreamWriter(file, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 20))
            {
                foreach (var line in lines)
                {
                    await writer.WriteLineAsync(line.AsMemory(), cancellation);
                    expected++;
                }
            }

            // A service that starts on an empty database notes that its documents are complete; one that finds sessions and no such note refuses to start. It also counts totals.
            await using (await Service.StartAsync(database, cancellation))
            {
                await Service.RunAsync(database, ["import", file, "--client", Service.Client], cancellation);
                await CountedAsync(database, cancellation);
            }
        }
        finally
        {
            File.Delete(file);
        }

        // As autovacuum leaves tables that are no longer new.
        await Postgres.ExecuteAsync(database, "vacuum (analyze)", cancellation);
        var events = await Postgres.AskAsync<long>(database, "select count(*) from results.mt_events where type <> 'tombstone'", cancellation);
        if (events != expected)
            throw new InvalidOperationException($"There are {events} events, not {expected}.");
    }

    /// <summary>Returns when the service that runs on the database has counted all sessions in their tests' totals, which it does after its answers: who is measured next shall be alone.</summary>
    public static async Task CountedAsync(string database, CancellationToken cancellation)
    {
        var (least, watch) = (long.MaxValue, Stopwatch.StartNew());
        while (await Postgres.AskAsync<long>(database, "select count(*) from results.test_changes", cancellation) is > 0 and var waiting)
        {
            if (waiting < least)
                (least, watch) = (waiting, Stopwatch.StartNew());
            if (watch.Elapsed > Patience)
                throw new InvalidOperationException("The service does not count what it has stored.");
            await Task.Delay(50, cancellation);
        }
    }
}
