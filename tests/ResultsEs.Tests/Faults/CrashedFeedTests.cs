using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Changes;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Faults;

/// <summary>A reader of the feed whose server is killed before the log of what it was told is written by itself.</summary>
public sealed class CrashedFeedTests : IDisposable
{
    private const string Name = "crashed";

    // More than the numbers that PostgreSQL logs of a sequence ahead of their use.
    private const int RolledBack = 60;

    private readonly string _home = ThrowAway.NewHome();
    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        ThrowAway.Remove(_home);
        _data.Dispose();
    }

    [Fact]
    public async Task A_number_that_was_rolled_back_and_told_is_not_given_again_after_a_crash()
    {
        var binaries = PostgresBinaries.Find();
        Assert.SkipWhen(binaries is null, "This test runs the PostgreSQL of this machine, and there is none.");
        var options = new ClusterOptions(_home, binaries);
        await using var cluster = await PostgresCluster.StartAsync(options, NullLogger.Instance, Cancelled);
        await cluster.CreateDatabaseAsync(Name, Cancelled);
        var database = cluster.ConnectionString(Name);
        await using var host = await AppFixture.StartAsync(
            "Development", _data,
            [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, database), new("Logging:LogLevel:Default", "Critical")]);
        using var http = await AppFixture.ClientAsync(host, TestClients.Hooks);
        await using var sql = NpgsqlDataSource.Create(database + ";Pooling=false");
        // What nobody has flushed stays in memory.
        await ExecuteAsync("alter system set wal_writer_delay = '10s'");
        await ExecuteAsync("select pg_reload_conf()");
        var (before, after) = (TestData.Session(), TestData.Session());
        await http.RecordAsync(before);
        var follower = new Follower();
        Assert.Contains(await follower.CatchUpAsync(http), change => (Guid)change["sessionId"]! == before.Id);

        await ExecuteAsync($"begin; select nextval('results.change_position') from generate_series(1, {RolledBack}); rollback");
        var told = await LastAsync();
        Assert.Empty(await follower.CatchUpAsync(http));
        ThrowAway.Kill(options.Data);
        await Wait.UntilAsync(async () => await LastAsync() > 0);

        Assert.True(await LastAsync() >= told, "the sequence has forgotten what was told");
        await http.UntilRecordedAsync(after);
        var seen = follower.Seen.Count;
        // Connections of before the crash fail once.
        await Wait.UntilAsync(() => follower.TryReadAsync(http));
        Assert.Equal([after.Id], follower.Seen.Skip(seen).Select(change => (Guid)change["sessionId"]!));

        async Task ExecuteAsync(string text)
        {
            await using var command = sql.CreateCommand(text);
            await command.ExecuteNonQueryAsync(Cancelled);
        }

        // Zero while the server starts again.
        async Task<long> LastAsync()
        {
            try
            {
                return (long)(await sql.CreateCommand("select last_value from results.change_position").ExecuteScalarAsync(Cancelled))!;
            }
            catch (NpgsqlException)
            {
                return 0;
            }
        }
    }
}
