using Npgsql;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>
/// Folds streams afresh and stores what comes of it in the place of their documents. Writers lock a stream before they read its document
/// (<see cref="TargetStream"/>), and so does this: whichever comes second sees what the first has stored.
/// </summary>
internal static class Refolding
{
    /// <summary>Makes the documents of these streams what their events say, in one transaction under the streams' locks.</summary>
    /// <returns>The streams whose documents were something else.</returns>
    public static async Task<IReadOnlyList<StreamKey>> RefoldAsync(
        NpgsqlDataSource database, DocumentTable table, IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation)
    {
        if (streams.Count == 0)
            return [];

        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await AppendedAsync(connection, table, streams, isLocked: true, cancellation);
        var changed = await StoreAndTellAsync(connection, table, appended, cancellation);
        await transaction.CommitAsync(cancellation);
        return changed;
    }

    /// <summary>
    /// Brings the document of a stream up to its events, where it is behind them, and reads while no writer can leave it behind again: under constant writing
    /// a reader would else come too late each time.
    /// </summary>
    /// <returns>What <paramref name="read"/> reads.</returns>
    public static async Task<T> CatchUpAsync<T>(
        NpgsqlDataSource database, DocumentTable table, StreamKey stream, Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await AppendedAsync(connection, table, [stream], isLocked: true, cancellation);
        // Another reader may have done it while this one waited for the lock.
        if (appended.Count > 0 && await IsBehindAsync(connection, table, stream, cancellation))
            await StoreAndTellAsync(connection, table, appended, cancellation);

        var result = await read(connection);
        await transaction.CommitAsync(cancellation);
        return result;
    }

    /// <summary>Those of the streams that fold into this table, with the time of their last event; locked in the order in which writers lock them.</summary>
    internal static async Task<IReadOnlyDictionary<StreamKey, DateTime>> AppendedAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamKey> streams, bool isLocked, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id) finds the rows.
        await using var command = new NpgsqlCommand(
            $"""
            select s.tenant_id, s.id, s.timestamp
            from unnest($1, $2) k(tenant_id, id)
            join {MartenSetup.Schema}.mt_streams s on s.tenant_id = k.tenant_id and s.id = k.id
            where s.type = '{table.StreamType}'
            order by s.tenant_id, s.id
            {(isLocked ? "for update of s" : "")}
            """, connection);
        command.Parameters.AddKeys(streams);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var appended = new Dictionary<StreamKey, DateTime>();
        while (await reader.ReadAsync(cancellation))
            appended[new StreamKey(reader.GetString(0), reader.GetGuid(1))] = reader.GetDateTime(2);
        return appended;
    }

    /// <summary>Stores the documents of locked streams, and names the sessions that may count otherwise.</summary>
    private static async Task<IReadOnlyList<StreamKey>> StoreAndTellAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> appended, CancellationToken cancellation)
    {
        var changed = await StoreAsync(connection, table, table.Name, appended, cancellation);
        if (table.StreamType == SessionResultTable.StreamType)
            await RecountQueue.Written.EnqueueAsync(connection, changed, cancellation);
        return changed;
    }

    private static async Task<bool> IsBehindAsync(NpgsqlConnection connection, DocumentTable table, StreamKey stream, CancellationToken cancellation)
    {
        // The primary keys (tenant_id, id) find the rows.
        await using var command = new NpgsqlCommand(
            $"""
            select d.mt_version is distinct from s.version
            from {MartenSetup.Schema}.mt_streams s
            left join {MartenSetup.Schema}.{table.Name} d on d.tenant_id = s.tenant_id and d.id = s.id
            where s.tenant_id = $1 and s.id = $2
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream.Id });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Folds streams and stores their documents in the table called <paramref name="name"/>.</summary>
    /// <returns>The streams whose documents were something else.</returns>
    internal static async Task<IReadOnlyList<StreamKey>> StoreAsync(
        NpgsqlConnection connection, DocumentTable table, string name, IReadOnlyDictionary<StreamKey, DateTime> appended, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        var keys = new List<StreamKey>();
        await foreach (var stream in StoredStreams.ReadAsync(connection, appended, cancellation))
        {
            batch.BatchCommands.Add(table.Upsert(name, stream.Key, stream.Version, stream.Appended, table.Fold(stream)));
            keys.Add(stream.Key);
        }

        if (keys.Count == 0)
            return [];

        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var changed = new List<StreamKey>();
        foreach (var key in keys)
        {
            if (await reader.ReadAsync(cancellation))
                changed.Add(key);
            await reader.NextResultAsync(cancellation);
        }

        return changed;
    }
}
