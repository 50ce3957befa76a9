using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;
using ResultsEs.Common;

namespace ResultsEs.EventStore;

/// <summary>A stream with all its events.</summary>
/// <param name="Key">The stream.</param>
/// <param name="Version">How many events it has, those included that this version does not know.</param>
/// <param name="Appended">When it was last appended to.</param>
/// <param name="Events">The events that this version knows, in the order in which they were stored.</param>
/// <param name="Problem">Which event could not be read, and why; null when all could.</param>
internal sealed record StoredStream(StreamKey Key, long Version, DateTime Appended, IReadOnlyList<RecordedEvent> Events, string? Problem)
{
    /// <summary>The same events, of which none may be missing.</summary>
    /// <exception cref="UnfoldableStreamException">An event could not be read.</exception>
    public IReadOnlyList<RecordedEvent> ReadableEvents => Problem is null ? Events : throw new UnfoldableStreamException(Key, Problem);
}

/// <summary>Some of a stream's events.</summary>
/// <param name="Key">The stream.</param>
/// <param name="After">The version after which they begin.</param>
/// <param name="Until">The version of the last of them.</param>
internal readonly record struct StreamPart(StreamKey Key, long After, long Until);

/// <summary>A stream's events do not fold into a document. The message names the stream and, where it is known, the event.</summary>
internal sealed class UnfoldableStreamException(StreamKey stream, string problem, Exception? innerException = null)
    : Exception($"Stream {stream.Id} of account {stream.Account} cannot be folded: {problem}", innerException)
{
    /// <summary>What is wrong, without the stream.</summary>
    public string Problem { get; } = problem;
}

/// <summary>Reads streams from the event store, one at a time, so that memory holds one stream's events and no more.</summary>
internal static class StoredStreams
{
    /// <summary>A statement that keeps appends waiting until its transaction ends: they lock their streams before anything else.</summary>
    public const string LockAll = "lock table results.mt_streams in exclusive mode";

    private const string Columns = "e.tenant_id, e.stream_id, e.version, e.id, e.type, e.data, e.headers ->> 'time', e.timestamp, e.seq_id";

    /// <summary>Those of the streams that have events; of what <paramref name="connection"/> sees in one snapshot. <paramref name="streams"/> says when each was last appended to.</summary>
    public static async IAsyncEnumerable<StoredStream> ReadAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> streams, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // By the unique index of (tenant_id, stream_id, version).
        await using var command = new NpgsqlCommand(
            $"""
            select {Columns}
            from unnest($1, $2) k(tenant_id, id)
            join {MartenSetup.Schema}.mt_events e on e.tenant_id = k.tenant_id and e.stream_id = k.id
            order by e.tenant_id, e.stream_id, e.version
            """, connection);
        command.Parameters.AddKeys(streams.Keys);
        await foreach (var stream in ReadAsync(command, table, streams, cancellation))
            yield return stream;
    }

    /// <summary>The same of parts of streams, which have no time.</summary>
    public static async IAsyncEnumerable<StoredStream> ReadPartsAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyCollection<StreamPart> parts, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (parts.Count == 0)
            yield break;

        // By the unique index of (tenant_id, stream_id, version).
        await using var command = new NpgsqlCommand(
            $"""
            select {Columns}
            from unnest($1, $2, $3, $4) k(tenant_id, id, after, until)
            join {MartenSetup.Schema}.mt_events e on e.tenant_id = k.tenant_id and e.stream_id = k.id and e.version > k.after and e.version <= k.until
            order by e.tenant_id, e.stream_id, e.version
            """, connection);
        command.Parameters.AddKeys(parts.Select(part => part.Key));
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. parts.Select(part => part.After)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. parts.Select(part => part.Until)] });
        await foreach (var stream in ReadAsync(command, table, parts.ToDictionary(part => part.Key, _ => default(DateTime)), cancellation))
            yield return stream;
    }

    /// <summary>The same for streams that lie in a range of keys, its ends included: events are read along the index.</summary>
    public static async IAsyncEnumerable<StoredStream> ReadRangeAsync(
        NpgsqlConnection connection,
        DocumentTable table,
        StreamKey first,
        StreamKey last,
        IReadOnlyDictionary<StreamKey, DateTime> streams,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        // By the unique index of (tenant_id, stream_id, version), in its order.
        await using var command = new NpgsqlCommand(
            $"""
            select {Columns}
            from {MartenSetup.Schema}.mt_events e
            where (e.tenant_id, e.stream_id) >= ($1, $2) and (e.tenant_id, e.stream_id) <= ($3, $4)
            order by e.tenant_id, e.stream_id, e.version
            """, connection)
        { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = first.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = first.Id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = last.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = last.Id });
        await foreach (var stream in ReadAsync(command, table, streams, cancellation))
            yield return stream;
    }

    private static async IAsyncEnumerable<StoredStream> ReadAsync(
        NpgsqlCommand command, DocumentTable table, IReadOnlyDictionary<StreamKey, DateTime> streams, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (key, version, events, problem) = (default(StreamKey), 0L, new List<RecordedEvent>(), default(string));
        while (await reader.ReadAsync(cancellation))
        {
            var next = new StreamKey(reader.GetString(0), reader.GetGuid(1));
            if (next != key)
            {
                if (streams.TryGetValue(key, out var appended))
                    yield return new StoredStream(key, version, appended, events, problem);
                (key, events, problem) = (next, [], null);
            }

            version = reader.GetInt64(2);
            // An event that this version does not know is in no document of its making.
            if (streams.ContainsKey(key) && table.EventTypes.TryGetValue(reader.GetString(4), out var type))
                problem = Add(events, type, reader) ?? problem;
        }

        if (streams.TryGetValue(key, out var lastAppended))
            yield return new StoredStream(key, version, lastAppended, events, problem);
    }

    /// <summary>Adds the event at which the reader stands.</summary>
    /// <returns>What is wrong with it, when it cannot be read: it was valid when it was stored, so the program is at fault, or somebody who changed the row.</returns>
    private static string? Add(List<RecordedEvent> events, EventType type, NpgsqlDataReader reader)
    {
        try
        {
            events.Add(new RecordedEvent(new EventOrder(Time(reader), reader.GetGuid(3)), type.Read(reader.GetFieldValue<byte[]>(5))));
            return null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"event {reader.GetGuid(3)} ({type.WireType}, position {reader.GetInt64(8)}) cannot be read: {e.Message}");
        }
    }

    private static DateTimeOffset Time(NpgsqlDataReader reader) => reader.IsDBNull(6)
        ? reader.GetFieldValue<DateTimeOffset>(7)
        : DateTimeOffset.Parse(reader.GetString(6), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
