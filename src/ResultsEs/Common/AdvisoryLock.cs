using Npgsql;

namespace ResultsEs.Common;

/// <summary>
/// A PostgreSQL advisory lock: one holder over all nodes, known by a name. PostgreSQL lets go of it when the transaction or the
/// connection that holds it ends, however it ends, so a
/// node that is killed leaves nothing to clean up. An instance is a lock that a connection of its own holds until it is disposed.
/// </summary>
internal sealed class AdvisoryLock : IAsyncDisposable
{
    private AdvisoryLock(NpgsqlConnection connection) => Connection = connection;

    /// <summary>The connection that holds the lock: what is done on it is done while it is held.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>Takes the lock on a connection of its own; null when another holds it.</summary>
    public static async Task<AdvisoryLock?> TryHoldAsync(NpgsqlDataSource database, string name, CancellationToken cancellation)
    {
        var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            if (await AskAsync(connection, "pg_try_advisory_lock", name, cancellation) is true)
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

    /// <summary>Takes the lock until the connection's transaction ends; false when another holds it.</summary>
    public static async Task<bool> TryInTransactionAsync(NpgsqlConnection connection, string name, CancellationToken cancellation) =>
        await AskAsync(connection, "pg_try_advisory_xact_lock", name, cancellation) is true;

    /// <summary>Waits for the lock, as long as it takes, and holds it until the connection's transaction ends.</summary>
    public static Task WaitInTransactionAsync(NpgsqlConnection connection, string name, CancellationToken cancellation) =>
        AskAsync(connection, "pg_advisory_xact_lock", name, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // A pooled connection would keep the lock until it is used again.
        if (Connection.State == System.Data.ConnectionState.Open)
        {
            await using var command = new NpgsqlCommand("select pg_advisory_unlock_all()", Connection);
            await command.ExecuteNonQueryAsync();
        }

        await Connection.DisposeAsync();
    }

    private static async Task<object?> AskAsync(NpgsqlConnection connection, string function, string name, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"select {function}(hashtextextended($1, 0))", connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return await command.ExecuteScalarAsync(cancellation);
    }
}
