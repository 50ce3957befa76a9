using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests.EmbeddedPostgres;

public sealed class FindingTests
{
    [Fact]
    public async Task A_configured_connection_string_wins_over_everything()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:results", "Host=db.example;Username=app;Password=secret;Database=live")])
            .Build();

        await using var database = await Database.OpenAsync(configuration, NullLogger.Instance, TestContext.Current.CancellationToken);

        Assert.Equal("Host=db.example;Username=app;Password=secret;Database=live", database.ConnectionString);
        Assert.Contains("db.example", database.Description, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", database.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_malformed_connection_string_is_refused_without_repeating_it()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("ConnectionStrings:results", "Host=db.example;Password=se;cret=x")])
            .Build();

        var refusal = await Assert.ThrowsAsync<DatabaseUnavailableException>(
            () => Database.OpenAsync(configuration, NullLogger.Instance, TestContext.Current.CancellationToken));

        Assert.Contains("ConnectionStrings__results", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("cret", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void PATH_comes_first_then_the_newest_installed_version_then_Homebrew()
    {
        var order = PostgresBinaries.SearchOrder($"/first{Path.PathSeparator}/second", parent => parent switch
        {
            "/usr/lib/postgresql" => ["9", "15", "17", "16"],
            "/opt/homebrew/opt" => ["redis", "postgresql@16", "postgresql@17"],
            _ => [],
        });

        Assert.Equal(
            [
                "/first", "/second",
                "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9/bin",
                "/opt/homebrew/opt/postgresql@17/bin", "/opt/homebrew/opt/postgresql@16/bin",
            ],
            order.Where(folder => folder.Contains("postgresql", StringComparison.Ordinal) && !folder.Contains('*', StringComparison.Ordinal) || folder is "/first" or "/second"),
            StringComparer.Ordinal);
    }

    [Fact]
    public void A_folder_counts_only_with_all_programs_of_a_server()
    {
        string[] files = ["/client/psql", "/client/pg_ctl", "/server/initdb", "/server/postgres", "/server/pg_ctl"];

        var complete = PostgresBinaries.Complete(
            ["/client", "/server"], file => files.Contains(file.Replace('\\', '/').Replace(".exe", "", StringComparison.Ordinal), StringComparer.Ordinal));

        Assert.Equal("/server", Assert.Single(complete));
    }

    [Theory]
    [InlineData(null, "/repo/src/ResultsEs", "/elsewhere", "/repo/.data")]
    [InlineData(null, "/tmp", "/repo/src/ResultsEs/bin/Debug", "/repo/.data")]
    [InlineData(null, "/tmp", "/app", "/tmp/.data")]
    [InlineData("/var/lib/results/", "/repo", "/repo", "/var/lib/results")]
    [InlineData("data", "/repo", "/repo", "/repo/data")]
    public void Data_lives_at_the_root_of_the_repository_unless_moved(string? configured, string current, string program, string expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The examples are Unix paths.");

        Assert.Equal(expected, DataFolder.Find(configured, current, program, file => file is "/repo/ResultsEs.sln"));
    }

    [Theory]
    [InlineData("/repo/.data", false, true, null, "/repo/.data/postgres")]
    [InlineData("/root/repo/.data", false, false, "/root", "/root/repo/.data/postgres")]
    [InlineData("/root/data", true, true, "/root", "/root/data/postgres")]
    [InlineData("/root/repo/.data", false, true, "/root", "/var/lib/results-es/9970ec8771b27011/postgres")]
    public void A_cluster_of_root_that_nobody_else_could_enter_lives_below_var_lib_unless_its_place_was_chosen(
        string folder, bool moved, bool privileged, string? closed, string expected) =>
        Assert.Equal(expected, Database.Home(folder, moved, privileged, _ => closed));
}
