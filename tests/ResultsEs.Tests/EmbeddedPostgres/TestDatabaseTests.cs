using Npgsql;

namespace ResultsEs.Tests.EmbeddedPostgres;

public sealed class TestDatabaseTests
{
    [Fact]
    public async Task Each_call_gives_a_new_empty_database_that_answers()
    {
        var connectionStrings = await Task.WhenAll(TestDatabase.CreateAsync(), TestDatabase.CreateAsync(), TestDatabase.CreateAsync());

        Assert.Equal(3, connectionStrings.Distinct(StringComparer.Ordinal).Count());
        foreach (var connectionString in connectionStrings)
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var command = source.CreateCommand("select count(*) from pg_tables where schemaname = 'public'");
            Assert.Equal(0L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        }
    }
}
