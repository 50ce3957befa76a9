using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Npgsql;
using ResultsEs.Summaries;

namespace ResultsEs.Benchmarks;

/// <summary>
/// E1: a page that shows a test of 100,000 sessions with 12 tasks: its summary, and those of its tasks, without a filter and with one. One request at a time. The floor is the same counts by statements by hand over the same rows,
/// which name the one workspace and know what the numbers mean: no service, no HTTP, nobody's rights, nothing of what the numbers stand for.
/// </summary>
internal static class SummaryRow
{
    public const string Name = "E1";

    private const int Sessions = 100_000;
    private const int Tasks = 12;
    public const double MostMs = 300;

    /// <summary>When the first session began, and something of the oldest test was last stored.</summary>
    public static readonly DateTime Begin = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);


    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly string[] Filters = ["", "?status=COMPLETE&demographic=C3:V27"];

    public static async Task<IReadOnlyList<ResultRow>> MeasureAsync(Postgres postgres, BenchmarkOptions options, CancellationToken cancellation)
    {
        var database = await postgres.CreateDatabaseAsync("e1", cancellation);
        await Fill.WithAsync(database, sessions: 1, cancellation);
        // The session's rows come behind the feed. What replaces them stays, because there is no further change.
        await using (await Service.StartAsync(database, cancellation))
        {
            while (await Postgres.AskAsync<long>(database, $"select count(*) from {SummaryTable.Tests}", cancellation) == 0)
                await Task.Delay(100, cancellation);
        }

        await FillAsync(database, cancellation);
        var test = await Postgres.AskAsync<Guid>(database, "select test_id from results.summary_tests where test_key = 1", cancellation);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxAutoPrepare = 50, AutoPrepareMinUsages = 1, Options = "-c jit=off -c work_mem=32MB -c enable_seqscan=off" });
        await using var project = await Service.StartAsync(database, cancellation);
        using var http = await project.ConnectAsync(1, await project.TokenAsync(cancellation), cancellation);
        var requests = Filters.SelectMany(filter => Enumerable.Range(0, Tasks + 1).Select(task => (Filter: filter, Task: task))).ToList();

        foreach (var (filter, task) in requests)
            await CheckAsync(source, http, test, filter, task, cancellation);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < WarmUp;)
        {
            foreach (var (filter, task) in requests)
                await AskAsync(http, test, filter, task, cancellation);
        }

        var (byHand, asked, slowest) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < options.RoundsOf(); round++)
        {
            byHand.Add((await TimesAsync(requests, (filter, task) => CountAsync(source, filter, task, cancellation))).Average());
            var times = await TimesAsync(requests, (filter, task) => AskAsync(http, test, filter, task, cancellation));
            asked.Add(times.Average());
            slowest.Add(times.Max());
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name}, round {round + 1}: by hand {byHand[^1]:N1} ms, a request {asked[^1]:N1} ms, the slowest {slowest[^1]:N1} ms"));
        }

        return
        [
            new ResultRow(Name, "a summary of a test of 100,000 sessions, or of one of its 12 tasks, mean", "ms", new Goal(AtLeast: null, AtMost: 2),
                [new("the same counts by hand, without HTTP", byHand), new("GET …/summary", asked, project.PeakBytes)]),
            new ResultRow($"{Name}/slowest", "the slowest of them", "ms", new Goal(AtLeast: null, AtMost: MostMs, IsRatio: false),
                [new("the same counts by hand, mean", byHand), new("GET …/summary", slowest)]),
            .. await SummaryLists.MeasureAsync(http, test, options, cancellation),
        ];
    }

    private static async Task<IReadOnlyList<double>> TimesAsync(IReadOnlyList<(string Filter, int Task)> requests, Func<string, int, Task<long>> ask)
    {
        var times = new List<double>();
        foreach (var (filter, task) in requests)
        {
            var begin = Stopwatch.GetTimestamp();
            await ask(filter, task);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        return times;
    }

    /// <summary>Both count the same sessions.</summary>
    private static async Task CheckAsync(NpgsqlDataSource source, HttpClient http, Guid test, string filter, int task, CancellationToken cancellation)
    {
        var (expected, found) = (await CountAsync(source, filter, task, cancellation), await AskAsync(http, test, filter, task, cancellation));
        if (expected != found || expected == 0)
            throw new InvalidOperationException($"Of task {task} with {filter} the statement counts {expected} answers, and the service {found}.");
    }

    /// <summary>The sessions of the test (task 0), or the answers to a task.</summary>
    private static async Task<long> AskAsync(HttpClient http, Guid test, string filter, int task, CancellationToken cancellation)
    {
        var path = task == 0 ? $"summary{filter}" : $"tasks/{TaskOf(task)}/summary{filter}";
        using var answer = await http.GetAsync(new Uri($"/api/v3/testResults/{test}/{path}", UriKind.Relative), cancellation);
        if (answer.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"The summary has answered {answer.StatusCode}.");

        using var json = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
        return task == 0 ? json.RootElement.GetProperty("sessions").GetProperty("total").GetInt64() : json.RootElement.GetProperty("answered").GetInt64();
    }

    private static async Task<long> CountAsync(NpgsqlDataSource source, string filter, int task, CancellationToken cancellation)
    {
        var ofSessions = filter.Length == 0 ? "s.test_key = 1" : "s.test_key = 1 and s.status = 1 and s.traits && '{50027}'";
        var ofRows = filter.Length == 0 ? "r.test_key = 1" : $"r.test_key = 1 and r.document_id in (select s.document_id from {SummaryTable.Sessions} s where {ofSessions})";
        string[] statements = task == 0
            ?
            [
                $"select count(*), date_bin('1 hour', s.start_time, 'epoch'), s.status from {SummaryTable.Sessions} s where {ofSessions} group by 2, 3",
                $"select count(*), s.tasks from {SummaryTable.Sessions} s where {ofSessions} group by 2",
                $"select count(*), r.group_id, sum(score), sum(behavioral), sum(attitudinal), sum(usability), sum(trust), sum(appearance), sum(loyalty), sum(behavioral_values[1]), sum(behavioral_values[2]) from {SummaryTable.Scores} r where {ofRows} group by 2",
            ]
            :
            [
                $"select count(*), r.items from {SummaryTable.Tasks} r where {ofRows} and r.task_id = '{TaskOf(task)}' and r.items[1] > 0 group by 2",
                $"select count(*), min(duration_ms), max(duration_ms), percentile_disc(array[0.25, 0.5, 0.75, 0.95]) within group (order by duration_ms), avg(duration_ms) from {SummaryTable.Tasks} r where {ofRows} and r.task_id = '{TaskOf(task)}' and duration_ms is not null",
                $"select count(*) from {SummaryTable.Sessions} s where {ofSessions}",
            ];
        var first = 0L;
        foreach (var (statement, at) in statements.Select((statement, at) => (statement, at)))
        {
            await using var command = source.CreateCommand(statement);
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                first += at == 0 ? reader.GetInt64(0) : 0;
        }

        return first;
    }

    private static string TaskOf(int task) => string.Create(CultureInfo.InvariantCulture, $"00000000-0000-4000-8000-{task:D12}");

    /// <summary>
    /// Puts 100,000 sessions of three months in the place of the one session's rows, and 3,000 other tests beside theirs. Of each session 8 demographic answers of 64, 12 tasks of which some are skipped, and the scores of two groups. The tasks are of the types whose numbers differ in cost: a value of
    /// eleven, three of six options, five rows of a matrix, five ranks, paths of which 4,000 differ.
    /// </summary>
    private static async Task FillAsync(string database, CancellationToken cancellation)
    {
        await Postgres.ExecuteAsync(database, $"""
            select setseed(0.5);
            delete from {SummaryTable.Sessions}; delete from {SummaryTable.Tasks}; delete from {SummaryTable.Scores}; delete from {SummaryTable.Items};
            update {SummaryTable.Tests} set test_key = 1, next_item = 100000;
            insert into {SummaryTable.Tests} (test_key, tenant_id, workspace_id, test_id, next_item, last_stored_at)
            select 1000 + n, t.tenant_id, t.workspace_id, gen_random_uuid(), 1, timestamptz '2026-01-01Z' + n * interval '1 minute' from {SummaryTable.Tests} t, generate_series(0, 2999) n;
            insert into results.test_totals (tenant_id, workspace_id, test_id, in_progress, complete, abandoned, qx)
            select t.tenant_id, t.workspace_id, t.test_id, 1, 2, 3, jsonb_build_object() from {SummaryTable.Tests} t where t.test_key >= 1000;
            insert into results.mt_doc_test_definition (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type, workspace_id, ordered_at, title, product_type)
            select t.tenant_id, t.test_id, jsonb_build_object(), now(), 1, 'x', t.workspace_id, t.last_stored_at, 'Test ' || t.test_key % 30 || ' of the checkout', 'Survey' from {SummaryTable.Tests} t where t.test_key >= 1000;
            create temp table n as select n, gen_random_uuid() as id, timestamptz '2026-01-01Z' + n * interval '78 seconds' as at, (case when random() < 0.8 then 1 when random() < 0.5 then 0 else 2 end)::smallint as status
              from generate_series(1, {Sessions}) n;
            insert into {SummaryTable.Items}
            select 1, t, ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, gen_random_uuid(), 1, {Sessions}, jsonb_build_object('text', 'Task ' || t, 'position', t - 1, 'type', (array['NPS', 'MULTIPLE_CHOICE', 'MATRIX', 'RANK_ORDER', 'URL', 'WRITTEN'])[(t - 1) % 6 + 1])
            from generate_series(1, {Tasks}) t;
            insert into {SummaryTable.Items}
            select 1, 1000 * t + k, ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, gen_random_uuid(),
              case (t - 1) % 6 when 0 then 5 when 1 then 2 when 2 then 8 when 3 then 9 when 4 then case when k < 3 then 10 else 11 end end,
              1, case (t - 1) % 6 when 0 then jsonb_build_object('value', k) when 1 then jsonb_build_object('id', 'o' || k, 'text', 'Option ' || k)
                when 2 then jsonb_build_object('rowId', 'r' || k / 5, 'rowLabel', 'Row', 'id', 'c' || k % 5, 'label', 'Column', 'value', k % 5)
                when 3 then jsonb_build_object('id', 'o' || k / 5, 'text', 'Option', 'position', k % 5 + 1)
                else case when k < 3 then jsonb_build_object('outcome', (array['SUCCESS', 'FAILURE', 'UNKNOWN'])[k + 1]) else jsonb_build_object('path', jsonb_build_array('https://shop.example/' || k)) end end
            from generate_series(1, {Tasks}) t, generate_series(0, 999) k
            where (t - 1) % 6 < 5 and k < (array[11, 6, 25, 25, 1000])[(t - 1) % 6 + 1];
            insert into {SummaryTable.Items}
            select 1, 50000 + k, '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 17, {Sessions} / 8, jsonb_build_object('code', 'C' || k / 8, 'label', 'Question', 'text', 'V' || k) from generate_series(0, 63) k;
            insert into {SummaryTable.Items}
            select 1, 20000 + g, ('00000000-0000-4000-9000-' || lpad(g::text, 12, '0'))::uuid, gen_random_uuid(), 18, {Sessions}, jsonb_build_object('label', 'Group ' || g) from generate_series(1, 2) g;
            create temp table answered as select n.n, t, case when random() < 0.05 then -t else t end as head from n, generate_series(1, {Tasks}) t;
            insert into {SummaryTable.Sessions} (test_key, start_time, document_id, tenant_id, session_id, status, traits, tasks, labels)
            select 1, n.at, n.id, t.tenant_id, n.id, n.status, array(select 50000 + 8 * k + floor(8 * random())::int from generate_series(0, 7) k where n.n > 0), a.heads, array[20001, 20002]
            from n join (select a.n, array_agg(a.head order by a.t) as heads from answered a group by a.n) a on a.n = n.n, {SummaryTable.Tests} t where t.test_key = 1;
            insert into {SummaryTable.Tasks} (test_key, task_id, start_time, document_id, duration_ms, items)
            select 1, ('00000000-0000-4000-8000-' || lpad(a.t::text, 12, '0'))::uuid, n.at, n.id, case when a.head > 0 then (60000 * random())::bigint end, case when a.head < 0 then array[a.head] else array[a.head] || case (a.t - 1) % 6
              when 0 then array[1000 * a.t + floor(11 * random())::int]
              when 1 then array(select case when random() < 0.5 then 1 else -1 end * (1000 * a.t + k) from generate_series(0, 5) k where n.n > 0)
              when 2 then array(select 1000 * a.t + 5 * k + floor(5 * random())::int from generate_series(0, 4) k where n.n > 0)
              when 3 then array(select 1000 * a.t + 5 * k + (k + n.n) % 5 from generate_series(0, 4) k)
              when 4 then array[1000 * a.t + floor(3 * random())::int, 1000 * a.t + 3 + floor(997 * random())::int]
              else '{"{}"}'::int[] end end
            from n join answered a on a.n = n.n;
            insert into {SummaryTable.Scores}
            select 1, ('00000000-0000-4000-9000-' || lpad(g::text, 12, '0'))::uuid, n.at, n.id, 20000 + g, (1e8 * random())::int, (1e8 * random())::int, (1e8 * random())::int, (1e8 * random())::int, (1e8 * random())::int, (1e8 * random())::int, (1e8 * random())::int, array[50000000, 60000000]
            from n, generate_series(1, 2) g where n.status = 1;
            """, cancellation);
        await Postgres.ExecuteAsync(database, "vacuum (analyze)", cancellation);
    }
}
