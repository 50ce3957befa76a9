namespace ResultsEs.Common;

/// <summary>
/// A PostgreSQL advisory lock with a name: one holder among all nodes. PostgreSQL releases it when the transaction or connection that
/// holds it ends in any way, so a killed node leaves nothing to clean up. An instance owns the connection that holds its lock.
/// </summary>
internal sealed class AdvisoryLock : IAsyncDisposable
{
    private AdvisoryLock(NpgsqlConnection connection) => Connection = connection;

    /// <summary>The connection that holds the lock. What runs on it runs under the lock.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Takes the lock on a connection of its own; null when it is held already.</summary>
    public static async Task<AdvisoryLock?> TryHoldAsync(NpgsqlDataSource database, string name, CancellationToken cancellation)
    {
        var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            if (await LockAsync(connection, "pg_try_advisory_lock", name, cancellation) is true)
                return new AdvisoryLock(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Takes the lock until the connection's transaction ends; false when it is held already.</summary>
    public static async Task<bool> TryInTransactionAsync(NpgsqlConnection connection, string name, CancellationToken cancellation) =>
        await LockAsync(connection, "pg_try_advisory_xact_lock", name, cancellation) is true;

    /// <summary>Waits for the lock without a timeout and holds it until the connection's transaction ends.</summary>
    public static Task WaitInTransactionAsync(NpgsqlConnection connection, string name, CancellationToken cancellation) =>
        LockAsync(connection, "pg_advisory_xact_lock", name, cancellation);

    public async ValueTask DisposeAsync()
    {
        // In the pool the connection would keep the lock until its next use.
        if (Connection.State == System.Data.ConnectionState.Open)
        {
            await using var command = new NpgsqlCommand("select pg_advisory_unlock_all()", Connection);
            await command.ExecuteNonQueryAsync();
        }

        await Connection.DisposeAsync();
    }

    private static async Task<object?> LockAsync(NpgsqlConnection connection, string function, string name, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select {function}(hashtextextended($1, 0))", connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return await command.ExecuteScalarAsync(cancellation);
    }
}
