using System.Data;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>A stream whose stored document is not what its events fold into.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Differences">Where they differ.</param>
/// <param name="Problem">Why the events do not fold into anything; null when they do.</param>
internal sealed record Deviation(StreamKey Stream, IReadOnlyList<JsonDifference> Differences, string? Problem = null);

/// <summary>
/// Folds events afresh and compares with the stored documents and the columns beside them. It writes nothing. Documents and events are read in one
/// snapshot each time, so that what is being written meanwhile is either in both or in neither.
/// </summary>
internal sealed class Verification(NpgsqlDataSource database, DocumentTables tables)
{
    private const int StreamsAtOnce = 200;

    /// <summary>All streams of a table, or those of an account, in the order of their keys.</summary>
    public async IAsyncEnumerable<IReadOnlyList<StreamKey>> AllAsync(DocumentTable table, string? account, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var last = new StreamKey(account ?? "", Guid.Empty);
        while (true)
        {
            var some = await StreamLog.AfterAsync(database, table, last, account, StreamsAtOnce, cancellation);
            if (some.Count == 0)
                yield break;

            yield return some;
            last = some[^1];
        }
    }

    /// <summary>Streams of all tables chosen at random: each has the same chance.</summary>
    public async IAsyncEnumerable<(DocumentTable Table, IReadOnlyList<StreamKey> Streams)> SampleAsync(int count, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var sample = await StreamLog.SampleAsync(database, tables, count, cancellation);
        foreach (var table in tables.All)
        {
            foreach (var some in sample.Where(stream => stream.StreamType == table.StreamType).Select(stream => stream.Key).Chunk(StreamsAtOnce))
                yield return (table, some);
        }
    }

    /// <summary>Those of these streams whose documents are not what their events fold into.</summary>
    public async Task<IReadOnlyList<Deviation>> DeviationsAsync(DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        // Before there is a snapshot: a rebuilt table that took this one's place after it would seem to be empty.
        await using (var keep = new NpgsqlCommand($"lock table {table.QualifiedName} in access share mode", connection))
            await keep.ExecuteNonQueryAsync(cancellation);

        var stored = await StoredAsync(connection, table, streams, cancellation);
        var appended = await DocumentRefresh.AppendedAsync(connection, table, streams, isLocked: false, cancellation);
        var deviations = new List<Deviation>();
        var behind = new Dictionary<StreamKey, (Row Document, long Version)>();
        await foreach (var stream in StoredStreams.ReadAsync(connection, table, appended, cancellation))
        {
            var document = stored.GetValueOrDefault(stream.Key);
            // One that lags is what the events fold into that it holds, and the others may be deferred: that is looked at below, each by itself.
            if (document is { Lag: > 0 } && document.Version + document.Lag == stream.Version)
                behind.Add(stream.Key, (document, stream.Version));
            else if (Deviation(table, stream, document) is { } deviation)
                deviations.Add(deviation);
        }

        foreach (var (key, (document, version)) in behind)
        {
            var held = await PartAsync(connection, table, new StreamPart(key, 0, document.Version), cancellation);
            var tail = await PartAsync(connection, table, new StreamPart(key, document.Version, version), cancellation);
            var mayDefer = tail.Events.All(e => table.MayDefer!(e.Data, document.TaskTypes ?? ""));
            if (Deviation(table, mayDefer ? held : await PartAsync(connection, table, new StreamPart(key, 0, version), cancellation), document) is { } deviation)
                deviations.Add(deviation);
        }

        return deviations;
    }

    private static async Task<StoredStream> PartAsync(NpgsqlConnection connection, DocumentTable table, StreamPart part, CancellationToken cancellation)
    {
        await foreach (var stream in StoredStreams.ReadPartsAsync(connection, table, [part], cancellation))
            return stream;
        return new StoredStream(part.Key, part.Until, default, [], null);
    }

    private static Deviation? Deviation(DocumentTable table, StoredStream stream, Row? document)
    {
        try
        {
            return JsonDifference.Of(document?.Shown, Shown(table, stream)) is { Count: > 0 } differences ? new Deviation(stream.Key, differences) : null;
        }
        catch (UnfoldableStreamException e)
        {
            return new Deviation(stream.Key, [], e.Problem);
        }
    }

    /// <summary>A row as JSON: the document, its version and columns.</summary>
    private static JsonNode Shown(DocumentTable table, StoredStream stream)
    {
        var row = table.Fold(stream);
        var columns = new JsonObject { [DocumentTable.VersionColumn] = stream.Version };
        foreach (var (column, value) in table.Columns.Zip(row.Values).Where(item => item.First.Name != DocumentTable.Lag))
            columns[column.Name] = Text(value);
        return new JsonObject { ["document"] = JsonNode.Parse(row.Json), ["columns"] = columns };
    }

    private static async Task<Dictionary<StreamKey, Row>> StoredAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id) finds the rows.
        await using var command = new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id, d.data, d.{DocumentTable.VersionColumn}, {string.Join(", ", table.Columns.Select(column => $"d.{column.Name}"))}
            from unnest($1, $2) k(tenant_id, id)
            join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.id = k.id
            """, connection);
        command.Parameters.AddKeys(streams);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var stored = new Dictionary<StreamKey, Row>();
        while (await reader.ReadAsync(cancellation))
        {
            var columns = new JsonObject { [DocumentTable.VersionColumn] = reader.GetInt64(3) };
            for (var i = 0; i < table.Columns.Count; i++)
                columns[table.Columns[i].Name] = Text(reader.GetValue(4 + i));
            var lag = (string?)columns[DocumentTable.Lag];
            columns.Remove(DocumentTable.Lag);
            stored.Add(
                new StreamKey(reader.GetString(0), reader.GetGuid(1)),
                new Row(
                    new JsonObject { ["document"] = JsonNode.Parse(reader.GetString(2)), ["columns"] = columns },
                    reader.GetInt64(3),
                    lag is null ? 0 : int.Parse(lag, CultureInfo.InvariantCulture),
                    (string?)columns["task_types"]));
        }

        return stored;
    }

    private static string? Text(object? value) => value switch
    {
        null or DBNull => null,
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    /// <summary>A row as it is stored.</summary>
    /// <param name="Shown">The document, its version and columns.</param>
    /// <param name="Version">How many events the document holds.</param>
    /// <param name="Lag">How many events more its stream has.</param>
    /// <param name="TaskTypes">The task types by which lists find it; null where there is no such column.</param>
    private sealed record Row(JsonNode Shown, long Version, int Lag, string? TaskTypes);
}
