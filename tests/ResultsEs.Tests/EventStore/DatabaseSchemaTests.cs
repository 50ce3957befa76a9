using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.EventStore;

/// <summary>Who makes the tables: an operator where it is Production, and the service everywhere else.</summary>
public sealed class DatabaseSchemaTests : IDisposable
{
    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData]
    [InlineData("verify", "all")]
    public async Task Production_alters_nothing_and_ends_with_the_command_that_does(params string[] arguments)
    {
        var database = await TestDatabase.CreateEmptyAsync();

        var (exitCode, _, errors) = await RunAsync(database, arguments);

        var line = Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(1, exitCode);
        Assert.StartsWith("The database is not as this version needs it: ", line, StringComparison.Ordinal);
        Assert.Contains("results.mt_events", line, StringComparison.Ordinal);
        Assert.Contains("results.wolverine_dead_letters", line, StringComparison.Ordinal);
        Assert.EndsWith(". Run: dotnet ResultsEs.dll db-apply", line, StringComparison.Ordinal);
        Assert.Equal(0L, await AskAsync(database, "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"));
    }

    [Theory]
    [InlineData]
    [InlineData("verify", "all")]
    [InlineData("db-apply")]
    public async Task A_database_that_cannot_be_used_is_told_in_a_line(params string[] arguments)
    {
        var database = await TestDatabase.CreateEmptyAsync();
        var name = new NpgsqlConnectionStringBuilder(database).Database;

        var (exitCode, _, errors) = await RunAsync(database.Replace(name!, "nowhere", StringComparison.Ordinal), arguments);

        Assert.Equal((1, "The database cannot be used: 3D000: database \"nowhere\" does not exist"), (exitCode, errors.Trim()));
    }

    /// <summary>A service that may read and write its tables and no more, as an operator may want it; rebuilding takes the role that owns them.</summary>
    [Fact]
    public async Task The_service_needs_to_read_and_write_its_tables_alone()
    {
        var database = await TestDatabase.CreateAsync();
        var role = "service_" + Guid.NewGuid().ToString("n");
        await ExecuteAsync(
            database,
            $"""
            create role {role} login password 'secret';
            grant usage on schema results to {role};
            grant select, insert, update, delete on all tables in schema results to {role};
            grant usage, select on all sequences in schema results to {role}
            """);
        var confined = new NpgsqlConnectionStringBuilder(database) { Username = role, Password = "secret" }.ConnectionString;
        var session = TestData.SessionWithEverything();
        await using (var host = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, confined)]))
        using (var http = await AppFixture.ClientAsync(host))
        {
            await http.RecordAsync(session);
            await Wait.UntilAsync(async () => (await http.JsonAsync("/api/v2/testResults"))["tests"]!.AsArray().Sum(one => (int)one!["sessions"]!["complete"]!) == 1);

            var refused = await RunAsync(confined, "rebuild", "session-results");
            Assert.Equal(
                (1, "permission denied for schema results. Tables are made and take each other's place, so it takes the role that owns them: the one that runs db-apply."),
                (refused.ExitCode, refused.Errors.Trim()));
            Assert.Equal((0, ""), await VerifyAsync(confined));
            Assert.Equal(0, (await RunAsync(database, "rebuild", "session-results")).ExitCode);
            Assert.Equal(session.Id, (Guid)(await http.ResultAsync(session.Id))["sessionId"]!);
        }

        await ExecuteAsync(database, $"drop owned by {role}; drop role {role}");
    }

    [Fact]
    public async Task What_differs_is_named_by_the_service_and_by_db_assert_and_mended_by_db_apply()
    {
        var database = await TestDatabase.CreateAsync();
        Assert.Equal(0, (await RunAsync(database, "db-assert")).ExitCode);
        await ExecuteAsync(database, "drop index results.ix_session_result_2_list; create table results.mt_doc_session_result_2_building (id int)");

        Assert.Equal(1, (await RunAsync(database, "db-assert")).ExitCode);
        var (exitCode, _, errors) = await RunAsync(database);
        Assert.Equal((1, "The database is not as this version needs it: results.mt_doc_session_result_2. Run: dotnet ResultsEs.dll db-apply"), (exitCode, errors.Trim()));

        Assert.Equal(0, (await RunAsync(database, "db-apply")).ExitCode);
        Assert.Equal(0, (await RunAsync(database, "db-assert")).ExitCode);
        Assert.Equal((0, ""), await VerifyAsync(database));
    }

    [Fact]
    public async Task A_patch_says_what_db_apply_would_do()
    {
        var database = await TestDatabase.CreateEmptyAsync();
        var file = Path.Combine(_data.Path, "patch.sql");
        Assert.Equal(0, (await RunAsync(database, "db-patch", file, "--database", "Main")).ExitCode);
        await ExecuteAsync(database, await File.ReadAllTextAsync(file, Cancelled));
        var rest = Path.Combine(_data.Path, "rest.sql");
        Assert.Equal(0, (await RunAsync(database, "db-patch", rest, "--database", "WolverineEnvelopeStorage")).ExitCode);
        await ExecuteAsync(database, await File.ReadAllTextAsync(rest, Cancelled));

        Assert.Equal(0, (await RunAsync(database, "db-assert")).ExitCode);
        Assert.Equal((0, ""), await VerifyAsync(database));

        // There is nothing more to do.
        var none = Path.Combine(_data.Path, "none.sql");
        Assert.Equal(0, (await RunAsync(database, "db-patch", none, "--database", "Main")).ExitCode);
        Assert.False(File.Exists(none));
    }

    [Fact]
    public async Task Two_operators_who_apply_at_once_are_both_done()
    {
        var database = await TestDatabase.CreateEmptyAsync();

        var runs = await Task.WhenAll(RunAsync(database, "db-apply"), RunAsync(database, "db-apply"));

        Assert.All(runs, run => Assert.True(run.ExitCode == 0, run.Output + run.Errors));
        Assert.Equal(0, (await RunAsync(database, "db-assert")).ExitCode);
    }

    [Fact]
    public async Task Nodes_that_start_at_once_on_an_empty_database_make_it_together()
    {
        var database = await TestDatabase.CreateEmptyAsync();
        var environment = Environment(database, "Staging").ToList();
        using ServiceProcess one = ServiceProcess.Start(environment), two = ServiceProcess.Start(environment);

        foreach (var node in new[] { one, two })
        {
            await node.UntilSaysAsync("Application started");
            using var http = new HttpClient { BaseAddress = node.Address };
            using var ready = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancelled);
            Assert.Equal(System.Net.HttpStatusCode.OK, ready.StatusCode);
        }
    }

    [Fact]
    public async Task Sessions_without_documents_of_this_version_are_named_in_Production_and_built_elsewhere()
    {
        var database = await TestDatabase.CreateAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await using (var host = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]))
        using (var http = await AppFixture.ClientAsync(host))
            await http.RecordAsync(session);
        // As a version leaves it that knew nothing of versions.
        const string Forget = "delete from results.projection_versions; update results.mt_doc_session_result_2 set listed_at = null";

        await ExecuteAsync(database, Forget);
        var (exitCode, _, errors) = await RunAsync(database);
        Assert.Equal(
            (1, "The sessions have no documents of version 2 of the projection yet. Build them, while nodes of other versions serve: dotnet ResultsEs.dll rebuild session-results"),
            (exitCode, errors.Trim()));
        Assert.Equal(0, (await RunAsync(database, "rebuild", "session-results")).ExitCode);
        await IsListedAsync("Production");

        await ExecuteAsync(database, Forget);
        await IsListedAsync("Staging");

        async Task IsListedAsync(string environment)
        {
            await using var host = await AppFixture.StartAsync(environment, _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, database)]);
            using var http = await AppFixture.ClientAsync(host);
            var list = await http.JsonAsync($"/api/v2/sessionResults?testId={(await http.ResultAsync(session.Id))["testId"]}&status=IN_PROGRESS");
            Assert.Equal(session.Id, (Guid)Assert.Single(list["sessions"]!.AsArray())!["sessionId"]!);
        }
    }

    private async Task<(int ExitCode, string Errors)> VerifyAsync(string database)
    {
        var run = await RunAsync(database, "verify", "all");
        return (run.ExitCode, run.Errors);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string database, params string[] arguments) =>
        ServiceProcess.RunAsync(arguments, Environment(database, "Production"));

    private IEnumerable<(string Name, string Value)> Environment(string database, string environment) =>
        [("ASPNETCORE_ENVIRONMENT", environment), ("ConnectionStrings__results", database), (DataFolder.Variable, _data.Path), .. ServiceProcess.ToEnvironment(TestClients.Settings())];

    private static async Task<object?> AskAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancelled);
    }

    private static Task ExecuteAsync(string database, string sql) => AskAsync(database, sql);
}
