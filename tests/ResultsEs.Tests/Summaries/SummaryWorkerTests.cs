using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Summaries;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Summaries;

/// <summary>The worker that keeps the summaries, and what it bounds.</summary>
public sealed class SummaryWorkerTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private readonly Guid _test = Guid.NewGuid();

    private NpgsqlDataSource Database => own.Host.Services.GetRequiredService<NpgsqlDataSource>();

    private SummaryWorker Worker => own.Host.Services.GetRequiredService<SummaryWorker>();

    [Fact]
    public async Task A_rebuild_counts_the_same_again_and_what_is_damaged_is_found_and_repaired()
    {
        var random = new Random(5);
        var sessions = Enumerable.Range(0, 12).Select(_ => AnyAnswers.Session(random, _test)).ToList();
        foreach (var session in sessions)
            await own.Http.RecordAsync(session);
        await CompleteAsync();
        var before = await AllAsync();
        Assert.Empty(await DifferingAsync());

        await ExecuteAsync($"update results.summary_tasks set items = items || 1 where document_id = '{sessions[3].Id}'; delete from results.summary_scores where document_id = '{sessions[4].Id}'; delete from results.summary_sessions where document_id = '{sessions[5].Id}'");
        var differing = await DifferingAsync();
        Assert.Contains(sessions[5].Id, differing);
        Assert.Empty(differing.Except([sessions[3].Id, sessions[4].Id, sessions[5].Id]));

        await Worker.RebuildAsync(Cancelled);
        await CompleteAsync();
        Assert.Equal(before, await AllAsync());
        Assert.Empty(await DifferingAsync());
        Assert.InRange(Worker.LagSeconds, 0, 60);

        await ExecuteAsync($"update results.summary_tasks set duration_ms = duration_ms + 1, words = 'x' where document_id = '{sessions[3].Id}'");
        Assert.Equal([sessions[3].Id], await DifferingAsync());
        await Worker.RetryAsync(new StreamKey(TestClients.AccountOne.ToString(), sessions[3].Id), Cancelled);
        Assert.Equal(before, await AllAsync());

        async Task<IReadOnlyList<Guid>> DifferingAsync() => await own.Host.Services.GetRequiredService<SummaryVerification>()
            .DifferingAsync(TestClients.AccountOne.ToString(), [.. sessions.Select(session => session.Id)], Cancelled);
    }

    [Fact]
    public async Task A_session_that_cannot_be_counted_is_set_aside_and_the_others_go_on()
    {
        var task = Guid.NewGuid();
        var broken = TestData.Session(test: _test).WithAnswer(Answers.Nps(9), task);
        await own.Http.RecordAsync(broken);
        await CompleteAsync();
        var data = await AskAsync($"select data::text from {SessionResultTable.Name} where id = '{broken.Id}'");
        await ExecuteAsync($"update {SessionResultTable.Name} set data = '{{}}' where id = '{broken.Id}'");
        // As if it had changed.
        await ExecuteAsync("delete from results.summary_progress");
        await own.Http.RecordAsync(TestData.Session(test: _test).WithAnswer(Answers.Nps(8), task));
        await CompleteAsync();

        var setAside = Assert.Single(await SetAside.ListAsync(Database, SummaryWorker.WorkerName, Cancelled));
        Assert.Equal(broken.Id, setAside.Stream.Id);
        Assert.Equal(2, (int)(await TaskAsync(task))["answered"]!);

        await ExecuteAsync($"update {SessionResultTable.Name} set data = '{data.Replace("'", "''", StringComparison.Ordinal)}' where id = '{broken.Id}'");
        await own.Host.Services.GetServices<SetAsideWorker>().Single(worker => worker.Name == SummaryWorker.WorkerName).RetryAsync(setAside.Stream, Cancelled);
        Assert.Empty(await SetAside.ListAsync(Database, SummaryWorker.WorkerName, Cancelled));
    }

    [Fact]
    public async Task A_worker_that_loses_its_connection_in_the_middle_goes_on_where_it_was()
    {
        var task = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 3).Select(_ => TestData.Session(test: _test).WithAnswer(Answers.Nps(10), task)).ToList();
        await using (var holder = await Database.OpenConnectionAsync(Cancelled))
        await using (var holding = await holder.BeginTransactionAsync(Cancelled))
        {
            await SummaryTable.Locks.TakeAsync(holder, TestClients.AccountOne.ToString(), [.. sessions.Select(session => session.Id)], Cancelled);
            foreach (var session in sessions)
                await own.Http.RecordAsync(session);
            await Wait.UntilAsync(async () => await AskAsync(
                "select coalesce(bool_or(pg_terminate_backend(pid)), false)::text from pg_stat_activity where wait_event = 'advisory' and query like '%pg_advisory_xact_lock(1398101325%'") == "true");
        }

        await CompleteAsync();
        Assert.Equal(3, (int)(await TaskAsync(task))["answers"]!["nps"]!["promoters"]!);
    }

    [Fact]
    public async Task What_a_task_has_beyond_its_items_counts_as_others_or_not_at_all()
    {
        var (url, choice, ranking) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var many = new JsonArray([.. Enumerable.Range(1, 500).Select(n => new JsonObject { ["id"] = $"o{n}", ["text"] = $"Option {n}", ["selected"] = n == 500 })]);
        await own.Http.RecordAsync(TestData.Session(test: _test).WithAnswer(Answers.Url(), url).WithAnswer(Answers.Choice("a"), choice).But("data.answer.options", many.ToJsonString()));
        await CompleteAsync();
        var options = (await TaskAsync(choice))["answers"]!["multipleChoice"]!["options"]!.AsArray();
        Assert.Equal((398, 1), (options.Count, options.Sum(option => (int)option!["count"]!)));
        Assert.Equal(1, (int)options.Single(option => (string)option!["id"]! == "o500")!["count"]!);

        foreach (var (task, first) in new[] { (url, 1_000_000), (choice, 1_100_000) })
            await ExecuteAsync(
                $"""
                insert into results.summary_items (test_key, item, part_id, digest, kind, uses, data)
                select t.test_key, {first} + n, '{task}', gen_random_uuid(), 12, 1, jsonb_build_object('n', n)
                from results.summary_tests t, generate_series(1, {ItemUses.MaxItems}) n where t.test_id = '{_test}'
                on conflict do nothing;
                update results.summary_tests set next_item = 2000000 where test_id = '{_test}'
                """);
        var longest = string.Join(',', Enumerable.Range(0, 20).Select(n => $$"""{ "url": "https://shop.example/{{new string('x', 300)}}", "atMs": {{n}} }"""));
        await own.Http.RecordAsync(TestData.Session(test: _test).WithAnswer(Answers.Url(), url).But("data.answer.visits", """[{ "url": "https://shop.example/other", "atMs": 1 }]""")
            .WithAnswer(Answers.Choice("b"), choice));
        await own.Http.RecordAsync(TestData.Session(test: _test).WithAnswer(Answers.Url(), url).But("data.answer.visits", $"[{longest}]"));
        await CompleteAsync();

        var paths = (await TaskAsync(url))["answers"]!["url"]!;
        Assert.Equal((1, 2), ((int)Assert.Single(paths["paths"]!.AsArray())!["count"]!, (int)paths["otherPaths"]!));
        var chosen = await TaskAsync(choice);
        Assert.Equal((2, 1), ((int)chosen["answered"]!, chosen["answers"]!["multipleChoice"]!["options"]!.AsArray().Sum(option => (int)option!["count"]!)));
        await ExecuteAsync("delete from results.summary_items where item between 1000000 and 1999999");
    }

    [Fact]
    public async Task What_retention_removes_is_counted_no_longer()
    {
        var task = Guid.NewGuid();
        var session = TestData.Session(test: _test).Profiled().WithAnswer(Answers.Url(), task);
        await own.Http.RecordAsync(session);
        await own.Http.RecordAsync(TestData.Session(test: _test));
        await CompleteAsync();

        Assert.True(await own.Host.Services.GetRequiredService<StreamRemoval>().RemoveAsync(
            SessionResultTable.Documents, new StreamKey(TestClients.AccountOne.ToString(), session.Id), DateTime.UtcNow.AddDays(1), Guid.NewGuid(), Cancelled));

        Assert.Equal("0 0", await AskAsync(
            $"""
            select (select count(*) from results.summary_tasks t where t.document_id = '{session.Id}') || ' ' || (
              select count(*) from results.summary_items i where i.part_id = '{task}' or i.data ->> 'code' = 'AGE' and i.test_key in (
                select t.test_key from results.summary_tests t where t.test_id = '{_test}'))
            """));
        Assert.Equal(1, (int)(await own.Http.JsonAsync($"/api/v3/testResults/{_test}/summary"))["sessions"]!["total"]!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_counted_is_read_from_indexes_alone(bool isFiltered)
    {
        var task = Guid.NewGuid();
        await own.Http.RecordAsync(TestData.Session(test: _test).Profiled().WithAnswer(Answers.Nps(9), task).Completed());
        await CompleteAsync();
        foreach (var table in new[] { "tasks", "sessions", "items" })
            await ExecuteAsync($"vacuum (analyze) results.summary_{table}");
        await using var connection = await Database.OpenConnectionAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        // As the service asks.
        await connection.ExecuteAsync("set local enable_seqscan = off", [], Cancelled);
        var key = await new NpgsqlCommand($"select test_key from results.summary_tests where test_id = '{_test}'", connection).ReadValueAsync<long>([], Cancelled);
        var filter = isFiltered ? new SummaryFilter { Statuses = [SessionStatus.Complete], Demographics = [("AGE", "34")] } : new SummaryFilter();
        var condition = await SummaryCondition.OfAsync(connection, filter, [key], Cancelled);
        foreach (var build in new Action<NpgsqlCommand>[] { command => TaskNumbers.BuildItems(command, condition, task), command => TaskNumbers.BuildDurations(command, condition, task) })
        {
            await using var command = new NpgsqlCommand(null, connection);
            build(command);
            command.CommandText = $"explain {command.CommandText}";
            var plan = string.Join('\n', await command.ReadAllAsync(reader => reader.GetString(0), Cancelled));
            Assert.Contains("Index Only Scan using ux_summary_tasks", plan, StringComparison.Ordinal);
            Assert.Equal(isFiltered, plan.Contains("ux_summary_sessions", StringComparison.Ordinal));
            Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
        }
    }

    private Task<JsonObject> TaskAsync(Guid task) => own.Http.JsonAsync($"/api/v3/testResults/{_test}/tasks/{task}/summary");

    /// <summary>All numbers of the test, as they are shown.</summary>
    private async Task<string> AllAsync()
    {
        var test = await own.Http.JsonAsync($"/api/v3/testResults/{_test}/summary");
        test.Remove("asOf");
        var tasks = new List<string>();
        foreach (var type in AnyAnswers.Types)
            tasks.Add((await TaskAsync(AnyAnswers.TaskOf(type)))["answered"]!.ToJsonString() + (await TaskAsync(AnyAnswers.TaskOf(type)))["durationMs"]?.ToJsonString());
        return test.ToJsonString() + string.Join(' ', tasks);
    }

    private async Task CompleteAsync()
    {
        if ((await AskAsync($"select count(*)::text from {SessionResultTable.Name} where test_id = '{_test}'")) == "0")
            await own.Http.RecordAsync(TestData.Session(test: _test));
        var now = await AskAsync("select clock_timestamp()::text");
        await Wait.UntilAsync(async () => (DateTimeOffset)(await own.Http.JsonAsync($"/api/v3/testResults/{_test}/summary"))["asOf"]! >= DateTimeOffset.Parse(now, CultureInfo.InvariantCulture));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private async Task<string> AskAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync(Cancelled))!;
    }
}
