namespace ResultsEs.EventStore;

/// <summary>
/// A stream, or a part of one, with the events that this version of the service knows, in stored order. The version is that of its last
/// event, known or not; the time is that of its last append; the bytes are those of all events, as <see cref="StoredSize"/> counts them.
/// The problem is null when all could be read.
/// </summary>
internal sealed record StoredStream(
    StreamKey Key, long Version, DateTime Appended, IReadOnlyList<RecordedEvent> Events, long Bytes, string? Problem)
{
    /// <summary>The events, of which none may be missing.</summary>
    /// <exception cref="UnfoldableStreamException">An event could not be read.</exception>
    public IReadOnlyList<RecordedEvent> ReadableEvents => Problem is null ? Events : throw new UnfoldableStreamException(Key, Problem);
}

/// <summary>A range of a stream's events: after one version, up to and including another.</summary>
internal readonly record struct StreamPart(StreamKey Key, long After, long Until);

/// <summary>A stream whose events do not fold into a document. The message names the stream and, if known, the event.</summary>
internal sealed class UnfoldableStreamException(StreamKey stream, string problem, Exception? innerException = null)
    : Exception($"Stream {stream.Id} of account {stream.Account} cannot be folded: {problem}", innerException)
{
    public string Problem { get; } = problem;
}

/// <summary>Reads streams from the event store one at a time, so that memory holds the events of one stream.</summary>
internal static class StoredStreams
{
    /// <summary>A statement that stops all appends until its transaction ends, because an append locks its streams first.</summary>
    public const string LockAll = "lock table results.mt_streams in exclusive mode";

    private const string Columns =
        "e.tenant_id, e.stream_id, e.version, e.id, e.type, e.data, e.headers ->> 'time', e.timestamp, e.seq_id, "
        + $"e.headers ->> '{Sender.HeaderName}'";

    // The order of the unique index on (tenant_id, stream_id, version), which finds the rows.
    private const string OrderBy = "order by e.tenant_id, e.stream_id, e.version";

