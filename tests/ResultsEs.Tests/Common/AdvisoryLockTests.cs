using Npgsql;
using ResultsEs.Common;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Common;

public sealed class AdvisoryLockTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lock_has_one_holder_until_it_is_disposed_or_its_transaction_ends()
    {
        await using var database = NpgsqlDataSource.Create(await TestDatabase.CreateEmptyAsync());
        await using var connection = await database.OpenConnectionAsync(Cancelled);
        await using (await AdvisoryLock.TryHoldAsync(database, "one", Cancelled))
        {
            Assert.Null(await AdvisoryLock.TryHoldAsync(database, "one", Cancelled));
            await using var other = await AdvisoryLock.TryHoldAsync(database, "two", Cancelled);
            Assert.NotNull(other);
            await using var refused = await connection.BeginTransactionAsync(Cancelled);
            Assert.False(await AdvisoryLock.TryInTransactionAsync(connection, "one", Cancelled));
        }

        await using (await connection.BeginTransactionAsync(Cancelled))
        {
            await AdvisoryLock.WaitInTransactionAsync(connection, "one", Cancelled);
            Assert.Null(await AdvisoryLock.TryHoldAsync(database, "one", Cancelled));
        }

        await using var again = await AdvisoryLock.TryHoldAsync(database, "one", Cancelled);
        Assert.NotNull(again);
    }
}
