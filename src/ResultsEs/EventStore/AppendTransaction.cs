using JasperFx.Events;
using Marten;
using Marten.Services.BatchQuerying;
using Weasel.Storage;

namespace ResultsEs.EventStore;

/// <summary>
/// A Marten session that locks streams, reads what is known of them, and appends. It reads by one batched query, and stores events,
/// documents and what else projections queue by one <c>SaveChangesAsync</c>. Without <see cref="CommitAsync"/> nothing stays.
/// </summary>
internal sealed class AppendTransaction : IAsyncDisposable
{
    private readonly IDocumentSession _session;
    private readonly DocumentCache _cache;
    private readonly Dictionary<DocumentTable, UpsertDocuments> _upserts = [];
    private readonly Dictionary<Guid, Guid> _erasures = [];
    private uint _xid;

    private AppendTransaction(AppendStore eventStore, IDocumentSession session, IEnumerable<IncomingEvent> incoming)
    {
        (_session, _cache) = (session, eventStore.Cache);
        Streams = incoming.DistinctBy(e => e.StreamId).ToDictionary(
            e => e.StreamId, e => new LockedStream(new StreamKey(Account, e.StreamId), eventStore.Tables[e.Type.StreamType]));
        ((IStorageSession)session).ItemMap[typeof(AppendTransaction)] = this;
    }

    /// <summary>The locked streams, by id.</summary>
    public IReadOnlyDictionary<Guid, LockedStream> Streams { get; }

    /// <summary>The account's stored events that have the id of an incoming one, and those that were decided on since.</summary>
    public Dictionary<Guid, StoredEvent> Known { get; } = [];

    /// <summary>When the locks were taken, by the database's clock: the time of the events and of the change.</summary>
    public DateTimeOffset Now { get; private set; }

    public string Account => _session.TenantId;

    /// <summary>The append transaction of a session; null for any other session.</summary>
    public static AppendTransaction? Of(IQuerySession session) =>
        ((IStorageSession)session).ItemMap.TryGetValue(typeof(AppendTransaction), out var transaction)
            ? (AppendTransaction)transaction
            : null;

