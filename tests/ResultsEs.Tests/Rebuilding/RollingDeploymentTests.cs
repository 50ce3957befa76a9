using System.Text.Json.Nodes;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.Faults;

namespace ResultsEs.Tests.Rebuilding;

/// <summary>A deployment whose documents have another shape, node by node: two programs on one database.</summary>
public sealed class RollingDeploymentTests : IAsyncLifetime
{
    private readonly TempFolder _data = new();
    private string _database = "";
    private string _next = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IEnumerable<(string Name, string Value)> Environment =>
    [
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("ConnectionStrings__results", _database),
        (DataFolder.Variable, _data.Path),
        ("RateLimiting__ReadsPerMinute", "1000000"),
        ("RateLimiting__WritesPerMinute", "1000000"),
        .. ServiceProcess.ToEnvironment(TestClients.Settings()),
    ];

    public async ValueTask InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _next = await NextVersion.ProgramAsync();
    }

    public ValueTask DisposeAsync()
    {
        _data.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Nodes_of_two_versions_serve_side_by_side_until_the_operator_ends_it()
    {
        using var old = ServiceProcess.Start(Environment);
        using var toOld = await ClientAsync(old);
        var test = Guid.NewGuid();
        var (early, late) = (TestData.Session(test: test).WithAnswer(Answers.Nps(1)), TestData.Session(test: test).WithAnswer(Answers.Nps(2)));
        await toOld.RecordAsync(early);

        // The next version does not start before it has tables and documents. They are made while the old one serves.
        var ledger = new Ledger(TimeSpan.FromMilliseconds(20));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        HttpClient? toNew = null;
        var n = 0;
        var writing = ledger.WriteAsync(writers: 2, () => Interlocked.Increment(ref n) % 2 == 0 ? toNew ?? toOld : toOld, stop.Token);
        await RunAsync(1, "The database is not as this version needs it: results.mt_doc_session_result_3, results.mt_doc_session_result_3_marten_tenant_isolation, results.fast_compression. Run: dotnet ResultsEs.dll db-apply");
        await RunAsync(0, "", "db-apply");
        await RunAsync(1, "The sessions have no documents of version 3 of the projection yet. Build them, while nodes of other versions serve: dotnet ResultsEs.dll rebuild session-results");
        await RunAsync(0, "", "rebuild", "session-results");
        using var next = ServiceProcess.Start([], Environment, _next);
        using (toNew = await ClientAsync(next))
        {
            // What one of them has accepted is in what the other sends, each in its own shape.
            await toOld.RecordAsync(late);
            Assert.Equal((1, 1), Shape(await toNew.ResultAsync(late.Id)));
            Assert.Equal((1, 1), Shape(await toNew.ResultAsync(early.Id)));
            for (var i = 2; i < 12; i++)
            {
                await toNew.RecordAsync(late.WithAnswer(Answers.Nps(i)));
                Assert.Equal((i, null), Shape(await toOld.ResultAsync(late.Id)));
                Assert.Equal((i, i), Shape(await toNew.ResultAsync(late.Id)));
                i++;
                await toOld.RecordAsync(late.WithAnswer(Answers.Nps(0)));
                Assert.Equal((i, i), Shape(await toNew.ResultAsync(late.Id)));
                Assert.Equal((i, null), Shape(await toOld.ResultAsync(late.Id)));
            }

            // Lists and totals follow.
            await toNew.RecordAsync(early.Completed());
            await Wait.UntilAsync(async () => await ListedAsync(toOld) == (1, 1));
            await toOld.RecordAsync(late.Completed());
            await Wait.UntilAsync(async () => await ListedAsync(toNew) == (2, 0));
            await Wait.UntilAsync(async () => (await toNew.JsonAsync("/api/v2/testResults"))["tests"]!.AsArray().Where(one => (Guid)one!["testId"]! == test).Sum(one => (int)one!["sessions"]!["complete"]!) == 2);

            // Both are there, so it cannot be ended.
            await RunAsync(1, "Nodes of version 2 were there within the last 30 s; stop them first.", "rebuild", "session-results", "--finish");

            // From now on the new one alone.
            var only = toNew;
            await stop.CancelAsync();
            await writing;
            await old.StopAsync();
            await ExecuteAsync("update results.projection_versions set seen_at = now() - interval '31 seconds' where version = 2");
            await RunAsync(0, "", "rebuild", "session-results", "--finish");
            Assert.Equal("mt_doc_session_result_3", await ExecuteAsync("select string_agg(tablename, ',') from pg_tables where tablename like 'mt\\_doc\\_session\\_result%'"));

            Assert.Equal(0, ledger.Failures);
            await ledger.VerifyAsync(_database, only, others: early.Events.Count + late.Events.Count);
            await RunAsync(0, "", "verify", "all");
            Assert.Equal(2, (int)(await only.JsonAsync($"/api/v2/sessionResults?testId={test}"))["meta"]!["pagination"]!["totalCount"]!);
        }

        static (int Tasks, int? Answers) Shape(JsonNode result) => (result["tasks"]!.AsArray().Count, (int?)result["answerCount"]);

        async Task<(int Complete, int Running)> ListedAsync(HttpClient http) => (
            (await http.JsonAsync($"/api/v2/sessionResults?testId={test}"))["sessions"]!.AsArray().Count,
            (await http.JsonAsync($"/api/v2/sessionResults?testId={test}&status=IN_PROGRESS"))["sessions"]!.AsArray().Count);
    }

    private static async Task<HttpClient> ClientAsync(ServiceProcess service)
    {
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        return http;
    }

    private async Task RunAsync(int expected, string error, params string[] arguments)
    {
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(_next, arguments, Environment);
        Assert.True((exitCode, errors.Trim()) == (expected, error), $"{exitCode}\n{output}\n{errors}");
    }

    private async Task<object?> ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancelled);
    }
}
