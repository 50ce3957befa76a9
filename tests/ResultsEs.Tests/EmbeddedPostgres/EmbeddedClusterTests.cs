using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests.EmbeddedPostgres;

public sealed class EmbeddedClusterTests : ReadyMadeCluster
{
    [Fact]
    public async Task Commits_reach_the_disk_and_only_this_machine_can_connect()
    {
        await using var database = await OpenAsync();

        Assert.Equal(
            "on on on on UTF8 UTC 200 results",
            await AskAsync<string>(database.ConnectionString, """
                select concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'),
                    current_setting('data_checksums'), current_setting('server_encoding'), current_setting('timezone'),
                    current_setting('max_connections'), current_database())
                """));
        Assert.Equal(OperatingSystem.IsWindows() ? "127.0.0.1" : "", await AskAsync<string>(database.ConnectionString, "show listen_addresses"));
        if (!OperatingSystem.IsWindows())
        {
            var socketFolder = new NpgsqlConnectionStringBuilder(database.ConnectionString).Host!;
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(socketFolder));
        }
    }

    [Fact]
    public async Task Data_survives_a_stop_and_a_start()
    {
        await using (var first = await OpenAsync())
            await RecordAsync(first.ConnectionString, "kept");
        Assert.False(IsRunning);

        await using var second = await OpenAsync();
        Assert.Equal("kept", await FactsAsync(second.ConnectionString));
    }

    [Fact]
    public async Task A_killed_server_comes_back_with_every_committed_row()
    {
        await using var database = await OpenAsync();
        await RecordAsync(database.ConnectionString, "committed");

        var killed = Postmaster.ReadPid(Data);
        ThrowAway.Kill(Data);

        await Wait.UntilAsync(() => IsRunning && Postmaster.ReadPid(Data) != killed);
        Assert.Equal("committed", await UntilAnswersAsync(() => FactsAsync(database.ConnectionString)));
    }

    [Fact]
    public async Task Two_services_share_one_server_and_the_last_stops_it()
    {
        var both = await Task.WhenAll(OpenAsync(), OpenAsync());
        Assert.Equal(both[0].ConnectionString, both[1].ConnectionString);

        await both[0].DisposeAsync();
        Assert.Equal("alone", await RecordAsync(both[1].ConnectionString, "alone"));

        await both[1].DisposeAsync();
        Assert.False(IsRunning);
    }

    [Fact]
    public async Task Leaving_is_quiet_when_the_server_is_already_gone()
    {
        var database = await OpenAsync();
        ThrowAway.Kill(Data);

        await database.DisposeAsync();
        await database.DisposeAsync();
        Assert.False(IsRunning);
    }

    [Fact]
    public async Task A_pid_file_that_names_another_program_does_not_prevent_the_start()
    {
        await using (var first = await OpenAsync())
        {
            await RecordAsync(first.ConnectionString, "kept");
            File.Copy(Path.Combine(Data, "postmaster.pid"), Path.Combine(Home, "stale"));
        }

        // This very process: alive, and certainly not PostgreSQL.
        var lines = await File.ReadAllLinesAsync(Path.Combine(Home, "stale"), Cancelled);
        lines[0] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllLinesAsync(Path.Combine(Data, "postmaster.pid"), lines, Cancelled);

        await using var second = await OpenAsync();
        Assert.Equal("kept", await FactsAsync(second.ConnectionString));
    }

    [Fact]
    public async Task What_PostgreSQL_says_about_a_failed_start_is_part_of_the_error()
    {
        File.Delete(Path.Combine(Data, "global", "pg_control"));

        var refusal = await Assert.ThrowsAsync<DatabaseUnavailableException>(OpenAsync);
        Assert.Contains("pg_control", refusal.Message, StringComparison.Ordinal);
    }
}

public sealed class NewClusterTests : OwnDataFolder
{
    [Fact]
    public async Task A_cluster_that_was_never_finished_is_made_anew()
    {
        Directory.CreateDirectory(Path.Combine(Home, "data.unfinished", "base"));
        await File.WriteAllTextAsync(Path.Combine(Home, "data.unfinished", "PG_VERSION"), "15\n", Cancelled);

        await using var database = await OpenAsync();
        Assert.Equal("works", await RecordAsync(database.ConnectionString, "works"));
        Assert.False(Directory.Exists(Path.Combine(Home, "data.unfinished")));
    }

