namespace ResultsEs.EventStore;

/// <summary>Queues what follows from changed documents, in the transaction of <paramref name="connection"/>.</summary>
internal delegate Task DocumentsChanged(
    NpgsqlConnection connection, DocumentTable table, IReadOnlyList<StreamKey> changed, CancellationToken cancellation);

/// <summary>
/// Folds whole streams again, stores the documents, and tells listeners which changed, all in one transaction.
/// Like an append it locks a stream before it reads, so the second of two writers sees what the first has stored.
/// </summary>
internal sealed class DocumentRefresh(NpgsqlDataSource database, IEnumerable<DocumentsChanged> listeners)
{
    /// <summary>Makes the documents of these streams what their events say, in one transaction under the streams' locks.</summary>
    /// <returns>The streams whose documents differed.</returns>
    public async Task<IReadOnlyList<StreamKey>> RefreshAsync(
        DocumentTable table, IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation)
    {
        if (streams.Count == 0)
            return [];

        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await AppendedAsync(connection, table, streams, isLocked: true, cancellation);
        var changed = await StoreLockedAsync(connection, table, appended, cancellation);
        await transaction.CommitAsync(cancellation);
        return changed;
    }

    /// <summary>Catches a document up with its stream and reads it under the same lock, so no writer can come between.</summary>
    public async Task<T> CatchUpAsync<T>(
        DocumentTable table, StreamKey stream, Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await AppendedAsync(connection, table, [stream], isLocked: true, cancellation);
        // Another reader may have caught it up while this one waited for the lock.
        if (appended.Count > 0 && await LagsAsync(connection, table, stream, cancellation))
            await StoreLockedAsync(connection, table, appended, cancellation);
        else
            await SetNoLagAsync(connection, table, stream, cancellation);

        var result = await read(connection);
        await transaction.CommitAsync(cancellation);
        return result;
    }