    /// <summary>Reads whole streams in one snapshot, given the time of each one's last append; skips those without events.</summary>
    public static IAsyncEnumerable<StoredStream> ReadAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> streams,
        CancellationToken cancellation) =>
        ReadAsync(new NpgsqlCommand(
            $"""
            select {Columns}
            from unnest($1, $2) k(tenant_id, id)
            join {MartenSetup.Schema}.mt_events e on e.tenant_id = k.tenant_id and e.stream_id = k.id
            {OrderBy}
            """, connection), streams.Keys.ToParameters(), table, streams, cancellation);

    /// <summary>
    /// Reads a part of a stream: the events <c>e</c> that meet a condition. Its parameters begin at $3.
    /// </summary>
    public static IAsyncEnumerable<StoredStream> ReadWhereAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, string condition, object[] parameters,
        CancellationToken cancellation) =>
        ReadAsync(new NpgsqlCommand(
            $"""
            select {Columns}
            from {MartenSetup.Schema}.mt_events e
            where e.tenant_id = $1 and e.stream_id = $2 and {condition}
            {OrderBy}
            """, connection), [stream.Account, stream.Id, .. parameters], table,
            new Dictionary<StreamKey, DateTime> { [stream] = default }, cancellation);

    /// <summary>Counts the bytes of a stream's events, without reading them: those that cannot be read count too.</summary>
    public static async Task<long> BytesAsync(NpgsqlConnection connection, StreamKey stream, CancellationToken cancellation)
    {
        // The unique index on (tenant_id, stream_id, version) finds the rows.
        await using var command = new NpgsqlCommand(
            $"select e.data from {MartenSetup.Schema}.mt_events e where e.tenant_id = $1 and e.stream_id = $2", connection);
        command.Parameters.AddAll(stream.Account, stream.Id);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var bytes = 0L;
        while (await reader.ReadAsync(cancellation))
            bytes += StoredSize.Of(reader.GetFieldValue<byte[]>(0));
        return bytes;
    }

    public static IAsyncEnumerable<StoredStream> ReadPartsAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamPart> parts, CancellationToken cancellation)
    {
        if (parts.Count == 0)
            return AsyncEnumerable.Empty<StoredStream>();

        var streams = parts.ToDictionary(part => part.Key, _ => default(DateTime));
        object[] versions = [parts.Select(part => part.After).ToArray(), parts.Select(part => part.Until).ToArray()];
        return ReadAsync(new NpgsqlCommand(
            $"""
            select {Columns}
            from unnest($1, $2, $3, $4) k(tenant_id, id, after, until)
            join {MartenSetup.Schema}.mt_events e
              on e.tenant_id = k.tenant_id and e.stream_id = k.id and e.version > k.after and e.version <= k.until
            {OrderBy}
            """, connection), [.. parts.Select(part => part.Key).ToParameters(), .. versions], table, streams, cancellation);
    }

    /// <summary>Reads the streams between two keys, both included, along the index. Others in the range are skipped.</summary>
    public static IAsyncEnumerable<StoredStream> ReadRangeAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey first, StreamKey last,
        IReadOnlyDictionary<StreamKey, DateTime> streams, CancellationToken cancellation) =>
        ReadAsync(new NpgsqlCommand(
            $"""
            select {Columns}
            from {MartenSetup.Schema}.mt_events e
            where (e.tenant_id, e.stream_id) >= ($1, $2) and (e.tenant_id, e.stream_id) <= ($3, $4)
            {OrderBy}
            """, connection)
        { CommandTimeout = 0 }, [first.Account, first.Id, last.Account, last.Id], table, streams, cancellation);

    private static async IAsyncEnumerable<StoredStream> ReadAsync(
        NpgsqlCommand command, object?[] parameters, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> streams,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var owned = command;
        command.Parameters.AddAll(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (key, version, recorded, events, bytes, problem) =
            (default(StreamKey), 0L, default(DateTime), new List<RecordedEvent>(), 0L, default(string));
        while (await reader.ReadAsync(cancellation))
        {
            var next = reader.ReadKey();
            if (next != key)
            {
                if (streams.TryGetValue(key, out var appended))
                    yield return new StoredStream(key, version, Later(appended, recorded), events, bytes, problem);
                (key, events, bytes, problem) = (next, [], 0, null);
            }

            (version, recorded) = (reader.GetInt64(2), reader.GetDateTime(7));
            if (!streams.ContainsKey(key))
                continue;

            var data = reader.GetFieldValue<byte[]>(5);
            bytes += StoredSize.Of(data);
            // An event that this version does not know is in none of its documents.
            if (table.EventTypes.TryGetValue(reader.GetString(4), out var type))
                problem = Add(events, type, data, reader) ?? problem;
        }

        if (streams.TryGetValue(key, out var lastAppended))
            yield return new StoredStream(key, version, Later(lastAppended, recorded), events, bytes, problem);

        // Marten gives the stream's row the time at which the transaction began, and the event that of its envelope.
        static DateTime Later(DateTime appended, DateTime recorded) => appended > recorded ? appended : recorded;
    }

    /// <summary>Adds the event of the current row.</summary>
    /// <returns>Why it cannot be read, or null. It was valid when stored: the program is wrong, or the row was changed.</returns>
    private static string? Add(List<RecordedEvent> events, EventType type, byte[] data, NpgsqlDataReader reader)
    {
        try
        {
            var order = EventOrder.Of(Time(reader, 6, 7), reader.GetGuid(3), reader.GetFieldValue<DateTimeOffset>(7));
            var sender = new Sender(reader.IsDBNull(9) ? null : reader.GetString(9));
            events.Add(new(order, type.Read(data), sender));
            return null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return $"event {reader.GetGuid(3)} ({type.WireType}, position {reader.GetInt64(8)}) cannot be read: {e.Message}";
        }
    }

    /// <summary>Reads an event's time: from the column with its header, or where there is none, from that of its storing.</summary>
    public static DateTimeOffset Time(NpgsqlDataReader reader, int header, int stored) => reader.IsDBNull(header)
        ? reader.GetFieldValue<DateTimeOffset>(stored)
        : DateTimeOffset.Parse(reader.GetString(header), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
