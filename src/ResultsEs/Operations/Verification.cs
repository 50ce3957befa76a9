using System.Data;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using ResultsEs.Ingestion;
using ResultsEs.Media;
using ResultsEs.SessionResults;

namespace ResultsEs.Operations;

/// <summary>A stream: a session's or a highlight reel's.</summary>
/// <param name="Account">The tenant.</param>
/// <param name="Id">The session or reel.</param>
/// <param name="Kind">The stream's type, as Marten names it.</param>
internal readonly record struct StreamKey(string Account, Guid Id, string Kind);

/// <summary>A stream whose stored document is not what its events fold into.</summary>
internal sealed record Deviation(StreamKey Stream, IReadOnlyList<JsonDifference> Differences);

/// <summary>
/// Folds events afresh and compares with the stored documents. It writes nothing. Documents and events are read in one snapshot each time, so
/// that what is being written meanwhile is either in both or in neither.
/// </summary>
internal sealed class Verification(NpgsqlDataSource database)
{
    private const string Session = "session_result";
    private const int StreamsAtOnce = 200;

    /// <summary>All streams, or those of an account, in the order of their keys.</summary>
    public async IAsyncEnumerable<IReadOnlyList<StreamKey>> AllAsync(string? account, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var last = new StreamKey("", Guid.Empty, "");
        while (true)
        {
            // The primary key (tenant_id, id), in its order.
            await using var command = database.CreateCommand(
                $"""
                select s.tenant_id, s.id, s.type from results.mt_streams s
                where (s.tenant_id, s.id) > ($1, $2) and ($3::varchar is null or s.tenant_id = $3) and s.type in ('{Session}', '{HighlightReel.Alias}')
                order by s.tenant_id, s.id limit {StreamsAtOnce}
                """);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account is not null && last.Account.Length == 0 ? account : last.Account });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = last.Id });
            command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = account });
            var some = await ReadAsync(command, cancellation);
            if (some.Count == 0)
                yield break;

            yield return some;
            last = some[^1];
        }
    }

    /// <summary>Streams chosen at random: each has the same chance.</summary>
    public async IAsyncEnumerable<IReadOnlyList<StreamKey>> SampleAsync(int count, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            $"select s.tenant_id, s.id, s.type from results.mt_streams s where s.type in ('{Session}', '{HighlightReel.Alias}') order by random() limit $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        foreach (var some in (await ReadAsync(command, cancellation)).Chunk(StreamsAtOnce))
            yield return some;
    }

    /// <summary>Those of these streams whose documents are not what their events fold into.</summary>
    public async Task<IReadOnlyList<Deviation>> DeviationsAsync(IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var stored = await StoredAsync(connection, streams, cancellation);
        var deviations = new List<Deviation>();
        await foreach (var (stream, events) in EventsAsync(connection, streams, cancellation))
        {
            var differences = JsonDifference.Of(stored.GetValueOrDefault((stream.Account, stream.Id)), Folded(stream, events));
            if (differences.Count > 0)
                deviations.Add(new Deviation(stream, differences));
        }

        return deviations;
    }

    private static JsonNode Folded(StreamKey stream, IEnumerable<RecordedEvent> events) => stream.Kind == Session
        ? JsonSerializer.SerializeToNode(SessionResultFold.Fold(stream.Id, null, events), Json.Of<SessionResult>())!
        : JsonSerializer.SerializeToNode(HighlightReelFold.Fold(stream.Id, null, events), Json.Of<HighlightReel>())!;

    private static async Task<IReadOnlyList<StreamKey>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var streams = new List<StreamKey>();
        while (await reader.ReadAsync(cancellation))
            streams.Add(new StreamKey(reader.GetString(0), reader.GetGuid(1), reader.GetString(2)));
        return streams;
    }

    private static async Task<Dictionary<(string Account, Guid Id), JsonNode?>> StoredAsync(NpgsqlConnection connection, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            select k.tenant_id, k.id, coalesce(d.data, r.data)
            from unnest($1, $2, $3) k(tenant_id, id, type)
            left join results.mt_doc_session_result d on k.type = 'session_result' and d.tenant_id = k.tenant_id and d.id = k.id
            left join results.mt_doc_highlight_reel r on k.type <> 'session_result' and r.tenant_id = k.tenant_id and r.id = k.id
            """, connection);
        AddKeys(command, streams);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var stored = new Dictionary<(string, Guid), JsonNode?>();
        while (await reader.ReadAsync(cancellation))
            stored.Add((reader.GetString(0), reader.GetGuid(1)), reader.IsDBNull(2) ? null : JsonNode.Parse(reader.GetString(2)));
        return stored;
    }

    /// <summary>Each stream with its events in their order; of one stream at a time.</summary>
    private static async IAsyncEnumerable<(StreamKey Stream, IReadOnlyList<RecordedEvent> Events)> EventsAsync(
        NpgsqlConnection connection, IReadOnlyList<StreamKey> streams, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        // By the unique index of (tenant_id, stream_id, version).
        await using var command = new NpgsqlCommand(
            """
            select k.place::int, e.id, e.type, e.data, e.headers ->> 'time', e.timestamp
            from unnest($1, $2, $3) with ordinality k(tenant_id, id, type, place)
            left join results.mt_events e on e.tenant_id = k.tenant_id and e.stream_id = k.id
            order by k.place, e.version
            """, connection);
        AddKeys(command, streams);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var events = new List<RecordedEvent>();
        var place = 1;
        while (await reader.ReadAsync(cancellation))
        {
            for (; place < reader.GetInt32(0); place++)
            {
                yield return (streams[place - 1], events);
                events = [];
            }

            // An event that this version does not know is in no document of its making.
            if (!reader.IsDBNull(1) && EventCatalogue.Find(reader.GetString(2)) is { } type)
                events.Add(new RecordedEvent(new Stamp(Time(reader), reader.GetGuid(1)), type.Read(reader.GetFieldValue<byte[]>(3))));
        }

        yield return (streams[place - 1], events);
    }

    private static DateTimeOffset Time(NpgsqlDataReader reader) => reader.IsDBNull(4)
        ? reader.GetFieldValue<DateTimeOffset>(5)
        : DateTimeOffset.Parse(reader.GetString(4), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static void AddKeys(NpgsqlCommand command, IReadOnlyList<StreamKey> streams)
    {
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. streams.Select(stream => stream.Account)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. streams.Select(stream => stream.Id)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. streams.Select(stream => stream.Kind)] });
    }
}
