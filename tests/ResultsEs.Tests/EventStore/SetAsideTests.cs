using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.EventStore;

/// <summary>What shared workers set aside, as operators see it: health, log, list and retry.</summary>
public sealed class SetAsideTests : IDisposable
{
    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    /// <summary>Sessions that a node of another version has appended to, of which one has an event that cannot be read.</summary>
    [Fact]
    public async Task One_session_that_cannot_be_folded_keeps_the_catch_up_from_no_other()
    {
        var database = await TestDatabase.CreateAsync();
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 5).Select(n => TestData.Session(test: test).WithAnswer(Answers.Nps(n))).ToList();
        await using (var before = await StartAsync(database))
        {
            using var http = await AppFixture.ClientAsync(before);
            foreach (var session in sessions)
                await http.RecordAsync(session);
            await Wait.UntilAsync(async () => await AskAsync(database, "select count(*) from results.test_changes") == 0);
        }

        var bad = sessions.OrderBy(session => session.Id).ElementAt(2).Id;
        await ExecuteAsync(
            database,
            $$"""
            update results.mt_doc_session_result_2 set mt_version = mt_version - 1;
            update results.mt_events set data = jsonb_set(data, '{position}', '"x"') where stream_id = '{{bad}}' and type like 'results.TaskAnswered%';
            insert into results.projection_versions (projection, version, built_at)
            values ('session_result', 2, now() - interval '1 day'), ('session_result', 1, now() - interval '1 day')
            on conflict (projection, version) do update set built_at = excluded.built_at
            """);
        using var logs = new CollectedLogs();
        await using var host = await StartAsync(database, logs);
        await Wait.UntilAsync(async () => await AskAsync(database, "select count(*) from results.set_aside") == 1);
        await Wait.UntilAsync(async () => await AskAsync(database, StaleSql) == 1);

        var (exitCode, output, _) = await RunAsync("list", "--worker", "catch-up");
        Assert.Equal(0, exitCode);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("1 set aside", lines[0]);
        Assert.StartsWith($"{bad}  ", lines[1], StringComparison.Ordinal);
        Assert.Contains($"  catch-up  account {TestClients.AccountOne}  ", lines[1], StringComparison.Ordinal);
        Assert.Contains("(results.TaskAnswered.v1, position ", lines[1], StringComparison.Ordinal);
        Assert.Single(logs.Warnings, line => line.Contains($"catch-up has set aside {bad} of account {TestClients.AccountOne}", StringComparison.Ordinal));

        var (failed, _, errors) = await RunAsync("retry", bad.ToString());
        Assert.Equal((1, true), (failed, errors.StartsWith($"{bad}  catch-up  fails again: event ", StringComparison.Ordinal)));
        Assert.True(await AskAsync(database, "select attempts::bigint from results.set_aside") > 1);

        // Over HTTP it is the same, and what succeeds of it is said beside what fails.
        using var operators = await AppFixture.ClientAsync(host, TestClients.Privacy);
        await ExecuteAsync(database, $"insert into results.set_aside (worker, tenant_id, id, reason) values ('erasures', '{TestClients.AccountOne}', '{bad}', 'before')");
        using var again = await operators.PostAsync(new Uri($"/api/v3/operations/setAside/{bad}/retry", UriKind.Relative), null, Cancelled);
        var problem = await again.ProblemAsync(HttpStatusCode.Conflict);
        var listed = Assert.Single((await operators.JsonAsync("/api/v3/operations/setAside"))["items"]!.AsArray())!;
        Assert.Equal($"catch-up fails again: {listed["reason"]}; erasures is done", (string)problem["detail"]!);
        Assert.Equal("catch-up", (string)listed["worker"]!);

        // Mended, it succeeds, and is set aside no longer.
        await ExecuteAsync(database, $"update results.mt_events set data = jsonb_set(data, '{{position}}', '0') where stream_id = '{bad}' and type like 'results.TaskAnswered%'");
        await ExecuteAsync(database, $"insert into results.set_aside (worker, tenant_id, id, reason) values ('erasures', '{TestClients.AccountOne}', '{bad}', 'before')");
        using var mended = await operators.PostAsync(new Uri($"/api/v3/operations/setAside/{bad}/retry?worker=catch-up", UriKind.Relative), null, Cancelled);
        Assert.Equal($$"""{"subjectId":"{{bad}}","workers":["catch-up"]}""", (await mended.JsonAsync()).ToJsonString());
        var (all, done, _) = await RunAsync("retry", "all");
        Assert.Equal((0, $"1 set aside\n{bad}  erasures  done"), (all, done.Trim()));
        Assert.Equal((0, 0), (await AskAsync(database, "select count(*) from results.set_aside"), await AskAsync(database, StaleSql)));

        Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) => ServiceProcess.RunAsync(
            ["set-aside", .. arguments], ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, _data.Path));
    }

    [Fact]
    public async Task What_is_set_aside_is_in_health_and_metrics_and_what_cannot_be_retried_stays()
    {
        var database = await TestDatabase.CreateAsync();
        var item = Guid.NewGuid();
        await ExecuteAsync(database, $"insert into results.set_aside (worker, tenant_id, id, reason) values ('of-another-version', 'a', '{item}', 'JsonException: …')");
        using var service = ServiceProcess.Start(
            [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, _data.Path), ("Telemetry__Prometheus", "true"), ("Management__Url", Operators.AnyPort), ("Access__Issuer", "http://results.example/"), .. ServiceProcess.ToEnvironment(TestClients.Settings())]);
        await service.UntilSaysAsync("Application started");
        service.Ignore();

        JsonNode health = null!;
        await Wait.UntilAsync(async () =>
        {
            health = (await Operators.ReadyAsync(service.Management)).Health["checks"]!["set-aside"]!;
            return (string)health["status"]! == "Degraded";
        });
        var metrics = await Operators.MetricsAsync(service.Management);
        var (exitCode, _, errors) = await ServiceProcess.RunAsync(
            ["set-aside", "retry", "all"], ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", database), (DataFolder.Variable, _data.Path));

        Assert.Equal("Set aside by of-another-version: 1.", (string)health["detail"]!);
        Assert.Equal(1, Value("of-another-version"));
        Assert.Equal(0, Value("catch-up"));
        Assert.Equal((1, $"{item}  of-another-version  stays: this version has no such worker"), (exitCode, errors.Trim()));

        double Value(string worker) => double.Parse(
            metrics.Split('\n').Single(line => line.StartsWith("results_set_aside{", StringComparison.Ordinal) && line.Contains($"\"{worker}\"", StringComparison.Ordinal)).Split(' ')[1],
            CultureInfo.InvariantCulture);
    }

    private const string StaleSql =
        "select count(*) from results.mt_streams s join results.mt_doc_session_result_2 d on d.tenant_id = s.tenant_id and d.id = s.id where d.mt_version <> s.version";

    private Task<Alba.IAlbaHost> StartAsync(string database, CollectedLogs? logs = null) => AppFixture.StartAsync(
        "Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)],
        services =>
        {
            if (logs is not null)
                services.AddSingleton<Microsoft.Extensions.Logging.ILoggerProvider>(logs);
        });

    private static async Task<long> AskAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
