using Npgsql;

namespace ResultsEs.Rebuilding;

/// <summary>Held by the one rebuild that may run on a database, over all nodes; PostgreSQL lets go of it when the connection ends, however it ends.</summary>
internal sealed class RebuildLock : IAsyncDisposable
{
    private RebuildLock(NpgsqlConnection connection) => Connection = connection;

    /// <summary>The connection that holds the lock: what is done on it is done while it is held.</summary>
    public NpgsqlConnection Connection { get; }

    /// <summary>The lock; null when another rebuild holds it.</summary>
    public static async Task<RebuildLock?> TryTakeAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        var connection = await database.OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('results.rebuild', 0))", connection);
        if ((bool)(await command.ExecuteScalarAsync(cancellation))!)
            return new RebuildLock(connection);

        await connection.DisposeAsync();
        return null;
    }

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
}
