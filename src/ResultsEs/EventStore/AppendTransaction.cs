using System.Data;
using JasperFx.Events;
using Marten;
using Marten.Linq.QueryHandlers;
using Marten.Services;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.TestResults;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>
/// A Marten session that appends to streams it has locked. What is known of them comes in one batched query;
/// events, documents (by the registered inline projections) and whatever rides along go in one <c>SaveChangesAsync</c>.
/// Disposed without <see cref="CommitAsync"/>, it leaves nothing behind.
/// </summary>
internal sealed class AppendTransaction : IAsyncDisposable
{
    private readonly IDocumentSession _session;
    private readonly DocumentCache _cache;
    private readonly Dictionary<DocumentTable, UpsertDocuments> _upserts = [];
    private DateTimeOffset _now;
    private uint _xid;

    private AppendTransaction(IDocumentSession session, DocumentCache cache, string account, IEnumerable<IncomingEvent> incoming, DocumentTables tables)
    {
        (_session, _cache) = (session, cache);
        Streams = incoming.DistinctBy(e => e.StreamId)
            .ToDictionary(e => e.StreamId, e => new LockedStream(new StreamKey(account, e.StreamId), tables[e.Type.StreamType]));
        ((IStorageSession)session).ItemMap[typeof(AppendTransaction)] = this;
    }

    /// <summary>The streams, by their ids.</summary>
    public IReadOnlyDictionary<Guid, LockedStream> Streams { get; }

    /// <summary>The events that the account has under the ids of those that came, and those that were decided on since.</summary>
    public Dictionary<Guid, StoredEvent> Known { get; } = [];

    /// <summary>The account of all its streams.</summary>
    public string Account => _session.TenantId;

    private NpgsqlConnection Connection => _session.Connection!;

    /// <summary>The append transaction whose session this is; null for any other session.</summary>
    public static AppendTransaction? Of(IQuerySession session) =>
        ((IStorageSession)session).ItemMap.TryGetValue(typeof(AppendTransaction), out var transaction) ? (AppendTransaction)transaction : null;

    /// <summary>Begins a transaction, locks the streams of these events, and reads what is known of both.</summary>
    /// <param name="eventStore">The store.</param>
    /// <param name="account">The account of all events.</param>
    /// <param name="incoming">The events that may be appended.</param>
    public static async Task<AppendTransaction> BeginAsync(AppendStore eventStore, string account, IReadOnlyCollection<IncomingEvent> incoming)
    {
        var session = eventStore.Store.LightweightSession(new Marten.Services.SessionOptions { TenantId = account });
        var transaction = new AppendTransaction(session, eventStore.Cache, account, incoming, eventStore.Tables);
        try
        {
            await transaction.FetchAsync(account, incoming, eventStore.Tables);
            return transaction;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>Appends what the streams were given, and stores their documents; nothing when they were given nothing.</summary>
    public async Task CommitAsync()
    {
        var appended = Streams.Values.Where(stream => stream.Appended.Count > 0).ToList();
        if (appended.Count == 0)
            return;

        foreach (var stream in appended)
        {
            IEvent[] envelopes = [.. stream.Appended.Select(incoming => StoredEvent.Envelope(incoming, _now))];
            if (stream.Version == 0)
                _session.Events.StartStream(stream.Table.DocumentType, stream.Key.Id, envelopes);
            else
                _session.Events.Append(stream.Key.Id, stream.Version + envelopes.Length, envelopes);
        }

        foreach (var deferred in appended.Where(stream => stream.IsDeferred).GroupBy(stream => stream.Table))
            _session.QueueOperation(new DeferDocuments(deferred.Key, [.. deferred]));
        await _session.SaveChangesAsync();
        foreach (var write in _upserts.Values.SelectMany(upsert => upsert.Documents))
            _cache.Keep(write.Key, _xid, write.Row);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _session.DisposeAsync();

    /// <summary>The documents onto which the inline projection folds: those of streams whose documents are written now.</summary>
    internal async Task<Dictionary<Guid, object>> DocumentsAsync(DocumentTable table, IReadOnlyCollection<Guid> ids)
    {
        var streams = ids.Select(id => Streams[id]).Where(stream => stream.Document is not null && !stream.IsDeferred).ToList();
        var documents = streams.Where(stream => stream.Document!.Value is not null).ToDictionary(stream => stream.Key.Id, stream => stream.Document!.Value!);
        if (streams.Where(stream => stream.Document!.IsLong).ToList() is { Count: > 0 } lengthy)
            await DocumentReader.ReadCaughtUpAsync(Connection, table, [.. lengthy.Select(stream => stream.Key)], (key, document) => documents[key.Id] = document);
        return documents;
    }

    /// <summary>Whether the projection leaves a stream's document as it is.</summary>
    internal bool IsDeferred(Guid id) => Streams[id].IsDeferred;

    /// <summary>Takes a document that the inline projection made; all go in one statement.</summary>
    internal void Store(DocumentTable table, Guid id, object document)
    {
        if (!_upserts.TryGetValue(table, out var upsert))
        {
            _upserts.Add(table, upsert = new UpsertDocuments(table));
            _session.QueueOperation(upsert);
        }

        var stream = Streams[id];
        upsert.Documents.Add(new DocumentWrite(stream.Key, stream.Version + stream.Appended.Count, Modified: null, table.Row(document)));
    }

    private async Task FetchAsync(string account, IReadOnlyCollection<IncomingEvent> incoming, DocumentTables tables)
    {
        await _session.BeginTransactionAsync(CancellationToken.None);
        var batch = _session.CreateBatchQuery();
        // Locks come before the documents are read, so that one that is repaired or rebuilt meanwhile is never overwritten.
        var locks = batch.AddItem(new LockStreams(account, [.. Streams.Keys]));
        var known = batch.AddItem(new FindEvents(account, [.. incoming.Select(e => e.Id)]));
        var documents = Streams.Values.GroupBy(stream => stream.Table).Select(some => batch.AddItem(Documents(some))).ToList();
        await batch.Execute();

        var (now, xid, rows) = await locks;
        (_now, _xid) = (now, xid);
        foreach (var stored in await known)
            Known.Add(stored.Id, stored);
        foreach (var (stream, document) in documents.SelectMany(some => some.Result))
            Streams[stream].Document = document;

        var others = new List<LockedStream>();
        foreach (var row in rows)
        {
            var stream = Streams[row.Id];
            stream.Version = row.Version;
            if (row.Type == stream.Table.StreamType || tables.Find(row.Type) is not { } other)
                continue;

            // The id is that of something else than the new events say.
            (stream.Table, stream.Document) = (other, null);
            others.Add(stream);
        }

        if (others.Count == 0)
            return;

        var more = _session.CreateBatchQuery();
        var found = others.GroupBy(stream => stream.Table).Select(some => more.AddItem(Documents(some))).ToList();
        await more.Execute();
        foreach (var (stream, document) in found.SelectMany(some => some.Result))
            Streams[stream].Document = document;
    }

    private IQueryHandler<IReadOnlyList<(Guid, StoredDocument)>> Documents(IGrouping<DocumentTable, LockedStream> streams) =>
        new ReadDocuments(streams.Key, _cache, [.. streams.Select(stream => stream.Key)]);
}
