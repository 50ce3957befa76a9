using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>
/// B1: all session documents are built anew from their events. Each contestant is a process of its own, from its start to its end. The floor and the project leave the same table
/// behind, which is compared, with the same indexes, committed.
/// </summary>
internal static class RebuildRow
{
    public const string Name = "B1";

    private const string Documents = "mt_doc_session_result";

    public static async Task<ResultRow> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var sessions = options.Events / Sessions.EventsPerSession;
        var database = await postgres.CreateDatabaseAsync("b1", cancellation);
        await FillAsync(database, sessions, cancellation);
        var expected = await ContentAsync(database, Documents, cancellation);

        var (floor, project, marten) = (new List<Run>(), new List<Run>(), new List<Run>());
        for (var round = 0; round < options.Rounds; round++)
        {
            floor.Add(await Service.RunFloorAsync(Name, database, cancellation));
            await IsRightAsync("The floor", RebuildFloor.Table);
            project.Add(await Service.RunAsync(database, ["rebuild", "session-results"], cancellation));
            await IsRightAsync("The rebuild", Documents);
            marten.Add(await Service.RunAsync(database, ["projections", "rebuild", "--projection", "ResultsEs.SessionResults.SessionResultProjection", "--shard-timeout", "30m"], cancellation));
            await IsRightAsync("Marten", Documents);
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"B1, round {round + 1} of {options.Rounds}: floor {floor[^1].Took.TotalSeconds:F1} s, rebuild session-results {project[^1].Took.TotalSeconds:F1} s, Marten {marten[^1].Took.TotalSeconds:F1} s"));
        }

        return new ResultRow(Name, "events", 0.6,
        [
            Of("scan + fold + COPY, by hand", floor),
            Of("rebuild session-results", project),
            Of("Marten: projections rebuild", marten),
        ]);

        Contestant Of(string name, List<Run> runs) =>
            new(name, [.. runs.Select(run => sessions * Sessions.EventsPerSession / run.Took.TotalSeconds)], runs.Max(run => run.PeakBytes));

        async Task IsRightAsync(string who, string table)
        {
            if (await ContentAsync(database, table, cancellation) != expected)
                throw new InvalidOperationException($"{who} has made other documents than those that were there.");
        }
    }

    private static async Task FillAsync(string database, int sessions, CancellationToken cancellation)
    {
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

        // As autovacuum leaves tables that are no longer new.
        await Postgres.ExecuteAsync(database, "vacuum (analyze) results.mt_events, results.mt_streams", cancellation);
        var events = await Postgres.AskAsync<long>(database, "select count(*) from results.mt_events where type <> 'tombstone'", cancellation);
        if (events != (long)sessions * Sessions.EventsPerSession)
            throw new InvalidOperationException($"There are {events} events, not {sessions * Sessions.EventsPerSession}.");
    }

    /// <summary>A digest of the table, in the order of its key; without <c>mt_last_modified</c>, which Marten sets to the time of its rebuild.</summary>
    private static Task<string> ContentAsync(string database, string table, CancellationToken cancellation) => Postgres.AskAsync<string>(
        database,
        $"""
        select md5(string_agg(md5(row(d.tenant_id, d.id, d.data, d.mt_version, d.workspace_id, d.test_id, d.status, d.audience_id, d.start_time, d.listed_at, d.task_types)::text), '' order by d.id))
        from results.{table} d
        """,
        cancellation);
}
