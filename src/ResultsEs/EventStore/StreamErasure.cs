namespace ResultsEs.EventStore;

/// <summary>Notes that a stream is erased, in the transaction of <paramref name="connection"/>, before it is folded again.</summary>
internal delegate Task StreamErased(NpgsqlConnection connection, DocumentTable table, StreamKey stream, CancellationToken cancellation);

/// <summary>
/// Masks a stored stream: its events by Marten's own overwriting, then its document by their fold, in one transaction under the
/// stream's lock. Ids, versions, positions and times stay. Documents of other versions and of a rebuild under way are dropped, and
/// folded again by whoever serves them.
/// </summary>
internal sealed class StreamErasure(AppendStore store, DocumentRefresh refresh, IEnumerable<StreamErased> listeners)
{
    /// <summary>Masks what is not masked yet, notes the files that it named, and that the session is done.</summary>
    public Task MaskAsync(DocumentTable table, StreamKey stream, Guid erasure, CancellationToken cancellation) =>
        refresh.RewriteAsync(table, stream, async transaction =>
        {
            var connection = transaction.Connection!;
            if (!await IsWaitingAsync(connection, stream, erasure, cancellation))
                return false;

            await Erased.AddAsync(connection, stream.Account, stream.Id, erasure, cancellation);
            var events = await MaskEventsAsync(transaction, table, stream, erasure, cancellation);
            foreach (var name in await OtherTablesAsync(connection, table, cancellation))
                await connection.ExecuteAsync(
                    $"delete from {MartenSetup.Schema}.{name} d where d.tenant_id = $1 and d.id = $2",
                    [stream.Account, stream.Id], cancellation);
            await SetAside.ForgetAsync(connection, stream, cancellation);
            await ErasedFiles.AddAsync(
                connection, stream, erasure,
                from e in events let key = ErasedFiles.KeyOf(e.Data) where key is not null select (key!, e.Sender),
                cancellation);
            await connection.ExecuteAsync(
                """
                update results.erasure_sessions s set done_at = clock_timestamp(), events = coalesce(s.events, 0) + $3
                where s.erasure_id = $1 and s.session_id = $2
                """, [erasure, stream.Id, events.Count], cancellation);
            foreach (var listener in listeners)
                await listener(connection, table, stream, cancellation);
            return true;
        }, cancellation);

    /// <summary>Asked under the stream's lock: another process may have masked it meanwhile.</summary>
    private static Task<bool> IsWaitingAsync(
        NpgsqlConnection connection, StreamKey stream, Guid erasure, CancellationToken cancellation) =>
        new NpgsqlCommand(
            """
            select exists (
              select 1 from results.erasure_sessions s where s.erasure_id = $1 and s.session_id = $2 and s.done_at is null)
            """, connection).ReadValueAsync<bool>([erasure, stream.Id], cancellation);

    private async Task<IReadOnlyList<RecordedEvent>> MaskEventsAsync(
        NpgsqlTransaction transaction, DocumentTable table, StreamKey stream, Guid erasure, CancellationToken cancellation)
    {
        var options = Marten.Services.SessionOptions.ForTransaction(transaction);
        options.TenantId = stream.Account;
        await using var session = store.Store.LightweightSession(options);
        var stored = await session.Events.FetchStreamAsync(stream.Id, token: cancellation);
        var masking = new Masking(stream.Account);
        var originals = new List<RecordedEvent>();
        foreach (var e in Masking.InOrder(stored.Where(e => e.GetHeader(Erased.Header) is null), e => ((StreamEvent)e.Data, e.Id)))
        {
            originals.Add(new RecordedEvent(StoredEvent.StampOf(e), (StreamEvent)e.Data, StoredEvent.SenderOf(e)));
            session.Events.OverwriteEvent(StoredEvent.Masked(e, table.EventTypes[e.EventTypeName], masking, erasure));
        }

        await session.SaveChangesAsync(cancellation);
        return originals;
    }

    /// <summary>The tables of other versions of the documents, and those of a rebuild.</summary>
    internal static Task<List<string>> OtherTablesAsync(
        NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation) =>
        new NpgsqlCommand(
            """
            select c.relname from pg_class c
            where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relname <> $2
              and c.relname ~ ('^mt_doc_' || $3 || '(_[0-9]+)?(_building|_replaced)?$')
            """, connection)
            .ReadAllAsync([MartenSetup.Schema, table.Name, table.BaseAlias], reader => reader.GetString(0), cancellation);
}
