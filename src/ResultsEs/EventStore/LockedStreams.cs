using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using ResultsEs.Common;
using ResultsEs.Ingestion;
using ResultsEs.Media;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>
/// The streams of a commit, locked in a transaction of their own: what is known of them comes in one round trip, and what is appended goes with the commit in another.
/// The rows are those that Marten writes and reads. Statements are prepared, once a connection; each finds its rows by whole keys, so that one plan is good for all.
/// </summary>
internal sealed class LockedStreams
{
    private readonly NpgsqlConnection _connection;
    private readonly string _account;

    private LockedStreams(NpgsqlConnection connection, string account, IReadOnlyDictionary<Guid, TargetStream> streams) =>
        (_connection, _account, Streams) = (connection, account, streams);

    /// <summary>The streams, by their ids.</summary>
    public IReadOnlyDictionary<Guid, TargetStream> Streams { get; }

    /// <summary>The events that the account has under the ids of those that came.</summary>
    public Dictionary<Guid, StoredEvent> Known { get; } = [];

    /// <summary>Begins a transaction, locks the streams of these events, and reads what is known of both.</summary>
    public static async Task<LockedStreams> FetchAsync(NpgsqlConnection connection, string account, IReadOnlyList<IncomingEvent> incoming)
    {
        var fetched = new LockedStreams(connection, account, incoming.DistinctBy(e => e.StreamId).ToDictionary(e => e.StreamId, e => new TargetStream(e.StreamId, e.Type.IsOfReel)));
        await using var batch = new NpgsqlBatch(connection);
        var ids = fetched.Streams.Keys.ToArray();
        var withReels = fetched.Streams.Values.Any(stream => stream.IsOfReel);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("begin"));
        // In one order everywhere, so that row locks cannot wait in a circle; and before the documents are read, so that one that is repaired or rebuilt meanwhile
        // (Refolding) is never overwritten by what was folded onto the one before. The primary key (tenant_id, id) finds the rows, here and below.
        batch.BatchCommands.Add(Command("select s.id, s.version, s.type, s.timestamp from results.mt_streams s where s.tenant_id = $1 and s.id = any($2) order by s.id for update", account, ids));
        // By the unique index on (tenant_id, id).
        batch.BatchCommands.Add(Command(
            "select e.id, e.stream_id, e.type, e.headers ->> 'time', e.data from results.mt_events e where e.tenant_id = $1 and e.id = any($2)", account, [.. incoming.Select(e => e.Id)]));
        batch.BatchCommands.Add(DocumentsOf(SessionResultTable.Documents, account, ids));
        if (withReels)
            batch.BatchCommands.Add(DocumentsOf(HighlightReelTable.Documents, account, ids));

