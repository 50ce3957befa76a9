namespace ResultsEs.EventStore;

/// <summary>
/// Removes a stored stream for good: its events by Marten's own deletion, its documents, and what waits for it, in one transaction under
/// the stream's lock. A tombstone stays, and what arrives later is masked.
/// </summary>
internal sealed class StreamRemoval(AppendStore store, NpgsqlDataSource database, IEnumerable<DocumentsChanged> listeners)
{
    /// <summary>Removes a stream to which nothing was appended since a moment; false when something was, or there is none.</summary>
    /// <param name="table">The table of its document.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="before">The moment.</param>
    /// <param name="removal">The id of this removal, for the record of files and of what arrives later.</param>
    /// <param name="cancellation">Gives up between statements.</param>
    public async Task<bool> RemoveAsync(
        DocumentTable table, StreamKey stream, DateTime before, Guid removal, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var appended = await DocumentRefresh.AppendedAsync(connection, table, [stream], isLocked: true, cancellation);
        if (!appended.TryGetValue(stream, out var last) || last >= before)
            return false;

        await NoteAsync(connection, table, stream, removal, cancellation);
        await Erased.AddAsync(connection, stream.Account, stream.Id, removal, cancellation);
        var options = Marten.Services.SessionOptions.ForTransaction(transaction);
        options.TenantId = stream.Account;
        await using (var session = store.Store.LightweightSession(options))
        {
            session.Events.TombstoneStream(stream.Id);
            await session.SaveChangesAsync(cancellation);
        }

        foreach (var name in await StreamErasure.OtherTablesAsync(connection, table, cancellation))
            await connection.ExecuteAsync(
                $"delete from {MartenSetup.Schema}.{name} d where d.tenant_id = $1 and d.id = $2",
                [stream.Account, stream.Id], cancellation);
        // The primary key (tenant_id, id) finds the document, the partial index of (tenant_id, stream_id) those of other workspaces.
        var removed = await new NpgsqlCommand(
            $"""
            delete from {table.QualifiedName} d
            where d.tenant_id = $1 and (d.id = $2 or (d.{DocumentTable.Stream} is not null and d.{DocumentTable.Stream} = $2))
            returning d.tenant_id, d.id
            """, connection).ReadKeysAsync([stream.Account, stream.Id], cancellation);
        await SetAside.ForgetAsync(connection, stream, cancellation);
        foreach (var listener in listeners)
            await listener(connection, table, [.. removed.Append(stream).Distinct()], cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>Leaves the tombstone, and lists the files, while document and events are still there.</summary>
    private static async Task NoteAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, Guid removal, CancellationToken cancellation)
    {
        await connection.ExecuteAsync(
            $"""
            insert into results.tombstones (tenant_id, session_id, workspace_id, test_id, removed_at)
            select k.tenant_id, k.id, d.workspace_id, d.test_id, clock_timestamp()
            from (select $1::varchar as tenant_id, $2::uuid as id) k
            left join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.id = k.id
            on conflict (tenant_id, session_id) do update set removed_at = excluded.removed_at
            """, [stream.Account, stream.Id], cancellation);
        // The index of (tenant_id, stream_id, version) finds the events.
        var files = await new NpgsqlCommand(
            $"""
            select e.data ->> 'objectKey', e.headers ->> '{Sender.HeaderName}' from {StreamLog.Events} e
            where e.tenant_id = $1 and e.stream_id = $2 and e.data ->> 'objectKey' is not null and e.headers -> '{Erased.Header}' is null
            """, connection).ReadAllAsync(
            [stream.Account, stream.Id],
            reader => (reader.GetString(0), new Sender(reader.IsDBNull(1) ? null : reader.GetString(1))), cancellation);
        await ErasedFiles.AddAsync(connection, stream, removal, files, cancellation);
        await ErasedFiles.KeepWorkspacesAsync(connection, table, stream, cancellation);
    }
}