    [Fact]
    public async Task Loopback_with_a_password_works_where_there_are_no_sockets()
    {
        var options = new ClusterOptions(Home, PostgresBinaries.Find()!) { Tcp = true };
        await using var cluster = await PostgresCluster.StartAsync(options, NullLogger.Instance, Cancelled);
        var connectionString = cluster.ConnectionString("postgres");
        Assert.Equal("127.0.0.1", await AskAsync<string>(connectionString, "show listen_addresses"));

        var wrong = new NpgsqlConnectionStringBuilder(connectionString) { Password = "wrong" }.ConnectionString;
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => AskAsync<string>(wrong, "show port"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);

        var killed = Postmaster.ReadPid(Data);
        ThrowAway.Kill(Data);
        await Wait.UntilAsync(() => IsRunning && Postmaster.ReadPid(Data) != killed);
        Assert.Equal("off", await UntilAnswersAsync(() => AskAsync<string>(connectionString, "show ssl")));
    }

    [Fact]
    public async Task A_long_path_with_odd_characters_is_no_obstacle()
    {
        var home = Path.Combine(Home, "it's $HOME, \"quoted\"; " + new string('é', 60));
        await using var cluster = await PostgresCluster.StartAsync(new ClusterOptions(home, PostgresBinaries.Find()!), NullLogger.Instance, Cancelled);

        Assert.Equal("on", await AskAsync<string>(cluster.ConnectionString("postgres"), "show fsync"));
    }
}

public sealed class EmbeddedClusterRefusalTests : OwnDataFolder
{
    [Fact]
    public async Task A_folder_that_cannot_be_used_is_named_together_with_the_way_out()
    {
        if (OperatingSystem.IsWindows())
            return;

        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserExecute;
        File.SetUnixFileMode(Folder, Environment.IsPrivilegedProcess ? Owner | UnixFileMode.UserWrite : Owner);

        var refusal = await Assert.ThrowsAsync<DatabaseUnavailableException>(OpenAsync);
        Assert.Contains(Folder, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("RESULTS_DATA", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__results", refusal.Message, StringComparison.Ordinal);
        File.SetUnixFileMode(Folder, Owner | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task A_folder_of_something_else_is_left_alone()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "thesis.txt"), "mine", Cancelled);

        var refusal = await Assert.ThrowsAsync<DatabaseUnavailableException>(OpenAsync);
        Assert.Contains("not a PostgreSQL cluster", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(Data, "thesis.txt"), Cancelled));
    }

    [Fact]
    public async Task A_cluster_of_another_major_version_is_refused_and_not_touched()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "PG_VERSION"), "9\n", Cancelled);

        var options = new ClusterOptions(Home, PostgresBinaries.Find()!);
        var refusal = await Assert.ThrowsAsync<DatabaseUnavailableException>(() => PostgresCluster.StartAsync(options, NullLogger.Instance, Cancelled));
        Assert.Contains("made by PostgreSQL 9", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(["PG_VERSION"], Directory.EnumerateFileSystemEntries(Data).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    [Fact]
    public async Task Without_binaries_and_network_the_error_says_what_was_looked_for_and_what_to_do()
    {
        using var offline = new HttpClient(new Offline());
        var refusal = await Assert.ThrowsAsync<DatabaseUnavailableException>(() => PostgresBinaries.GetAsync(
            ["/nowhere/bin"], Path.Combine(Folder, "postgres-binaries"), majorVersion: null, offline, NullLogger.Instance, Cancelled));

        Assert.All(
            ["ConnectionStrings__results", "initdb", "PATH", "/usr/lib/postgresql/*/bin", "could not be downloaded", "Install PostgreSQL"],
            expected => Assert.Contains(expected, refusal.Message, StringComparison.Ordinal));
    }

    private sealed class Offline : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new HttpRequestException("no network"));
    }
}
