using Npgsql;

namespace ResultsEs.EventStore;

/// <summary>Queues, in the transaction of <paramref name="connection"/>, what follows from changed documents.</summary>
internal delegate Task DocumentsChanged(NpgsqlConnection connection, DocumentTable table, IReadOnlyList<StreamKey> changed, CancellationToken cancellation);

/// <summary>
/// Projects whole streams again and stores the documents. Appends lock a stream before they read its document, and so does this:
/// whichever comes second sees what the first has stored.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="listeners">Told, in the transaction, which documents changed.</param>
internal sealed class DocumentRefresh(NpgsqlDataSource database, IEnumerable<DocumentsChanged> listeners)
{
    /// <summary>Makes the documents of these streams what their events say, in one transaction under the streams' locks.</summary>
    /// <returns>The streams whose documents were something else.</returns>
    public async Task<IReadOnlyList<StreamKey>> RefreshAsync(DocumentTable table, IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation)
    {
        if (streams.Count == 0)
            return [];

        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var changed = await StoreLockedAsync(connection, table, await AppendedAsync(connection, table, streams, isLocked: true, cancellation), cancellation);
        await transaction.CommitAsync(cancellation);
        return changed;
    }

    /// <summary>
    /// Catches a document up with its stream, and reads before the lock is gone: under constant writing
    /// a reader would else come too late each time.
    /// </summary>
    /// <returns>What <paramref name="read"/> reads.</returns>
    public async Task<T> CatchUpAsync<T>(DocumentTable table, StreamKey stream, Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await AppendedAsync(connection, table, [stream], isLocked: true, cancellation);
        // Another reader may have done it while this one waited for the lock.
        if (appended.Count > 0 && await LagsAsync(connection, table, stream, cancellation))
            await StoreLockedAsync(connection, table, appended, cancellation);
        else
            await SetNoLagAsync(connection, table, stream, cancellation);

        var result = await read(connection);
        await transaction.CommitAsync(cancellation);
        return result;
    }

    /// <summary>Those of the streams that fold into this table, with the time of their last event; locked in the order in which appends lock them.</summary>
    public static async Task<IReadOnlyDictionary<StreamKey, DateTime>> AppendedAsync(
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

    /// <summary>Folds streams and stores their documents in the table called <paramref name="name"/>.</summary>
    /// <returns>The streams whose documents were something else.</returns>
    public static async Task<IReadOnlyList<StreamKey>> StoreAsync(
        NpgsqlConnection connection, DocumentTable table, string name, IReadOnlyDictionary<StreamKey, DateTime> appended, CancellationToken cancellation)
    {
        var documents = new List<DocumentWrite>();
        await foreach (var stream in StoredStreams.ReadAsync(connection, table, appended, cancellation))
            documents.Add(new DocumentWrite(stream.Key, stream.Version, stream.Appended, table.Fold(stream)));
        if (documents.Count == 0)
            return [];

        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { table.Upsert(name, documents) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var changed = new List<StreamKey>();
        while (await reader.ReadAsync(cancellation))
            changed.Add(new StreamKey(reader.GetString(0), reader.GetGuid(1)));
        return changed;
    }

    private async Task<IReadOnlyList<StreamKey>> StoreLockedAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> appended, CancellationToken cancellation)
    {
        var changed = await StoreAsync(connection, table, table.Name, appended, cancellation);
        foreach (var listener in listeners)
            await listener(connection, table, changed, cancellation);
        return changed;
    }

    /// <summary>Notes that a document lacks nothing, where its row does not say.</summary>
    private static async Task SetNoLagAsync(NpgsqlConnection connection, DocumentTable table, StreamKey stream, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"update {table.QualifiedName} d set lag = 0 where d.tenant_id = $1 and d.id = $2 and d.lag is null", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream.Id });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task<bool> LagsAsync(NpgsqlConnection connection, DocumentTable table, StreamKey stream, CancellationToken cancellation)
    {
        // The primary keys (tenant_id, id) find the rows.
        await using var command = new NpgsqlCommand(
            $"""
            select d.mt_version is distinct from s.version
            from {MartenSetup.Schema}.mt_streams s
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            where s.tenant_id = $1 and s.id = $2
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stream.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream.Id });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