    /// <summary>Counts how large these streams and their documents are, where the rows are older than the columns that say so.</summary>
    public async Task CountSizesAsync(DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Under the streams' locks, so that no event comes between the count and the row.
        await AppendedAsync(connection, table, streams, isLocked: true, cancellation);
        // Until the document is written again, its own size is that of PostgreSQL's text.
        var tasks = table.MayDefer is null ? "" : $", {DocumentTable.TaskCount} = jsonb_array_length(d.data #> '{{fold,tasks}}')";
        foreach (var key in streams)
            // The primary key (tenant_id, id) finds the row.
            await connection.ExecuteAsync(
                $"""
                update {table.QualifiedName} d
                set {SizedDocument.StreamBytesColumn} = $3, {SizedDocument.DocumentBytesColumn} = octet_length(d.data::text){tasks}
                where d.tenant_id = $1 and d.id = $2
                """, [key.Account, key.Id, await StoredStreams.BytesAsync(connection, key, cancellation)], cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>
    /// Runs a change of a stream's stored events under its lock, and then folds them again, in one transaction; nothing when
    /// <paramref name="rewrite"/> says false.
    /// </summary>
    public async Task RewriteAsync(
        DocumentTable table, StreamKey stream, Func<NpgsqlTransaction, Task<bool>> rewrite, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await AppendedAsync(connection, table, [stream], isLocked: true, cancellation);
        if (!await rewrite(transaction))
            return;

        await StoreLockedAsync(connection, table, appended, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>
    /// Reads which streams fold into this table, with the time of their last event. If asked it marks the transaction for
    /// <see cref="ChangeClock"/>, and locks them in key order.
    /// </summary>
    public static async Task<IReadOnlyDictionary<StreamKey, DateTime>> AppendedAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamKey> streams, bool isLocked,
        CancellationToken cancellation)
    {
        // The primary key (tenant_id, id) finds the rows.
        var appended = await new NpgsqlCommand(
            $"""
            select s.tenant_id, s.id, s.timestamp
            from {(isLocked ? $"(select {ChangeClock.Mark} as marked offset 0) one cross join " : "")}unnest($1, $2) k(tenant_id, id)
            join {MartenSetup.Schema}.mt_streams s on s.tenant_id = k.tenant_id and s.id = k.id
            where s.type = '{table.StreamType}'
            order by s.tenant_id, s.id
            {(isLocked ? "for update of s" : "")}
            """, connection)
            .ReadAllAsync(streams.ToParameters(), reader => (Key: reader.ReadKey(), Time: reader.GetDateTime(2)), cancellation);
        return appended.DistinctBy(stream => stream.Key).ToDictionary(stream => stream.Key, stream => stream.Time);
    }

    /// <summary>
    /// Folds streams and stores their documents in the table called <paramref name="name"/>. In a shadow table the time of change is that
    /// of the last event; in the served one it is now, when readers can first see what another version appended or a repair changed.
    /// </summary>
    /// <returns>The streams whose documents differed.</returns>
    public static async Task<IReadOnlyList<StreamKey>> StoreAsync(
        NpgsqlConnection connection, DocumentTable table, string name, IReadOnlyDictionary<StreamKey, DateTime> appended,
        CancellationToken cancellation)
    {
        var left = name == table.Name ? await OthersAsync(connection, table, [.. appended.Keys], cancellation) : [];
        var documents = new List<DocumentWrite>();
        await foreach (var stream in StoredStreams.ReadAsync(connection, table, appended, cancellation))
        {
            var row = table.Fold(stream, left.GetValueOrDefault(stream.Key) ?? []);
            documents.AddRange(row.WithOthers(stream.Key).Select(one => new DocumentWrite(
                one.Key, stream.Version, name == table.Name ? null : stream.Appended, one.Row)));
        }

        if (documents.Count == 0)
            return [];

        var command = table.Upsert(name, documents);
        command.Connection = connection;
        return await command.ReadKeysAsync([], cancellation);
    }

    private async Task<IReadOnlyList<StreamKey>> StoreLockedAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> appended,
        CancellationToken cancellation)
    {
        var changed = await StoreAsync(connection, table, table.Name, appended, cancellation);
        foreach (var listener in listeners)
            await listener(connection, table, changed, cancellation);
        return changed;
    }

    /// <summary>Reads the workspaces in which streams have stored documents that do not have their ids for keys.</summary>
    private static async Task<Dictionary<StreamKey, List<Guid>>> OthersAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamKey> streams, CancellationToken cancellation)
    {
        // The partial index of (tenant_id, stream_id), which is empty but for such documents.
        var rows = await new NpgsqlCommand(
            $"""
            select d.tenant_id, d.{DocumentTable.Stream}, d.workspace_id
            from unnest($1, $2) k(tenant_id, id)
            join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.{DocumentTable.Stream} = k.id
            where d.{DocumentTable.Stream} is not null and d.workspace_id is not null
            """, connection)
            .ReadAllAsync(streams.ToParameters(), reader => (Key: reader.ReadKey(), Workspace: reader.GetGuid(2)), cancellation);
        return rows.GroupBy(row => row.Key).ToDictionary(all => all.Key, all => all.Select(row => row.Workspace).ToList());
    }

    /// <summary>Sets the lag of a complete document to 0, where its row has none.</summary>
    private static Task SetNoLagAsync(NpgsqlConnection connection, DocumentTable table, StreamKey key, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"update {table.QualifiedName} d set lag = 0 where d.tenant_id = $1 and d.id = $2 and d.lag is null",
            [key.Account, key.Id],
            cancellation);

    private static Task<bool> LagsAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, CancellationToken cancellation) =>
        // The primary keys (tenant_id, id) find the rows. A document that is not stored lags too.
        new NpgsqlCommand(
            $"""
            select not exists (
              select 1 from {table.QualifiedName} d
              where d.tenant_id = $1 and d.id = $2 and not ({DocumentQuery.Lags(table, comparesStreams: true)}))
            """, connection).ReadValueAsync<bool>([stream.Account, stream.Id], cancellation);
}
