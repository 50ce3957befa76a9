using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.TestResults;

/// <summary>What all sessions of a test come to: an async read model, so these tests wait for it.</summary>
public sealed class TestTotalsTests(AppFixture app)
{
    private static readonly Guid Checkout = Guid.Parse("5a000000-0000-4000-8000-0000000000c1");
    private static readonly Guid Search = Guid.Parse("5a000000-0000-4000-8000-0000000000c2");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scores_are_averages_over_the_completed_sessions()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 80).WithScore(Search, 10).Completed());
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 61.005m).Completed());
        await http.RecordAsync(TestData.Session(test: test).Completed());
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 1).Abandoned());
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 2));

        var scores = await ScoresAsync(http, test, completes: 3);
        var expected = JsonNode.Parse(
            $$"""
            { "testId": "{{test}}",
              "qxScores": [
                { "taskGroupId": "{{Checkout}}", "label": "Checkout", "qxScore": 70.50,
                  "components": { "behavioral": 50, "attitudinal": 70.50 },
                  "values": { "behavioral": [50], "usability": 70.50, "trust": 70.50, "appearance": 70.50, "loyalty": 70.50 } },
                { "taskGroupId": "{{Search}}", "label": "Checkout", "qxScore": 10,
                  "components": { "behavioral": 50, "attitudinal": 10 },
                  "values": { "behavioral": [50], "usability": 10, "trust": 10, "appearance": 10, "loyalty": 10 } } ],
              "meta": { "totalQxTasks": 2, "completes": 3 } }
            """);
        Assert.True(JsonNode.DeepEquals(expected, scores), scores.ToJsonString());
    }

    [Fact]
    public async Task Components_that_a_session_lacks_do_not_count_as_zero()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 80).But("data.values.behavioral", "[10, 20]").Completed());
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 60).But("data.components.behavioral", null).But("data.values.behavioral", "[30]").Completed());

        var group = (await ScoresAsync(http, test, completes: 2))["qxScores"]![0]!;
        Assert.Equal((50m, "[20,20]"), ((decimal)group["components"]!["behavioral"]!, group["values"]!["behavioral"]!.ToJsonString()));

        var without = Guid.NewGuid();
        await http.RecordAsync(TestData.Interaction(test: without).WithScore(Checkout, 60).But("data.components.behavioral", null).But("data.values.behavioral", null).Completed());
        group = (await ScoresAsync(http, without, completes: 1))["qxScores"]![0]!;
        foreach (var part in new[] { group["components"]!, group["values"]! })
        {
            Assert.True(part.AsObject().TryGetPropertyValue("behavioral", out var behavioral));
            Assert.Null(behavioral);
        }
    }

    [Fact]
    public async Task A_test_without_scores_has_none()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Interaction().Completed();
        await http.RecordAsync(session);

        Assert.Equal(
            $$$"""{"testId":"{{{session.TestId}}}","qxScores":[],"meta":{"totalQxTasks":0,"completes":1}}""",
            (await ScoresAsync(http, session.TestId, completes: 1)).ToJsonString());
    }

    [Fact]
    public async Task Late_corrected_and_repeated_events_come_to_the_same_scores()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var begin = SessionBuilder.Begin;
        // The score before the start, twice; a correction; an older one after it; the end first of all.
        var session = TestData.SessionOnly(test: test).Completed().WithScore(Checkout, 20, begin.AddSeconds(10));
        await http.RecordAsync(session);
        await http.RecordAsync(session);
        await http.RecordAsync(session.Started(TestClients.WorkspaceA).But("data.productType", "\"NON_THINK_OUT_LOUD\""));
        Assert.Equal(20, await ScoreAsync(http, test, completes: 1));

        await http.RecordAsync(session.WithScore(Checkout, 40, begin.AddSeconds(20)));
        await http.RecordAsync(session.WithScore(Checkout, 30, begin.AddSeconds(15)));
        await Wait.UntilAsync(async () => await ScoreAsync(http, test, completes: 1) == 40);

        // A tab that closes after the end: it still counts.
        await http.RecordAsync(session.With("SessionAbandoned", new JsonObject { ["abandonedAt"] = "2026-03-01T11:00:00Z" }, begin.AddHours(1)));
        Assert.Equal(40, await ScoreAsync(http, test, completes: 1));
    }

    [Fact]
    public async Task A_session_whose_start_is_corrected_counts_in_its_new_test_alone()
    {
        using var http = await app.ClientAsync();
        var (wrong, right) = (Guid.NewGuid(), Guid.NewGuid());
        var session = TestData.Interaction(test: wrong).WithScore(Checkout, 20).Completed();
        await http.RecordAsync(session);
        await ScoresAsync(http, wrong, completes: 1);

        await http.RecordAsync(session.With("SessionStarted", ((JsonObject)session.Events[0]["data"]!.DeepClone()).But("testId", $"\"{right}\"")));
        await ScoresAsync(http, right, completes: 1);
        using var gone = await http.ReadAsync($"/api/v2/testResults/{wrong}/qxScores");

        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.DoesNotContain(wrong, await TestsAsync(http));
        Assert.Contains(right, await TestsAsync(http));
    }

    [Fact]
    public async Task A_test_in_two_workspaces_averages_over_what_its_reader_may_see()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var test = Guid.NewGuid();
        await a.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 10).Completed());
        await b.RecordAsync(TestData.Interaction(TestClients.WorkspaceB, test).WithScore(Checkout, 20).Completed());

        Assert.Equal((10m, 20m, 15m), (await ScoreAsync(a, test, 1), await ScoreAsync(b, test, 1), await ScoreAsync(both, test, 2)));
    }

    [Fact]
    public async Task Tests_are_listed_with_their_sessions_by_status()
    {
        using var http = await app.ClientAsync();
        using var elsewhere = await app.ClientAsync(TestClients.OtherWorkspace);
        var test = Guid.NewGuid();
        foreach (var session in new[] { TestData.Interaction(test: test), TestData.Interaction(test: test).Abandoned(), TestData.Interaction(test: test).Completed(), TestData.Interaction(test: test).Completed() })
            await http.RecordAsync(session);
        await ScoresAsync(http, test, completes: 2);

        var shown = await AllTestsAsync(http, limit: 500);
        Assert.Equal(
            $$$"""{"testId":"{{{test}}}","workspaceId":"{{{TestClients.WorkspaceA}}}","title":null,"productType":"NON_THINK_OUT_LOUD","sessions":{"total":4,"inProgress":1,"complete":2,"abandoned":1}}""",
            shown.Single(one => (Guid)one["testId"]! == test).ToJsonString());
        Assert.DoesNotContain(test, await TestsAsync(elsewhere));
    }

    [Fact]
    public async Task Walking_the_tests_by_cursor_gives_each_once_for_each_workspace_in_one_order()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var tests = Enumerable.Range(0, 5).Select(_ => Guid.NewGuid()).ToList();
        foreach (var test in tests)
        {
            await a.RecordAsync(TestData.Interaction(test: test).Completed());
            await b.RecordAsync(TestData.Interaction(TestClients.WorkspaceB, test).Completed());
            await ScoresAsync(both, test, completes: 2);
        }

        // Others of this run come and go; ours stay.
        var expected = tests.Order().SelectMany(test => new[] { (test, TestClients.WorkspaceA), (test, TestClients.WorkspaceB) });
        foreach (var limit in new[] { 1, 3, 500 })
        {
            var walked = (await AllTestsAsync(both, limit)).Select(one => ((Guid)one["testId"]!, (Guid)one["workspaceId"]!)).ToList();
            Assert.Equal(walked.Distinct(), walked);
            Assert.Equal(expected, walked.Where(one => tests.Contains(one.Item1)));
        }
    }

    [Theory]
    [InlineData("limit=0", """{"limit":["must be a whole number from 1 to 500"]}""")]
    [InlineData("limit=501", """{"limit":["must be a whole number from 1 to 500"]}""")]
    [InlineData("offset=10001", """{"offset":["must be a whole number from 0 to 10000"]}""")]
    [InlineData("offset=x", """{"offset":["must be a whole number from 0 to 10000"]}""")]
    [InlineData("cursor=x", """{"cursor":["must be a nextCursor of this list, with the same filters"]}""")]
    public async Task The_list_of_tests_refuses_what_is_malformed(string query, string errors)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v2/testResults?{query}");

        Assert.Equal(errors, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("limit=1")]
    [InlineData("limit=500")]
    [InlineData("offset=10000")]
    public async Task The_list_of_tests_takes_the_edges(string query)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v2/testResults?{query}");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("qxScores")]
    [InlineData("highlightreels")]
    [InlineData("highlightreels/5a000000-0000-4000-8000-000000000001")]
    public async Task A_test_id_that_is_not_a_UUID_is_refused(string path)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v2/testResults/nonsense/{path}");

        Assert.Equal("""{"testId":["must be a UUID"]}""", (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    /// <summary>
    /// A writer is held up between drawing its events' numbers and its commit, for longer than a daemon waits at a gap, while
    /// others commit and are counted: what it commits in the end is counted too.
    /// </summary>
    [Fact]
    public async Task What_commits_late_behind_others_is_counted()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, TestClients.Settings(firstIndex: 1));
        var database = host.Services.GetRequiredService<NpgsqlDataSource>();
        using var http = await AppFixture.ClientAsync(host);
        var test = Guid.NewGuid();
        var held = TestData.Interaction(test: test).WithScore(Checkout, 10).Completed();
        await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 90).Completed());
        await using (var trigger = database.CreateCommand(
            $"""
            create function results.hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4711); return new; end $$;
            create trigger hold before insert on results.mt_events for each row when (new.stream_id = '{held.Id}') execute function results.hold();
            """))
        {
            await trigger.ExecuteNonQueryAsync(Cancelled);
        }

        await using var holder = await database.OpenConnectionAsync(Cancelled);
        await ExecuteAsync(holder, "select pg_advisory_lock(4711)");
        var recording = http.RecordAsync(held);
        await Wait.UntilAsync(async () =>
        {
            await using var waiting = database.CreateCommand("select exists (select 1 from pg_locks where locktype = 'advisory' and objid = 4711 and not granted)");
            return (bool)(await waiting.ExecuteScalarAsync(Cancelled))!;
        });

        // Longer than the 3 s after which Marten's daemon goes past a gap, with commits before and behind it.
        for (var i = 0; i < 8; i++)
        {
            await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 90).Completed());
            await Task.Delay(500, Cancelled);
        }

        Assert.Equal(90, await ScoreAsync(http, test, completes: 9));
        Assert.False(recording.IsCompleted);

        await ExecuteAsync(holder, "select pg_advisory_unlock(4711)");
        await recording;
        Assert.Equal(82, await ScoreAsync(http, test, completes: 10));
        Assert.Equal(await PersistedAsync(database), await CountedAsync(database));
    }

    [Fact]
    public async Task Two_nodes_count_every_session_once()
    {
        using var data = new TempFolder();
        await using var one = await AppFixture.StartAsync("Development", data, TestClients.Settings(firstIndex: 1));
        var database = one.Services.GetRequiredService<NpgsqlDataSource>();
        using var otherData = new TempFolder();
        await using var two = await AppFixture.StartAsync(
            "Development", otherData, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, one.Services.GetRequiredService<Microsoft.Extensions.Configuration.IConfiguration>()[AppFixture.ConnectionString])]);
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 60).Select(n => TestData.Interaction(test: test).WithScore(Checkout, n).Completed()).ToList();

        // Both nodes' events of one session at once, and both nodes' updaters at work.
        await Task.WhenAll(new[] { one, two }.Select(async (host, node) =>
        {
            using var http = await AppFixture.ClientAsync(host);
            foreach (var e in sessions.SelectMany(session => session.Events).Where((_, i) => i % 2 == node))
            {
                using var answer = await http.SendAsync(e.ToJsonString(), "application/cloudevents+json");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }
        }));

        using var reader = await AppFixture.ClientAsync(one);
        await Wait.UntilAsync(async () => (await CountedAsync(database)).Waiting == 0);
        Assert.Equal(29.5m, await ScoreAsync(reader, test, completes: 60));
        Assert.Equal(await PersistedAsync(database), await CountedAsync(database));
    }

    /// <summary>
    /// Two processes. The one that counts falls silent in mid transaction, as a machine does that loses its power: its connections stay, and so does its lock, until the database ends them.
    /// </summary>
    [Fact]
    public async Task What_a_lost_node_was_counting_another_counts_within_half_a_minute_and_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A process is stopped by a signal.");

        using var data = new TempFolder();
        var database = await TestDatabase.CreateAsync();
        // One that is stopped by a signal would outlive the run.
        using var one = await StartAsync("one");
        using var two = await StartAsync("two");
        var nodes = new Dictionary<string, ServiceProcess>(StringComparer.Ordinal) { ["one"] = one, ["two"] = two };
        await using var sql = NpgsqlDataSource.Create(database);
        var test = Guid.NewGuid();
        string lost, kept;
        using (var http = new HttpClient { BaseAddress = nodes["one"].Address })
        {
            http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
            await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 10).Completed());
            await Wait.UntilAsync(async () => (await CountedAsync(sql)) is (0, 1, _));

            // Whoever counts next waits for this, with its lock.
            await using var holder = await sql.OpenConnectionAsync(Cancelled);
            await using var holding = await holder.BeginTransactionAsync(Cancelled);
            await ExecuteAsync(holder, "lock table results.test_totals in access exclusive mode");
            await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 30).Completed());
            const string Counting = "select a.application_name from pg_locks l join pg_stat_activity a using (pid) where l.relation = 'results.test_totals'::regclass and not l.granted";
            await Wait.UntilAsync(async () => await AskAsync<string?>(sql, Counting) is "one" or "two");
            lost = (await AskAsync<string?>(sql, Counting))!;
            kept = lost == "one" ? "two" : "one";
            await Command.RunAsync("/bin/sh", ["-c", $"kill -STOP {nodes[lost].Process.Id}"], "/", account: null, Cancelled);
        }

        var silent = System.Diagnostics.Stopwatch.StartNew();
        await Wait.UntilAsync(async () => (await CountedAsync(sql)) is (0, 2, 40));
        Assert.True(silent.Elapsed < TimeSpan.FromSeconds(30), $"It took {silent.Elapsed}.");

        // What the lost one had in hand is gone with it, and the other goes on.
        nodes[lost].Process.Kill();
        using (var http = new HttpClient { BaseAddress = nodes[kept].Address })
        {
            http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
            await http.RecordAsync(TestData.Interaction(test: test).WithScore(Checkout, 20).Completed());
            Assert.Equal(20, await ScoreAsync(http, test, completes: 3));
        }

        Assert.Equal(await PersistedAsync(sql), await CountedAsync(sql));

        async Task<ServiceProcess> StartAsync(string name)
        {
            var node = ServiceProcess.Start(
                [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", $"{database};Application Name={name}"), ("RESULTS_DATA", data.Path), ("Access__Issuer", "http://results.example/"), .. ServiceProcess.ToEnvironment(TestClients.Settings())]);
            await node.UntilSaysAsync("Application started");
            node.Ignore();
            return node;
        }
    }

    private static async Task<T> AskAsync<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    /// <summary>What the documents come to.</summary>
    private static Task<(long Waiting, long Complete, decimal Scores)> PersistedAsync(NpgsqlDataSource database) => OneAsync(
        database,
        """
        select 0::bigint, count(*), coalesce(sum((g #>> '{qx,score}')::numeric), 0)
        from results.mt_doc_session_result_2 d, jsonb_array_elements(d.data -> 'fold' -> 'taskGroups') g
        where d.status = 'Complete'
        """);

    /// <summary>What the read model says, and how many changes it has not taken yet.</summary>
    private static Task<(long Waiting, long Complete, decimal Scores)> CountedAsync(NpgsqlDataSource database) => OneAsync(
        database,
        """
        select (select count(*) from results.test_changes), (select sum(t.complete)::bigint from results.test_totals t), coalesce(sum((g.sums ->> 'score')::numeric), 0)
        from results.test_group_totals g
        """);

    private static async Task<(long, long, decimal)> OneAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        await reader.ReadAsync(Cancelled);
        return (reader.GetInt64(0), reader.IsDBNull(1) ? 0 : reader.GetInt64(1), reader.GetDecimal(2));
    }

    private static async Task<JsonObject> ScoresAsync(HttpClient http, Guid test, int completes)
    {
        JsonObject scores = null!;
        await Wait.UntilAsync(async () =>
        {
            scores = await http.JsonAsync($"/api/v2/testResults/{test}/qxScores");
            return (int)scores["meta"]!["completes"]! == completes;
        });
        return scores;
    }

    private static async Task<decimal> ScoreAsync(HttpClient http, Guid test, int completes) =>
        (decimal)(await ScoresAsync(http, test, completes))["qxScores"]![0]!["qxScore"]!;

    private static async Task<List<Guid>> TestsAsync(HttpClient http) => [.. (await AllTestsAsync(http, limit: 500)).Select(one => (Guid)one["testId"]!)];

    private static async Task<List<JsonObject>> AllTestsAsync(HttpClient http, int limit)
    {
        var tests = new List<JsonObject>();
        string? cursor = null;
        do
        {
            var page = await http.JsonAsync($"/api/v2/testResults?limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
            Assert.True(page["tests"]!.AsArray().Count <= limit);
            tests.AddRange(page["tests"]!.AsArray().Select(one => one!.AsObject()));
            cursor = (string?)page["meta"]!["pagination"]!["nextCursor"];
        }
        while (cursor is not null);
        return tests;
    }
}
