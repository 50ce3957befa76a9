using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Commands;

/// <summary><c>-- rebuild test-totals</c>, and a database of before there were any.</summary>
public sealed class RebuildCommandTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rebuilt_totals_are_the_live_ones_whatever_had_become_of_them()
    {
        using var data = new TempFolder();
        var database = await TestDatabase.CreateAsync();
        var (test, group) = (Guid.NewGuid(), Guid.NewGuid());
        await using var host = await AppFixture.StartAsync("Production", data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]);
        using var http = await AppFixture.ClientAsync(host);
        foreach (var score in new[] { 20, 40 })
            await http.RecordAsync(TestData.Interaction(test: test).WithScore(group, score).Completed());
        await http.RecordAsync(TestData.Session(test: test));
        var live = "";
        await Wait.UntilAsync(async () => (live = await TotalsAsync()).Contains("\"total\":3", StringComparison.Ordinal));

        // The sums are wrong, one session's part is forgotten, and one is counted that is not there.
        await ExecuteAsync(
            database,
            $"""
            update results.test_totals set complete = complete + 7;
            delete from results.test_sessions where session_id = (select min(session_id::text)::uuid from results.test_sessions);
            insert into results.test_sessions (tenant_id, session_id, workspace_id, test_id, status, scores, clips)
            select tenant_id, gen_random_uuid(), workspace_id, test_id, status, scores, clips from results.test_sessions limit 1
            """);
        Assert.NotEqual(live, await TotalsAsync());
        var (exitCode, output, _) = await RunAsync("rebuild", "test-totals");

        Assert.Equal(0, exitCode);
        Assert.Contains("3 sessions counted", output, StringComparison.Ordinal);
        Assert.Equal(live, await TotalsAsync());

        // Once more changes nothing.
        await RunAsync("rebuild", "test-totals");
        Assert.Equal(live, await TotalsAsync());

        async Task<string> TotalsAsync() =>
            (await http.JsonAsync("/api/v2/testResults")).ToJsonString() + (await http.JsonAsync($"/api/v2/testResults/{test}/qxScores")).ToJsonString();

        Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) => ServiceProcess.RunAsync(
            arguments, ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, data.Path));
    }

    /// <summary>A database of before NPS answers were counted, and before lists knew when a test's first session began.</summary>
    [Theory]
    [InlineData("test-totals")]
    [InlineData("session-results")]
    public async Task Totals_of_a_version_that_counted_no_NPS_are_filled(string rebuilt)
    {
        using var data = new TempFolder();
        var database = await TestDatabase.CreateAsync();
        var (test, task) = (Guid.NewGuid(), Guid.NewGuid());
        await using var host = await AppFixture.StartAsync("Production", data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]);
        using var http = await AppFixture.ClientAsync(host);
        foreach (var score in new[] { 9, 10, 0, 7 })
            await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(score), task).Completed());
        var live = "";
        await Wait.UntilAsync(async () => (live = await ShownAsync()).Contains("\"promoterPercentage\":50", StringComparison.Ordinal));
        Assert.Contains("\"orderedAt\":\"2026-03-01T10:15:00.000Z\"", live, StringComparison.Ordinal);

        await ExecuteAsync(
            database,
            """
            alter table results.test_totals drop column nps, drop column first_started_at, drop column product_type;
            alter table results.test_sessions drop column nps, drop column started_at, drop column product_type;
            delete from results.test_nps_totals;
            update results.test_sessions set counted_nps = null
            """);
        foreach (var arguments in new string[][] { ["db-apply"], ["db-assert"] })
            Assert.Equal(0, (await RunAsync(arguments)).ExitCode);
        // Served meanwhile, with what there is.
        Assert.Contains("\"netPromoterScores\":[]", await ShownAsync(), StringComparison.Ordinal);
        Assert.Contains("\"orderedAt\":\"1970-01-01T00:00:00.000Z\"", await ShownAsync(), StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("rebuild", rebuilt)).ExitCode);
        Assert.Equal(live, await ShownAsync());

        // A session that leaves takes its answer with it.
        await http.RecordAsync(TestData.Session(test: test).WithAnswer(Answers.Nps(9), task).Completed());
        await Wait.UntilAsync(async () => (await ShownAsync()).Contains("\"promoterPercentage\":60", StringComparison.Ordinal));

        async Task<string> ShownAsync() => (await http.JsonAsync($"/v1/studies/{test}")).ToJsonString()
            + await http.GetStringAsync(new Uri($"/v1/workspaces/{TestClients.WorkspaceA}", UriKind.Relative), Cancelled);

        Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) => ServiceProcess.RunAsync(
            arguments, ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, data.Path));
    }

    [Fact]
    public async Task Documents_that_know_nothing_of_lists_are_not_listed_and_after_a_rebuild_they_are()
    {
        using var data = new TempFolder();
        var database = await TestDatabase.CreateAsync();
        var session = TestData.Interaction().WithScore(Guid.NewGuid(), 50).Transcribed().Completed();
        await using (var host = await AppFixture.StartAsync("Production", data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]))
        {
            using var http = await AppFixture.ClientAsync(host);
            await http.RecordAsync(session);

            // As a version without lists has left it.
            await ExecuteAsync(
                database,
                """
                update results.mt_doc_session_result_2
                set listed_at = null, task_types = null, data = data - 'listedAt' - 'taskTypes' #- '{fold,transcribed}' #- '{fold,taskGroups,0,qx}';
                truncate results.test_changes; truncate results.test_sessions; truncate results.test_totals
                """);
            Assert.Empty((await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}"))["sessions"]!.AsArray());
            Assert.Empty((await http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}&updatedSince=2026-01-01T00:00:00Z"))["sessions"]!.AsArray());
        }

        foreach (var arguments in new string[][] { ["rebuild", "session-results"], ["rebuild", "test-totals"] })
        {
            var run = await ServiceProcess.RunAsync(
                arguments, ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, data.Path));
            Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        }

        await using var again = await AppFixture.StartAsync("Production", data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]);
        using var reader = await AppFixture.ClientAsync(again);
        Assert.Equal(session.Id, (Guid)(await reader.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}"))["sessions"]!.AsArray().Single()!["sessionId"]!);
        Assert.Equal(50, (int)(await reader.JsonAsync($"/api/v2/testResults/{session.TestId}/qxScores"))["qxScores"]![0]!["qxScore"]!);
        Assert.StartsWith("WEBVTT", await reader.GetStringAsync(new Uri($"/api/v2/sessionResults/{session.Id}/transcript", UriKind.Relative), Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_there_is_not_is_named()
    {
        var run = await ServiceProcess.RunAsync(["rebuild", "everything"], ("ConnectionStrings__results", await TestDatabase.CreateAsync()));

        Assert.Equal((1, "There is no read model 'everything' to rebuild; there are session-results, highlight-reels, test-definitions, test-totals, search and summaries."), (run.ExitCode, run.Errors.Trim()));
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