        await batch.PrepareAsync();
        var otherwise = new List<Guid>();
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                var stream = fetched.Streams[reader.GetGuid(0)];
                (stream.Version, stream.Appended) = (reader.GetInt64(1), reader.GetDateTime(3));
                if (reader.GetString(2) == TargetStream.TableOf(!stream.IsOfReel).StreamType)
                    otherwise.Add(stream.Id);
            }

            await reader.NextResultAsync();
            while (await reader.ReadAsync())
                fetched.Known.Add(reader.GetGuid(0), StoredEvent.Read(reader));

            await ReadDocumentsAsync(isOfReel: false);
            if (withReels)
                await ReadDocumentsAsync(isOfReel: true);

            async Task ReadDocumentsAsync(bool isOfReel)
            {
                await reader.NextResultAsync();
                while (await reader.ReadAsync())
                {
                    if (fetched.Streams[reader.GetGuid(0)] is var stream && stream.IsOfReel == isOfReel)
                        SetDocument(stream, reader);
                }
            }
        }

        if (otherwise.Count > 0)
            await fetched.FetchOthersAsync(otherwise);
        return fetched;
    }

    /// <summary>Stores what was appended, the documents of it, and which sessions count otherwise, and commits.</summary>
    public async Task CommitAsync()
    {
        var changed = Streams.Values.Where(stream => stream.Added.Count > 0).ToList();
        var waiting = changed.Where(stream => stream.Waits).ToList();
        var folded = changed.Except(waiting).ToList();
        if (folded.Where(stream => stream.IsLong).ToList() is { Count: > 0 } unread)
            await ReadLongAsync(unread);

        await using var batch = new NpgsqlBatch(_connection);
        if (changed.Count > 0)
        {
            var (made, grown) = (changed.Where(stream => stream.Version == 0).ToList(), changed.Where(stream => stream.Version > 0).ToList());
            // Before any event takes its number, so that the transaction has its id by then (EventPosition).
            if (made.Count > 0)
            {
                var command = Add("insert into results.mt_streams (tenant_id, id, type, version) select $1, v.id, v.type, v.version from unnest($2, $3, $4) v(id, type, version)");
                command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. made.Select(stream => stream.Id)] });
                command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. made.Select(stream => stream.Table.StreamType)] });
                command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. made.Select(stream => (long)stream.Added.Count)] });
            }

            if (grown.Count > 0)
            {
                var command = Add("update results.mt_streams s set version = s.version + v.added, timestamp = now() from unnest($2, $3) v(id, added) where s.tenant_id = $1 and s.id = v.id");
                command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. grown.Select(stream => stream.Id)] });
                command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. grown.Select(stream => (long)stream.Added.Count)] });
            }

            AddEvents(changed);
            foreach (var documents in folded.GroupBy(stream => stream.Table))
                batch.BatchCommands.Add(documents.Key.UpsertMany(_account, [.. documents.Select(stream => (stream.Id, stream.Version + stream.Added.Count, stream.Fold()))]));
            if (waiting.Count > 0)
            {
                // Lists of what has changed since some time have it, and the row tells who left the document behind: it is of the stream's time.
                var command = Add($"update {SessionResultTable.Name} d set mt_last_modified = now() where d.tenant_id = $1 and d.id = any($2)");
                command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. waiting.Select(stream => stream.Id)] });
            }

            if (changed.Where(stream => stream.Added.Any(added => added.Type.CountsInTest)).Select(stream => stream.Id).ToList() is { Count: > 0 } counting)
                batch.BatchCommands.Add(RecountQueue.Written.Enqueue(_account, counting));
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await batch.PrepareAsync();
        await batch.ExecuteNonQueryAsync();

        NpgsqlBatchCommand Add(string sql)
        {
            var command = new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<string> { TypedValue = _account } } };
            batch.BatchCommands.Add(command);
            return command;
        }

        void AddEvents(List<TargetStream> streams)
        {
            var events = streams.SelectMany(stream => stream.Added.Select((incoming, i) => (Stream: stream.Id, Version: stream.Version + i + 1, Incoming: incoming))).ToList();
            var command = Add(
                """
                insert into results.mt_events (seq_id, tenant_id, id, stream_id, version, type, mt_dotnet_type, data, headers, timestamp, is_archived)
                select nextval('results.mt_events_sequence'), $1, v.id, v.stream_id, v.version, v.type, v.dotnet_type, v.data, v.headers, clock_timestamp(), false
                from unnest($2, $3, $4, $5, $6, $7, $8) v(id, stream_id, version, type, dotnet_type, data, headers)
                """);
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. events.Select(e => e.Incoming.Id)] });
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. events.Select(e => e.Stream)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. events.Select(e => e.Version)] });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. events.Select(e => e.Incoming.Type.WireType)] });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. events.Select(e => e.Incoming.Type.DotNetType)] });
            command.Parameters.Add(Json(events.Select(e => StoredEvent.DataOf(e.Incoming))));
            command.Parameters.Add(Json(events.Select(e => StoredEvent.HeadersOf(e.Incoming))));
        }
    }

    /// <summary>Gives everything up, so that nobody waits for it.</summary>
    public static async Task RollBackAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("rollback", connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Of streams that are of something else than their new events say.</summary>
    private async Task FetchOthersAsync(IReadOnlyCollection<Guid> ids)
    {
        await using var batch = new NpgsqlBatch(_connection);
        foreach (var isOfReel in new[] { false, true })
            batch.BatchCommands.Add(DocumentsOf(TargetStream.TableOf(isOfReel), _account, [.. ids]));
        foreach (var id in ids)
            Streams[id].IsOfReel = !Streams[id].IsOfReel;
        await using var reader = await batch.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync())
                SetDocument(Streams[reader.GetGuid(0)], reader);
        }
        while (await reader.NextResultAsync());
    }

    /// <summary>Reads the documents of sessions that are too long to be read each time, and what they do not hold.</summary>
    private async Task ReadLongAsync(IReadOnlyCollection<TargetStream> streams)
    {
        await using (var command = new NpgsqlCommand($"select d.id, d.data from {SessionResultTable.Name} d where d.tenant_id = $1 and d.id = any($2)", _connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _account });
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. streams.Select(stream => stream.Id)] });
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                var stream = Streams[reader.GetGuid(0)];
                stream.Document = stream.Document! with { Json = reader.GetFieldValue<byte[]>(1) };
            }
        }

        var behind = streams.Where(stream => stream.Document!.Version < stream.Version);
        await foreach (var tail in StoredStreams.ReadPartsAsync(_connection, [.. behind.Select(stream => new StreamPart(new StreamKey(_account, stream.Id), stream.Document!.Version, stream.Version))], default))
            Streams[tail.Key.Id].Tail = tail.ReadableEvents;
    }

    private static void SetDocument(TargetStream stream, NpgsqlDataReader reader) => stream.Document = new StoredDocument(
        reader.IsDBNull(5) ? null : reader.GetFieldValue<byte[]>(5),
        reader.GetInt64(1),
        reader.GetDateTime(2),
        reader.IsDBNull(3) ? null : reader.GetGuid(3),
        reader.IsDBNull(4) ? null : reader.GetString(4));

    private static NpgsqlBatchCommand DocumentsOf(DocumentTable table, string account, Guid[] ids)
    {
        // What a value takes as it is stored is known without reading it.
        var (taskTypes, data) = table == SessionResultTable.Documents
            ? ("d." + SessionResultTable.TaskTypesColumn, string.Create(CultureInfo.InvariantCulture, $"case when pg_column_size(d.data) <= {LongDocuments.StoredBytes} then d.data end"))
            : ("null::varchar", "d.data");
        return Command($"select d.id, d.mt_version, d.mt_last_modified, d.workspace_id, {taskTypes}, {data} from {MartenSetup.Schema}.{table.Name} d where d.tenant_id = $1 and d.id = any($2)", account, ids);
    }

    private static NpgsqlBatchCommand Command(string sql, string account, Guid[] ids) => new(sql)
    {
        Parameters = { new NpgsqlParameter<string> { TypedValue = account }, new NpgsqlParameter<Guid[]> { TypedValue = ids } },
    };

    private static NpgsqlParameter<byte[][]> Json(IEnumerable<byte[]> json) => new() { TypedValue = [.. json], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb };
}