    /// <summary>
    /// Begins a transaction of one account, locks the streams of these events, and reads what is known of both. Without
    /// <paramref name="findsAll"/> it does not look in other streams for the ids of events of new streams. Where one is there, the
    /// commit fails by the unique index.
    /// </summary>
    public static async Task<AppendTransaction> BeginAsync(
        AppendStore eventStore, string account, IReadOnlyCollection<IncomingEvent> incoming, bool findsAll)
    {
        var session = eventStore.Store.LightweightSession(new Marten.Services.SessionOptions { TenantId = account });
        var transaction = new AppendTransaction(eventStore, session, incoming);
        try
        {
            await transaction.FetchAsync(incoming, eventStore.Tables, findsAll);
            return transaction;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Runs a commit of new streams of nobody's account and takes it back. So its code is compiled, and its statements are known to a
    /// server, before the first commit waits for them.
    /// </summary>
    public static async Task RehearseAsync(
        AppendStore eventStore, NpgsqlDataSource pinned, IReadOnlyCollection<IncomingEvent> incoming, CancellationToken cancellation)
    {
        await using var connection = await pinned.OpenConnectionAsync(cancellation);
        // It ends without a commit.
        await using var undone = await connection.BeginTransactionAsync(cancellation);
        var options = Marten.Services.SessionOptions.ForTransaction(undone);
        options.TenantId = Tenant.Of(Guid.Empty);
        await using var transaction = new AppendTransaction(eventStore, eventStore.Store.LightweightSession(options), incoming);
        await transaction.FetchAsync(incoming, eventStore.Tables, findsAll: true);
        foreach (var one in incoming)
            transaction.Streams[one.StreamId].Append(one);
        await transaction.CommitAsync();
        // There are no such documents.
        eventStore.Cache.Clear();
        // A session that is taken back does not show how one of Marten's own ends.
        await using var empty = eventStore.Store.LightweightSession(Tenant.Of(Guid.Empty));
        empty.QueueSqlCommand("select 1");
        await empty.SaveChangesAsync(cancellation);
    }

    /// <summary>Commits the events that were appended to the streams, and their documents. Does nothing when there are none.</summary>
    public async Task CommitAsync()
    {
        await SaveAsync();
        foreach (var write in _upserts.Values.SelectMany(upsert => upsert.Documents))
            _cache.Keep(write.Key, _xid, write.Row);
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    /// <summary>Reads the documents onto which the inline projection folds. Deferred ones are left out.</summary>
    internal async Task<Dictionary<Guid, object>> DocumentsAsync(DocumentTable table, IReadOnlyCollection<Guid> ids)
    {
        var streams = ids.Select(id => Streams[id]).Where(stream => stream.Document is not null && !stream.IsDeferred).ToList();
        var documents = streams.Where(stream => stream.Document!.Value is not null)
            .ToDictionary(stream => stream.Key.Id, stream => stream.Document!.Value!);
        var lengthy = streams.Where(stream => stream.Document!.IsLong).Select(stream => stream.Key).ToList();
        foreach (var (key, document) in await DocumentReader.ReadCaughtUpAsync(_session.Connection!, table, lengthy))
            documents[key.Id] = document;
        return documents;
    }

    /// <summary>Takes a document that the inline projection made. One statement per table writes them all.</summary>
    internal void Store(DocumentTable table, Guid id, PlacedDocument document)
    {
        if (!_upserts.TryGetValue(table, out var upsert))
        {
            _upserts.Add(table, upsert = new UpsertDocuments(table));
            _session.QueueOperation(upsert);
        }

        var stream = Streams[id];
        upsert.Documents.Add(
            new DocumentWrite(stream.Key, stream.Events, Now.UtcDateTime, table.Row(document, stream.Size.Bytes)));
        upsert.Documents.AddRange(document.Others);
    }

    private async Task SaveAsync()
    {
        var appended = Streams.Values.Where(stream => stream.Appended.Count > 0).ToList();
        if (appended.Count == 0)
            return;

        foreach (var stream in appended)
        {
            if (ErasureOf(stream) is { } erasure)
                Mask(stream, erasure);
            IEvent[] envelopes = [.. stream.Appended.Select(incoming => StoredEvent.Envelope(incoming, Now))];
            if (stream.Version == 0)
                _session.Events.StartStream(stream.Table.DocumentType, stream.Key.Id, envelopes);
            else
                _session.Events.Append(stream.Key.Id, stream.Version + envelopes.Length, envelopes);
        }

        foreach (var deferred in appended.Where(stream => stream.IsDeferred).GroupBy(stream => stream.Table))
        {
            // Lists by change show the events, so the rows count as modified.
            _session.QueueSqlCommand(
                $"""
                update {deferred.Key.QualifiedName} d
                set lag = coalesce(d.lag, 0) + v.more, mt_last_modified = ?, {SizedDocument.StreamBytesColumn} = v.stream,
                  {SizedDocument.DocumentBytesColumn} = v.document, {DocumentTable.TaskCount} = v.tasks
                from unnest(?::uuid[], ?::int[], ?::bigint[], ?::bigint[], ?::int[]) v(id, more, stream, document, tasks)
                where d.tenant_id = ? and d.id = v.id
                """,
                Now,
                deferred.Select(stream => stream.Key.Id).ToArray(),
                deferred.Select(stream => stream.Appended.Count).ToArray(),
                deferred.Select(stream => stream.Size.Bytes).ToArray(),
                deferred.Select(stream => stream.Size.DocumentBytes).ToArray(),
                deferred.Select(stream => stream.Size.Tasks).ToArray(),
                Account);
        }

        await _session.SaveChangesAsync();
    }

    /// <summary>The erasure of the session, or of a participant whom it names from now on; null when there is none.</summary>
    private Guid? ErasureOf(LockedStream stream)
    {
        if (_erasures.Count == 0)
            return null;

        var subjects = stream.Appended.Select(incoming => Erased.ParticipantOf(Account, incoming.Data)).OfType<Guid>();
        foreach (var subject in subjects.Prepend(stream.Key.Id))
        {
            if (_erasures.TryGetValue(subject, out var erasure))
                return erasure;
        }

        return null;
    }

    private void Mask(LockedStream stream, Guid erasure)
    {
        foreach (var incoming in stream.Appended)
        {
            if (ErasedFiles.KeyOf(incoming.Data) is { } file)
                _session.QueueSqlCommand(
                    ErasedFiles.AddSql, Account, stream.Key.Id, file, erasure, ErasedFiles.WriterOf(incoming.Sender));
        }

        stream.Mask(erasure);
        if (_erasures.ContainsKey(stream.Key.Id))
            return;

        _session.QueueSqlCommand(Erased.AddSessionSql, Account, stream.Key.Id, erasure);
        _session.QueueSqlCommand(Erased.EnqueueSql, erasure, Account, stream.Key.Id);
    }

    private async Task FetchAsync(IReadOnlyCollection<IncomingEvent> incoming, DocumentTables tables, bool findsAll)
    {
        await _session.BeginTransactionAsync(CancellationToken.None);
        var batch = _session.CreateBatchQuery();
        // Locks come before the documents are read, so a document that is repaired or rebuilt meanwhile is never overwritten.
        var locks = batch.AddItem(new LockStreams(Account, [.. Streams.Keys]));
        // With few events a stream, to look whether it is stored costs as much as to look for their ids.
        var known = batch.AddItem(new FindEvents(Account, incoming, ofStoredStreams: !findsAll && incoming.Count >= 4 * Streams.Count));
        var participants = incoming.Select(e => Erased.ParticipantOf(Account, e.Data)).OfType<Guid>();
        var erased = batch.AddItem(new FindErased(Account, [.. participants, .. Streams.Keys]));
        await ReadDocumentsAsync(batch, Streams.Values);

        foreach (var (subject, erasure) in await erased)
            _erasures.Add(subject, erasure);
        foreach (var stored in await known)
            Known.Add(stored.Id, stored);

        var others = new List<LockedStream>();
        foreach (var row in await locks)
        {
            (Now, _xid) = (row.Now, row.Xid);
            if (row.Id is not { } id)
                break;

            var stream = Streams[id];
            stream.Version = row.Version;
            if (row.Type == stream.Table.StreamType || tables.Find(row.Type) is not { } other)
                continue;

            // The id belongs to a stream of another type than the new events are for.
            (stream.Table, stream.Document) = (other, null);
            others.Add(stream);
        }

        if (others.Count > 0)
            await ReadDocumentsAsync(_session.CreateBatchQuery(), others);
    }

    /// <summary>Adds the queries of the streams' documents to a batch, runs the batch, and sets the documents.</summary>
    private async Task ReadDocumentsAsync(IBatchedQuery batch, IEnumerable<LockedStream> streams)
    {
        var documents = streams.GroupBy(stream => stream.Table)
            .Select(some => batch.AddItem(new ReadDocuments(some.Key, _cache, [.. some.Select(stream => stream.Key)])))
            .ToList();
        await batch.Execute();
        foreach (var (stream, document) in documents.SelectMany(some => some.Result))
            Streams[stream].Document = document;
    }
}
