using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.EventStore;

/// <summary>Connections that stay out of their pool between reads.</summary>
public sealed class KeptConnectionsTests
{
    private const string Backend = "select pg_backend_pid() where $1::text is not null and $2::uuid[] is not null and $3::uuid is not null";
    private const string Failing = "select case when $3::uuid is not null then 1 / ($1::text is null)::int end where $2::uuid[] is not null";

    private static readonly Caller Anybody = new(Guid.NewGuid(), [Guid.NewGuid()], "anybody", []);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reads_one_after_the_other_are_of_one_connection()
    {
        await using var source = await OpenAsync(most: 8);
        using var kept = new KeptConnections(source);

        Assert.Equal(await BackendAsync(kept), await BackendAsync(kept));
    }

    [Fact]
    public async Task What_the_server_closed_fails_one_read_and_no_other()
    {
        await using var source = await OpenAsync(most: 16);
        using var kept = new KeptConnections(source);
        var backends = await Task.WhenAll(BackendAsync(kept), BackendAsync(kept), BackendAsync(kept));

        await using (var others = await OpenAsync(most: 1))
        await using (var end = others.CreateCommand("select pg_terminate_backend(p, 10000) from unnest($1) p"))
        {
            end.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. backends.Distinct()] });
            await end.ExecuteNonQueryAsync(Cancelled);
        }

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => BackendAsync(kept));
        Assert.DoesNotContain(await BackendAsync(kept), backends);
    }

    [Fact]
    public async Task A_read_that_fails_leaves_its_connection_to_others()
    {
        await using var source = await OpenAsync(most: 8);
        using var kept = new KeptConnections(source);

        await Assert.ThrowsAsync<PostgresException>(() => ReadAsync(kept, Failing));

        Assert.NotEqual(0, await BackendAsync(kept));
    }

    [Fact]
    public async Task A_small_pool_is_left_to_others()
    {
        await using var source = await OpenAsync(most: 1);
        using var kept = new KeptConnections(source);
        await BackendAsync(kept);

        await using var other = await source.OpenConnectionAsync(Cancelled);
    }

    [Fact]
    public async Task Nothing_is_kept_once_it_is_closed()
    {
        await using var source = await OpenAsync(most: 4);
        var kept = new KeptConnections(source);
        await BackendAsync(kept);
        kept.Dispose();
        await BackendAsync(kept);

        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => source.OpenConnectionAsync(Cancelled).AsTask()));
        foreach (var connection in all)
            await connection.DisposeAsync();
    }

    private static Task<int> BackendAsync(KeptConnections kept) => ReadAsync(kept, Backend);

    private static Task<int> ReadAsync(KeptConnections kept, string sql) => kept.ReadRowAsync(sql, Anybody, Guid.NewGuid(), reader => reader.GetInt32(0), Cancelled);

    // Who finds the pool empty gives up at once.
    private static async Task<NpgsqlDataSource> OpenAsync(int most) =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(await TestDatabase.CreateEmptyAsync()) { MaxPoolSize = most, Timeout = 5 });
}
