using Npgsql;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Rebuilding;

/// <summary>What <c>-- rebuild</c> does not begin, on one database, where it changes nothing.</summary>
public sealed class RebuildRefusalTests(RebuildRefusalTests.Empty database) : IClassFixture<RebuildRefusalTests.Empty>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task There_is_one_rebuild_at_a_time()
    {
        // In a pool the connection would keep the lock.
        await using var other = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString);
        await other.OpenAsync(Cancelled);
        await using (var take = new NpgsqlCommand("select pg_advisory_lock(hashtextextended('results.rebuild', 0))", other))
            await take.ExecuteNonQueryAsync(Cancelled);

        foreach (var arguments in new string[][] { ["session-results"], ["highlight-reels"], ["test-definitions"], ["session-results", "--session", Guid.NewGuid().ToString()], ["session-results", "--abandon"] })
        {
            var run = await RunAsync(arguments);
            Assert.Equal((1, "Another rebuild is running on this database; there can be one at a time."), (run.ExitCode, run.Errors.Trim()));
        }
    }

    [Theory]
    [InlineData("--account must be a UUID.", "session-results", "--account", "x")]
    [InlineData("--test must be a UUID.", "session-results", "--test", "x")]
    [InlineData("--session must be a UUID.", "session-results", "--session", "x")]
    [InlineData("--parallel must be from 1 to 64.", "session-results", "--parallel", "0")]
    [InlineData("highlight-reels takes --account alone.", "highlight-reels", "--test", "0d3a0000-0000-4000-8000-000000000001")]
    [InlineData("test-definitions takes --account alone.", "test-definitions", "--session", "0d3a0000-0000-4000-8000-000000000001")]
    [InlineData("test-totals is rebuilt as a whole, without options.", "test-totals", "--abandon")]
    [InlineData("--abandon and --finish are two things.", "session-results", "--abandon", "--finish")]
    [InlineData("--abandon and --finish take no other options.", "session-results", "--finish", "--parallel", "2")]
    public async Task What_cannot_be_rebuilt_says_why(string expected, params string[] arguments)
    {
        var run = await RunAsync(arguments);

        Assert.Equal((1, expected), (run.ExitCode, run.Errors.Trim()));
    }

    /// <summary>Parts that take more connections than there are would wait for each other.</summary>
    [Theory]
    [InlineData(100, "64", "--parallel may be at most 28 with the Maximum Pool Size of ConnectionStrings__results.")]
    [InlineData(20, "4", "--parallel may be at most 3 with the Maximum Pool Size of ConnectionStrings__results.")]
    [InlineData(20, "3", "")]
    public async Task There_are_as_many_parts_at_once_as_there_are_connections_for(int connections, string parallel, string expected)
    {
        var run = await RunAsync(["session-results", "--parallel", parallel], connections);

        Assert.Equal((expected.Length == 0 ? 0 : 1, expected), (run.ExitCode, run.Errors.Trim()));
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string[] arguments, int connections = 100) => ServiceProcess.RunAsync(
        ["rebuild", .. arguments],
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("ConnectionStrings__results", new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = connections }.ConnectionString));

    /// <summary>A database with the tables and nothing in them.</summary>
    public sealed class Empty : IAsyncLifetime
    {
        internal string ConnectionString { get; private set; } = null!;

        public async ValueTask InitializeAsync() => ConnectionString = await TestDatabase.CreateAsync();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
