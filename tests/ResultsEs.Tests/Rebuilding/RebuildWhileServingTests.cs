using System.Globalization;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Privacy;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.Faults;
using ResultsEs.Tests.Privacy;

namespace ResultsEs.Tests.Rebuilding;

/// <summary><c>-- rebuild session-results</c> while clients write and read.</summary>
public sealed class RebuildWhileServingTests : IAsyncLifetime
{
    private const int PerSession = 6;

    private readonly TempFolder _data = new();
    private string _database = "";
    private NpgsqlDataSource _sql = null!;
    private IAlbaHost _host = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private (string Name, string Value)[] Environment =>
        [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", _database), (DataFolder.Variable, _data.Path)];

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _sql = NpgsqlDataSource.Create(_database);
        _host = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, _database)]);
        _http = await AppFixture.ClientAsync(_host);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
        await _sql.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task Ten_thousand_sessions_are_rebuilt_and_no_reader_or_writer_notices_though_the_rebuild_is_killed()
    {
        const int Sessions = 10_000;
        await ImportAsync(Sessions);
        var ledger = new Ledger(TimeSpan.FromMilliseconds(10));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var reads = 0;
        var work = new List<Task> { ledger.WriteAsync(writers: 3, () => _http, stop.Token) };
        await Wait.UntilAsync(() => ledger.Sessions.All(session => ledger.Tasks(session).Count > 3));

        // What a defect may have left: documents of the file that lack all but the start, and one that is being written that lacks a task.
        var broken = SessionOfFile(7);
        var lacking = ledger.Sessions[0];
        var lost = ledger.Tasks(lacking)[0];
        await SummarizedAsync(broken);
        await BreakAsync(broken, lacking, lost);
        Assert.DoesNotContain(lost, Tasks(await _http.ResultAsync(lacking)));
        for (var reader = 0; reader < 2; reader++)
            work.Add(ReadUntilAsync(stop.Token));

        // Killed while it folds, while it indexes, and while it folds again from where it was.
        await KillWhenAsync("select count(*) > 1 from results.rebuild_parts");
        var done = await AskAsync<long>("select count(*) from results.rebuild_parts");
        await KillWhenAsync($"select count(*) > {done} + 2 from results.rebuild_parts");
        await KillWhenAsync("select to_regclass('results.pkey_mt_doc_session_result_2_tenant_id_id_building') is not null");
        var before = reads;
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);
        await Wait.UntilAsync(() => reads > before + 20);
        await stop.CancelAsync();
        await Task.WhenAll(work);

        Assert.True(exitCode == 0, output + errors);
        Assert.Contains("Going on with the rebuild that began", output, StringComparison.Ordinal);
        Assert.Contains("the switch took", output, StringComparison.Ordinal);
        Assert.Equal(0, ledger.Failures);
        await ledger.VerifyAsync(_database, _http, others: Sessions * PerSession);
        Assert.Contains(lost, Tasks(await _http.ResultAsync(lacking)));
        Assert.Equal(PerSession - 2, Tasks(await _http.ResultAsync(broken)).Count);
        var verified = await ServiceProcess.RunAsync(["verify", "all"], Environment);
        Assert.True(verified.ExitCode == 0, verified.Output);
        Assert.Contains($"{Sessions + ledger.Sessions.Count} verified, 0 differ", verified.Output, StringComparison.Ordinal);

        // Nothing of it is left.
        Assert.Equal(
            ["mt_doc_session_result_2"],
            await AskAsync<string[]>("select array_agg(c.relname::text) from pg_class c where c.relname like 'mt\\_doc\\_session\\_result%' and c.relkind = 'r'"));
        Assert.Equal(0, await AskAsync<long>("select (select count(*) from results.rebuilds) + (select count(*) from results.rebuild_parts) + (select count(*) from results.test_changes_rebuilt)"));

        async Task ReadUntilAsync(CancellationToken until)
        {
            for (var n = 0; !until.IsCancellationRequested; n++)
            {
                var session = ledger.Sessions[n % ledger.Sessions.Count];
                var acknowledged = ledger.Tasks(session).Where(task => task != lost).ToList();
                Assert.Empty(acknowledged.Except(Tasks(await _http.ResultAsync(session))));

                var other = SessionOfFile(n * 37 % Sessions);
                if (other != broken)
                    Assert.Equal(PerSession - 2, Tasks(await _http.ResultAsync(other)).Count);

                var list = await _http.JsonAsync($"/api/v2/sessionResults?testId={TestClients.WorkspaceB}&limit=5&offset={n * 31 % 5_000}");
                Assert.Equal((Sessions, 5), ((int)list["meta"]!["pagination"]!["totalCount"]!, list["sessions"]!.AsArray().Count));
                Interlocked.Increment(ref reads);
                await Task.Delay(10, Cancelled);
            }
        }
    }

    [Fact]
    public async Task What_counts_otherwise_by_the_new_documents_is_counted_again()
    {
        var (test, group) = (Guid.NewGuid(), Guid.NewGuid());
        var sessions = new[] { 20, 40, 60 }.Select(score => TestData.Interaction(test: test).WithScore(group, score).Completed()).ToList();
        foreach (var session in sessions)
            await _http.RecordAsync(session);
        await Wait.UntilAsync(async () => await CompleteAsync() == 3);
        var right = await TotalsAsync();

        // What a defect may have left: documents that are wrong, of which one is counted as it is, one is not counted again yet, and one was not named.
        await ExecuteAsync("update results.mt_doc_session_result_2 set status = 'InProgress', data = data #- '{fold,taskGroups,0,qx}'");
        await NameAsync(sessions[0].Id);
        await Wait.UntilAsync(async () => await CompleteAsync() == 2);
        Task<(int ExitCode, string Output, string Errors)> rebuild;
        await using (await HoldSwitchAsync())
        {
            await using (var counting = await _sql.OpenConnectionAsync(Cancelled))
            {
                await using var hold = new NpgsqlCommand("select pg_advisory_lock(hashtextextended('results.test_totals', 0))", counting);
                await hold.ExecuteNonQueryAsync(Cancelled);
                await NameAsync(sessions[1].Id);
                rebuild = ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);
                await Wait.UntilAsync(() => AskAsync<bool>("select exists (select 1 from results.rebuild_parts)"));
                await using var release = new NpgsqlCommand("select pg_advisory_unlock_all()", counting);
                await release.ExecuteNonQueryAsync(Cancelled);
            }

            await Wait.UntilAsync(async () => await CompleteAsync() == 1);
        }

        var (exitCode, output, errors) = await rebuild;
        Assert.True(exitCode == 0, output + errors);
        Assert.Equal(right, await TotalsAsync());
        Assert.Equal(0, await AskAsync<long>("select count(*) from results.test_changes_rebuilt"));

        Task NameAsync(Guid session) => ExecuteAsync($"insert into results.test_changes (tenant_id, session_id) values ('{TestClients.AccountOne}', '{session}')");

        Task<long> CompleteAsync() => AskAsync<long>($"select t.complete from results.test_totals t where t.test_id = '{test}'");

        async Task<string> TotalsAsync() =>
            (await _http.JsonAsync("/api/v2/testResults")).ToJsonString() + (await _http.JsonAsync($"/api/v2/testResults/{test}/qxScores")).ToJsonString();
    }

    /// <summary>The rebuild has folded the events as they were, and has not committed that, when they are erased.</summary>
    [Fact]
    public async Task Who_is_erased_while_a_rebuild_runs_is_in_nothing_that_it_makes()
    {
        using var privacy = await AppFixture.ClientAsync(_host, TestClients.Privacy);
        var marker = Markers.New();
        var session = TestData.SessionWithEverything().Plant(marker);
        await _http.RecordAsync(session);
        await _http.RecordAsync(TestData.Session());
        Task<(int ExitCode, string Output, string Errors)> rebuild;
        await using (var holder = await _sql.OpenConnectionAsync(Cancelled))
        {
            await using var hold = new NpgsqlCommand("begin; lock table results.rebuild_parts in exclusive mode", holder);
            await hold.ExecuteNonQueryAsync(Cancelled);
            rebuild = ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);
            await Wait.UntilAsync(() => AskAsync<bool>("select exists (select 1 from pg_locks where relation = 'results.rebuild_parts'::regclass and not granted)"));

            using var erased = await privacy.DeleteAsync(new Uri($"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
            Assert.True(erased.IsSuccessStatusCode, await erased.Content.ReadAsStringAsync(Cancelled));
            Assert.False(rebuild.IsCompleted);
        }

        var (exitCode, output, errors) = await rebuild;
        Assert.True(exitCode == 0, output + errors);
        // The names of files are known until somebody has deleted these.
        await _host.Services.GetRequiredService<Erasures>().FilesAsync(forgets: true, Cancelled);
        await Wait.UntilAsync(async () => (await Markers.FoundAsync(_sql, marker)).Count == 0);
        foreach (var path in new[]
        {
            $"/api/v3/sessionResults/{session.Id}", $"/api/v2/sessionResults/{session.Id}/transcript", $"/api/v3/sessionResults/{session.Id}?version=5",
            $"/api/v3/sessionResults/{session.Id}/events?limit=500", "/api/v3/changes?include=session", $"/api/v3/answers?q={marker}1X",
        })
        {
            using var answer = await _http.ReadAsync(path);
            Assert.Equal((path, true), (path, answer.IsSuccessStatusCode));
            // What was asked for is not in the answer either.
            Assert.DoesNotContain(marker, await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }

        var verified = await ServiceProcess.RunAsync(["verify", "all"], Environment);
        Assert.Contains("2 verified, 0 differ", verified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rebuild_changes_nothing_of_rows_that_are_right()
    {
        CsCheck.Check.Sample(
            Laws.AnySession.Arrivals,
            arrival =>
            {
                foreach (var part in arrival.Session.Events.Chunk(400))
                    _http.SendAsync($"[{string.Join(',', part.Select(e => e.ToJsonString()))}]").GetAwaiter().GetResult().EnsureSuccessStatusCode().Dispose();
            },
            iter: 40,
            threads: 1);
        await _http.RecordAsync(TestData.SessionWithEverything());
        await _http.RecordAsync(TestData.SessionOnly().WithAnswer(Answers.Nps(1)));
        await _http.RecordAsync(TestData.ReelWithEverything());
        await _http.RecordAsync(TestData.Test().Defined(TestClients.WorkspaceA, "Again"));
        var (sessions, reels, tests) =
            (await RowsAsync("mt_doc_session_result_2"), await RowsAsync("mt_doc_highlight_reel"), await RowsAsync("mt_doc_test_definition"));
        var definition = await DefinitionAsync();

        foreach (var name in new[] { "session-results", "highlight-reels", "test-definitions" })
        {
            var (exitCode, output, errors) = await ServiceProcess.RunAsync(["rebuild", name, "--parallel", "3"], Environment);
            Assert.True(exitCode == 0, output + errors);
        }

        Assert.Equal(sessions, await RowsAsync("mt_doc_session_result_2"));
        Assert.Equal(reels, await RowsAsync("mt_doc_highlight_reel"));
        Assert.Equal(tests, await RowsAsync("mt_doc_test_definition"));
        Assert.Equal(definition, await DefinitionAsync());
        Assert.Equal(0, (await ServiceProcess.RunAsync(["db-assert"], Environment)).ExitCode);

        Task<string> RowsAsync(string table) => AskAsync<string>($"select string_agg(d::text, E'\\n' order by d.tenant_id, d.id) from results.{table} d");

        // Columns, indexes and who may do what.
        Task<string> DefinitionAsync() => AskAsync<string>(
            """
            select string_agg(line, E'\n' order by line) from (
              select format('%s %s %s %s', a.attname, a.atttypid::regtype, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) from pg_attribute a
              left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = 'results.mt_doc_session_result_2'::regclass and a.attnum > 0
              union all select pg_get_indexdef(i.indexrelid) from pg_index i where i.indrelid = 'results.mt_doc_session_result_2'::regclass
              union all select format('%s %s', c.conname, pg_get_constraintdef(c.oid)) from pg_constraint c where c.conrelid = 'results.mt_doc_session_result_2'::regclass
              union all select format('%s %s', c.relacl, c.reloptions) from pg_class c where c.oid = 'results.mt_doc_session_result_2'::regclass
            ) lines(line)
            """);
    }

    [Fact]
    public async Task A_terminal_shows_a_bar_with_the_rate_and_the_time_that_remains_and_others_get_lines()
    {
        await ImportAsync(2_000);
        var lines = await ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);
        Assert.Matches(@"(?m)^folding: 12000 of 12000 events, \d+/s, 00:00:00 to go\r?$", lines.Output);
        Assert.DoesNotContain('\u001b', lines.Output);

        Assert.SkipUnless(File.Exists("/usr/bin/script") && OperatingSystem.IsLinux(), "There is no script(1) of util-linux here.");
        var bar = await ServiceProcess.RunOnTerminalAsync(["rebuild", "session-results"], Environment);
        Assert.Equal(0, bar.ExitCode);
        Assert.Contains('━', bar.Output);
        Assert.Matches(@"folding: [\d,]+ events, [\d,]+/s", bar.Output);
        Assert.Matches(@"\d\d:\d\d:\d\d", bar.Output);
        Assert.Contains("the switch took", bar.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_rebuild_is_abandoned_and_the_documents_serve_as_ever()
    {
        await ImportAsync(2_000);
        await KillWhenAsync("select count(*) > 0 from results.rebuild_parts");
        Assert.Equal(PerSession - 2, Tasks(await _http.ResultAsync(SessionOfFile(3))).Count);

        Assert.Equal((0, "The interrupted rebuild is forgotten."), await EndAsync("session-results", "--abandon"));
        Assert.Equal((0, "There was no interrupted rebuild."), await EndAsync("session-results", "--abandon"));

        Assert.Null(await AskAsync<object?>("select to_regclass('results.mt_doc_session_result_2_building')::text"));
        Assert.Equal(PerSession - 2, Tasks(await _http.ResultAsync(SessionOfFile(3))).Count);
    }

    [Fact]
    public async Task What_another_program_began_is_begun_anew()
    {
        await ImportAsync(2_000);
        await KillWhenAsync("select count(*) > 0 from results.rebuild_parts");
        await ExecuteAsync("update results.rebuilds set build = gen_random_uuid()");

        var (exitCode, output, errors) = await ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);

        Assert.True(exitCode == 0, output + errors);
        Assert.Contains("Another program began a rebuild", output, StringComparison.Ordinal);
        Assert.Equal(2_000, await AskAsync<long>("select count(*) from results.mt_doc_session_result_2"));
    }

    [Fact]
    public async Task A_session_that_cannot_be_folded_is_set_aside_by_name_with_its_document_and_all_others_are_rebuilt()
    {
        var (right, poisoned) = (TestData.Session().WithAnswer(Answers.Nps(3)), TestData.Session().WithAnswer(Answers.Nps(4)));
        await _http.RecordAsync(right);
        await _http.RecordAsync(poisoned);
        await SummarizedAsync(right.Id);
        await SummarizedAsync(poisoned.Id);
        var answer = (string)poisoned.Events[1]["id"]!;
        await ExecuteAsync($"update results.mt_events set data = data || '{{\"position\": \"second\"}}' where id = '{answer}'");
        await ExecuteAsync($"update results.mt_doc_session_result_2 set data = data #- '{{body,tasks,0}}' where id = '{right.Id}'");
        var position = await AskAsync<long>($"select seq_id from results.mt_events where id = '{answer}'");
        var problem = $"event {answer} (results.TaskAnswered.v1, position {position}) cannot be read: ";

        var rebuild = await ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);
        Assert.Equal(3, rebuild.ExitCode);
        Assert.Contains(
            $"Set aside: session {poisoned.Id} of account {TestClients.AccountOne} cannot be folded: {problem}", rebuild.Errors, StringComparison.Ordinal);
        Assert.Contains("Done after", rebuild.Output, StringComparison.Ordinal);
        Assert.Single(Tasks(await _http.ResultAsync(right.Id)));
        Assert.Single(Tasks(await _http.ResultAsync(poisoned.Id)));
        Assert.Equal(1, await AskAsync<long>("select count(*) from results.set_aside where worker = 'rebuild'"));

        rebuild = await ServiceProcess.RunAsync(["rebuild", "session-results", "--account", TestClients.AccountOne.ToString()], Environment);
        Assert.Equal((3, true), (rebuild.ExitCode, rebuild.Output.Contains("1 folded, 0 changed", StringComparison.Ordinal)));

        var verify = await ServiceProcess.RunAsync(["verify", "all", "--repair"], Environment);
        Assert.Equal(1, verify.ExitCode);
        var line = JsonNode.Parse(verify.Output.Split('\n').Single(text => text.StartsWith('{')))!;
        Assert.Equal(poisoned.Id, (Guid)line["id"]!);
        Assert.StartsWith(problem, (string)line["problem"]!, StringComparison.Ordinal);
        Assert.EndsWith("2 verified, 0 differ, 0 repaired, 1 cannot be folded", verify.Output.TrimEnd(), StringComparison.Ordinal);

        var replay = await ServiceProcess.RunAsync(["replay", "--session", poisoned.Id.ToString()], Environment);
        Assert.Contains("  cannot be read: ", replay.Output, StringComparison.Ordinal);

        await ExecuteAsync($"update results.mt_events set data = data || '{{\"position\": 0}}' where id = '{answer}'");
        rebuild = await ServiceProcess.RunAsync(["rebuild", "session-results"], Environment);
        Assert.True(rebuild.ExitCode == 0, rebuild.Output + rebuild.Errors);
        Assert.Equal(0, await AskAsync<long>("select count(*) from results.set_aside"));
        Assert.Single(Tasks(await _http.ResultAsync(poisoned.Id)));
    }

    [Fact]
    public async Task Some_documents_are_rebuilt_where_they_are()
    {
        using var elsewhere = await AppFixture.ClientAsync(_host, TestClients.OtherAccount);
        var test = Guid.NewGuid();
        var (one, two, three) = (TestData.Session(test: test).WithAnswer(Answers.Nps(1)), TestData.Session(test: test).WithAnswer(Answers.Nps(2)), TestData.Session().WithAnswer(Answers.Nps(3)));
        var theirs = TestData.Session(TestClients.WorkspaceOfTwo).WithAnswer(Answers.Nps(4));
        foreach (var session in new[] { one, two, three })
            await _http.RecordAsync(session);
        await elsewhere.RecordAsync(theirs);
        const string Forget = "update results.mt_doc_session_result_2 set test_id = null, data = data #- '{body,tasks,0}' #- '{fold,tasks,0}'";

        await RebuildsAsync([one.Id], "--session", one.Id.ToString());
        await RebuildsAsync([one.Id, two.Id], "--test", test.ToString());
        await RebuildsAsync([theirs.Id], "--account", TestClients.AccountTwo.ToString());
        await RebuildsAsync([], "--account", TestClients.AccountTwo.ToString(), "--test", test.ToString());
        await EndAsync("session-results");
        Assert.Equal((0, "3 folded, 0 changed"), await EndAsync("session-results", "--account", TestClients.AccountOne.ToString()));

        // What a repair changed, clients that ask for changes are told of.
        async Task RebuildsAsync(Guid[] expected, params string[] arguments)
        {
            await ExecuteAsync(Forget);
            var before = await AskAsync<DateTime>("select clock_timestamp()");
            var (exitCode, last) = await EndAsync(["session-results", .. arguments]);
            var rebuilt = await AskAsync<Guid[]>("select coalesce(array_agg(id), '{}') from results.mt_doc_session_result_2 where jsonb_array_length(data -> 'body' -> 'tasks') = 1");
            var touched = await AskAsync<Guid[]>($"select coalesce(array_agg(id), '{{}}') from results.mt_doc_session_result_2 where mt_last_modified > '{before:O}'");
            Assert.Equal((0, $"{expected.Length} folded, {expected.Length} changed"), (exitCode, last));
            Assert.Equal(expected.Order(), rebuilt.Order());
            Assert.Equal(expected.Order(), touched.Order());
        }
    }

    private static Guid SessionOfFile(int n) => EventFile.Session(n);

    private static List<Guid> Tasks(JsonNode result) => [.. result["tasks"]!.AsArray().Select(task => Guid.Parse((string)task!["uuid"]!))];

    private async Task ImportAsync(int sessions)
    {
        using var content = new EventFile(sessions, PerSession).Content();
        using var answer = await _http.SendAsync(content);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
    }

    /// <summary>Waits for the summary of a session, which verify compares too: it is of the document as it was.</summary>
    private Task SummarizedAsync(Guid session) =>
        Wait.UntilAsync(() => AskAsync<bool>($"select exists (select 1 from results.summary_sessions where session_id = '{session}' and cardinality(tasks) > 0)"));

    private Task BreakAsync(Guid broken, Guid lacking, Guid task) => ExecuteAsync(string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        -- A writer that has read the document before would store what it has read.
        select 1 from results.mt_streams where id = '{{lacking}}' for update;
        update results.mt_doc_session_result_2 set data = jsonb_set(jsonb_set(data, '{body,tasks}', '[]'), '{fold,tasks}', '[]') where id = '{{broken}}';
        update results.mt_doc_session_result_2 set data = jsonb_set(jsonb_set(data,
          '{body,tasks}', (select jsonb_agg(t) from jsonb_array_elements(data -> 'body' -> 'tasks') t where t ->> 'uuid' <> '{{task}}')),
          '{fold,tasks}', (select jsonb_agg(t) from jsonb_array_elements(data -> 'fold' -> 'tasks') t where t ->> 'id' <> '{{task}}'))
        where id = '{{lacking}}'
        """));

    /// <summary>Kills a rebuild when the condition holds; it does not come to its switch before.</summary>
    private async Task KillWhenAsync(string condition)
    {
        await using var hold = await HoldSwitchAsync();
        using var rebuild = ServiceProcess.Start(["rebuild", "session-results"], Environment);
        rebuild.Ignore();
        await Wait.UntilAsync(async () =>
        {
            Assert.False(rebuild.Process.HasExited, "The rebuild ended before it could be killed.");
            return await AskAsync<bool>(condition);
        });
        rebuild.Process.Kill();
        await rebuild.Process.WaitForExitAsync(Cancelled);
    }

    /// <summary>Keeps a rebuild from its switch until it is given back; writers go on.</summary>
    private async Task<NpgsqlConnection> HoldSwitchAsync()
    {
        var connection = await _sql.OpenConnectionAsync(Cancelled);
        await using var command = new NpgsqlCommand("begin; lock table results.mt_streams in row exclusive mode", connection);
        await command.ExecuteNonQueryAsync(Cancelled);
        return connection;
    }

    private async Task<(int ExitCode, string Last)> EndAsync(params string[] arguments)
    {
        var run = await ServiceProcess.RunAsync(["rebuild", .. arguments], Environment);
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        return (run.ExitCode, run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
    }

    private async Task<T> AskAsync<T>(string sql)
    {
        await using var command = _sql.CreateCommand(sql);
        var value = await command.ExecuteScalarAsync(Cancelled);
        return value is null or DBNull ? default! : (T)value;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _sql.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
