using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>
/// B1: all session documents are built anew from their events. Each contestant is a process of its own, from its start to its end. The floor and the project leave the same table
/// behind, which is compared, with the same indexes, committed.
/// </summary>
internal static class RebuildRow
{
    public const string Name = "B1";

    private const string Documents = "mt_doc_session_result_2";
    private const string Body = "d.tenant_id, d.id, d.data -> 'body'";

    // But for mt_last_modified, which the floor takes from the last event and the project from the stream.
    private const string Row = "d.tenant_id, d.id, d.data, d.mt_version, d.workspace_id, d.test_id, d.status, d.audience_id, d.start_time, d.listed_at, d.task_types";

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var sessions = options.Events / Sessions.EventsPerSession;
        var database = await postgres.CreateDatabaseAsync("b1", cancellation);
        await Fill.WithAsync(database, sessions, cancellation);
        var (expected, expectedBodies) = (await DigestAsync(database, Documents, Row, cancellation), await DigestAsync(database, Documents, Body, cancellation));

        var (floor, project, marten) = (new List<Run>(), new List<Run>(), new List<Run>());
        var rounds = options.RoundsOf();
        for (var round = 0; round < rounds; round++)
        {
            floor.Add(await Service.RunOtherAsync(RebuildFloor.Argument, Name, database, cancellation));
            await IsRightAsync("The floor", RebuildFloor.Table, Row, expected);

            project.Add(await AnewAsync("The rebuild", () => Service.RunAsync(database, ["rebuild", "session-results"], cancellation)));
            await IsRightAsync("The rebuild", Documents, Row, expected);

            // Its daemon does not hand the events' headers to the projection, so the fold keeps other times than the producers'.
            marten.Add(await AnewAsync("Marten", () => Service.RunOtherAsync(MartenRebuild.Argument, Name, database, cancellation)));
            await IsRightAsync("Marten", Documents, Body, expectedBodies);
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"B1, round {round + 1} of {rounds}: floor {floor[^1].Took.TotalSeconds:F1} s, rebuild session-results {project[^1].Took.TotalSeconds:F1} s, Marten {marten[^1].Took.TotalSeconds:F1} s"));
        }

        return [new ResultRow(Name, "rebuild of the session documents", "events/s", new Goal(AtLeast: 0.6, AtMost: null),
        [
            Of("scan + fold + COPY, by hand", floor),
            Of("rebuild session-results", project),
            Of("Marten's daemon", marten),
        ])];

        Contestant Of(string name, List<Run> runs) =>
            new(name, [.. runs.Select(run => sessions * Sessions.EventsPerSession / run.Took.TotalSeconds)], runs.Max(run => run.PeakBytes));

        // Right documents alone prove nothing: those were there before.
        async Task<Run> AnewAsync(string who, Func<Task<Run>> rebuild)
        {
            var before = await WritersAsync();
            var run = await rebuild();
            return await WritersAsync() != before ? run : throw new InvalidOperationException($"{who} has made nothing anew:\n{run.Output}");
        }

        // The transactions that wrote the rows.
        Task<string> WritersAsync() => DigestAsync(database, Documents, "d.xmin", cancellation);

        async Task IsRightAsync(string who, string table, string columns, string digest)
        {
            if (await DigestAsync(database, table, columns, cancellation) != digest)
                throw new InvalidOperationException($"{who} has made other documents than those that were there.");
        }
    }

    /// <summary>A digest of a table, in the order of its key.</summary>
    private static Task<string> DigestAsync(string database, string table, string columns, CancellationToken cancellation) => Postgres.AskAsync<string>(
        database, $"select md5(string_agg(md5(row({columns})::text), '' order by d.id)) from results.{table} d", cancellation);
}
