using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using ResultsEs.Exports;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>
/// X2: the answers of a test are exported as CSV and as Parquet, by one client. The floor is a COPY of the same rows as CSV, which PostgreSQL takes out of the same documents, read by this program without anybody in between.
/// </summary>
internal static class TableExportRow
{
    public const string Name = "X2";

    // The runtime compiles what is hot for good while it is at work.
    private const int WarmUps = 3;
    private const int BufferBytes = 128 * 1024;

    private static readonly string Copy =
        $"""
        copy (
          select coalesce(d.stream_id, d.id), d.workspace_id, d.test_id, t.task ->> 'uuid', (f.task -> 'position')::bigint, f.task ->> 'type', t.task ->> 'text',
            (t.task #> '{"{response,skipped}"}')::boolean, f.task ->> 'reason', (t.task #> '{"{response,startTimeMs}"}')::bigint, (t.task #> '{"{response,endTimeMs}"}')::bigint,
            {string.Join(", ", AnswerRows.Typed.Select(Member))},
            (select jsonb_agg(o -> 'id') from jsonb_array_elements(t.task #> '{"{response,answer,multipleChoice,options}"}') o where (o -> 'selected')::boolean),
            (select jsonb_agg(o -> 'text') from jsonb_array_elements(t.task #> '{"{response,answer,multipleChoice,options}"}') o where (o -> 'selected')::boolean),
            (select a.value from jsonb_each(case when jsonb_typeof(t.task #> '{"{response,answer}"}') = 'object' then t.task #> '{"{response,answer}"}' end) a)
          from {SessionResultTable.Name} d
          cross join lateral jsonb_array_elements(d.data #> '{"{body,tasks}"}') t(task)
          cross join lateral (select f.task from jsonb_array_elements(d.data #> '{"{fold,tasks}"}') f(task) where f.task ->> 'id' = t.task ->> 'uuid') f
          where d.tenant_id = '{Service.Account}' and d.workspace_id = '{Service.Workspace}' and d.test_id = '{Sessions.TestId(0)}'
        ) to stdout (format csv)
        """;

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var sessions = options.Events / Sessions.EventsPerSession;
        var database = await postgres.CreateDatabaseAsync("x2", cancellation);
        await Fill.WithAsync(database, Enumerable.Range(0, sessions).SelectMany(session => Sessions.LinesOf(session, test: 0)), cancellation);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { ReadBufferSize = BufferBytes, CommandTimeout = 0 });
        await using var project = await Service.StartAsync(database, cancellation);
        using var http = await project.ConnectAsync(1, await project.TokenAsync(cancellation), cancellation);

        var rows = await RowsAsync(source, cancellation);
        var (copied, csv, parquet) = (new List<double>(), new List<double>(), new List<double>());
        var rounds = options.RoundsOf();
        for (var round = -WarmUps; round < rounds; round++)
        {
            var ofFloor = await RateAsync(rows, () => CopyAsync(source, cancellation));
            var ofCsv = await RateAsync(rows, () => ExportAsync(http, "csv", cancellation));
            var ofParquet = await RateAsync(rows, () => ExportAsync(http, "parquet", cancellation));
            if (round < 0)
                continue;

            copied.Add(ofFloor);
            csv.Add(ofCsv);
            parquet.Add(ofParquet);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round + 1} of {rounds}: COPY {ofFloor:N0}/s, CSV {ofCsv:N0}/s, Parquet {ofParquet:N0}/s"));
        }

        var goal = new Goal(AtLeast: 0.5, AtMost: null);
        return
        [
            new ResultRow(Name, "export a test's answers over HTTP, CSV", "rows/s", goal, [new("COPY of the same rows as CSV, without HTTP", copied), new("GET …/export?format=csv", csv, project.PeakBytes)]),
            new ResultRow(Name, "export a test's answers over HTTP, Parquet", "rows/s", goal, [new("COPY of the same rows as CSV, without HTTP", copied), new("GET …/export?format=parquet", parquet, project.PeakBytes)]),
        ];
    }

    private static string Member(AnswerColumn column)
    {
        var texts = column.Keys.Select(key => $"t.task #>> '{{response,answer,{key},{column.Member}}}'");
        return $"coalesce({string.Join(", ", texts)}, null)";
    }

    /// <summary>How many rows a second.</summary>
    private static async Task<double> RateAsync(long rows, Func<Task<long>> export)
    {
        var watch = Stopwatch.StartNew();
        var bytes = await export();
        return bytes > 0 ? rows / watch.Elapsed.TotalSeconds : throw new InvalidOperationException("Nothing has come.");
    }

    /// <summary>The rows, of which both must have as many.</summary>
    private static async Task<long> RowsAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand($"select sum(jsonb_array_length(d.data #> '{{body,tasks}}')) from {SessionResultTable.Name} d");
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<long> CopyAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        using var copy = await connection.BeginTextExportAsync(Copy, cancellation);
        var (buffer, sum) = (new char[BufferBytes], 0L);
        while (await copy.ReadAsync(buffer.AsMemory(), cancellation) is > 0 and var count)
            sum += count;
        return sum;
    }

    private static async Task<long> ExportAsync(HttpClient http, string format, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(new Uri($"/api/v3/testResults/{Sessions.TestId(0)}/export?table=answers&format={format}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"The export has answered {answer.StatusCode}.");

        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        var (buffer, sum) = (new byte[BufferBytes], 0L);
        while (await body.ReadAsync(buffer, cancellation) is > 0 and var count)
            sum += count;
        return sum;
    }
}
