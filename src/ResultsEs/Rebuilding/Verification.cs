using ResultsEs.EventStore;

namespace ResultsEs.Rebuilding;

/// <summary>A stream whose stored document differs from the fold of its events. Or they do not fold, for a problem.</summary>
internal sealed record Deviation(StreamKey Stream, IReadOnlyList<JsonDifference> Differences, string? Problem = null);

/// <summary>Compares the fold of streams with the stored documents and columns, in one snapshot of both. Writes nothing.</summary>
internal sealed class Verification(NpgsqlDataSource database, DocumentTables tables)
{
    private const int StreamsAtOnce = 200;

    // Columns that tell of the row, which may be right and other than a rebuilt one's.
    private static readonly FrozenSet<string> Bookkeeping =
        [DocumentTable.Lag, DocumentTable.TaskCount, SizedDocument.StreamBytesColumn, SizedDocument.DocumentBytesColumn];

    /// <summary>Reads all streams by table, in key order; of one account, or of all when it is null.</summary>
    public async IAsyncEnumerable<(DocumentTable Table, IReadOnlyList<StreamKey> Streams)> AllAsync(
        string? account, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var table in tables.All)
        {
            var last = new StreamKey(account ?? "", Guid.Empty);
            while (await StreamLog.AfterAsync(database, table, last, account, StreamsAtOnce, cancellation) is { Count: > 0 } some)
            {
                yield return (table, some);
                last = some[^1];
            }
        }
    }

    /// <summary>Reads streams of all tables at random; each has the same chance.</summary>
    public async IAsyncEnumerable<(DocumentTable Table, IReadOnlyList<StreamKey> Streams)> SampleAsync(
        int count, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var sample = await StreamLog.SampleAsync(database, tables, count, cancellation);
        foreach (var table in tables.All)
        {
            var keys = sample.Where(stream => stream.StreamType == table.StreamType).Select(stream => stream.Key);
            foreach (var some in keys.Chunk(StreamsAtOnce))
                yield return (table, some);
        }
    }

    public async Task<IReadOnlyList<Deviation>> DeviationsAsync(
        DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        // Before the snapshot: a rebuilt table that is switched in after it would seem empty.
        await connection.ExecuteAsync($"lock table {table.QualifiedName} in access share mode", [], cancellation);

        var stored = await StoredAsync(connection, table, streams, cancellation);
        var appended = await DocumentRefresh.AppendedAsync(connection, table, streams, isLocked: false, cancellation);
        var deviations = new List<Deviation?>();
        var lagging = new List<(Row Document, StreamPart Held, StreamPart Lacking)>();
        await foreach (var stream in StoredStreams.ReadAsync(connection, table, appended, cancellation))
        {
            var document = stored.GetValueOrDefault(stream.Key);
            // A document may lag if the events that it lacks may be deferred. That takes other queries, so it is checked below.
            if (await ProblemOfWaitingAsync(table, stream, document, cancellation) is { } problem)
                deviations.Add(new Deviation(stream.Key, [], problem));
            else if (document is { Lag: > 0, Version: var held } && held + document.Lag == stream.Version)
                lagging.Add((document, new StreamPart(stream.Key, 0, held), new StreamPart(stream.Key, held, stream.Version)));
            else
                deviations.Add(DeviationOf(table, stream, document, stored));
        }

        foreach (var (document, held, lacking) in lagging)
        {
            var tail = await PartAsync(connection, table, lacking, cancellation);
            var mayLag = tail.Events.All(e => table.MayDefer!(e.Data, document.TaskTypes ?? ""));
            var expected = await PartAsync(connection, table, mayLag ? held : held with { Until = lacking.Until }, cancellation);
            deviations.Add(DeviationOf(table, expected, document, others: null));
        }

        return [.. deviations.OfType<Deviation>()];
    }

    /// <summary>
    /// Tries to make the document of a stream whose stored one lacks events or is not there. Returns why it cannot be made, or why the
    /// database does not take it; null when it does, and for all other streams.
    /// </summary>
    private async Task<string?> ProblemOfWaitingAsync(
        DocumentTable table, StoredStream stream, Row? document, CancellationToken cancellation)
    {
        if (document is not null && document.Version == stream.Version)
            return null;

        try
        {
            await using var command = database.CreateCommand("select $1::jsonb is not null");
            command.Parameters.Add(
                new NpgsqlParameter<byte[]> { TypedValue = table.Fold(stream).Json, NpgsqlDbType = NpgsqlDbType.Jsonb });
            await command.ExecuteScalarAsync(cancellation);
            return null;
        }
        catch (UnfoldableStreamException e)
        {
            return e.Problem;
        }
        catch (PostgresException e) when (TakenApart.IsItemsOwn(e))
        {
            return $"the database does not take the document: {e.MessageText}";
        }
    }

    private static async Task<StoredStream> PartAsync(
        NpgsqlConnection connection, DocumentTable table, StreamPart part, CancellationToken cancellation) =>
        await StoredStreams.ReadPartsAsync(connection, table, [part], cancellation).FirstOrDefaultAsync(cancellation)
            ?? new StoredStream(part.Key, part.Until, default, [], 0, null);

    private static Deviation? DeviationOf(
        DocumentTable table, StoredStream stream, Row? document, Dictionary<StreamKey, Row>? others)
    {
        try
        {
            var folded = table.Fold(stream);
            var differences = JsonDifference.Of(document?.Shown, Shown(table, folded.Json, stream.Version, folded.Values)).ToList();
            // Its documents in other workspaces are written together with a whole one.
            foreach (var (id, other) in others is null ? [] : folded.Others)
            {
                var shown = others!.GetValueOrDefault(stream.Key with { Id = id })?.Shown;
                differences.AddRange(JsonDifference.Of(shown, Shown(table, other.Json, stream.Version, other.Values)));
            }

            return differences.Count > 0 ? new Deviation(stream.Key, differences) : null;
        }
        catch (UnfoldableStreamException e)
        {
            return new Deviation(stream.Key, [], e.Problem);
        }
    }

    /// <summary>Makes the JSON of a row: the document, its version and the columns that follow from both.</summary>
    private static JsonObject Shown(DocumentTable table, byte[] json, long version, IEnumerable<object?> values)
    {
        var columns = new JsonObject { [DocumentTable.VersionColumn] = version };
        foreach (var (column, value) in table.Columns.Zip(values).Where(item => !Bookkeeping.Contains(item.First.Name)))
            columns[column.Name] = Text(value);
        return new JsonObject { ["document"] = JsonNode.Parse(json), ["columns"] = columns };
    }

    private static async Task<Dictionary<StreamKey, Row>> StoredAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        var columns = table.Columns.Select(column => column.Name).ToList();
        var (lag, taskTypes) = (columns.IndexOf(DocumentTable.Lag), columns.IndexOf("task_types"));
        // The primary key (tenant_id, id) finds the rows.
        var rows = await new NpgsqlCommand(
            $"""
            select d.tenant_id, d.id, d.data, d.{DocumentTable.VersionColumn}, {string.Join(", ", columns.Select(name => "d." + name))}
            from unnest($1, $2) k(tenant_id, id)
            join {table.QualifiedName} d
              on d.tenant_id = k.tenant_id and (d.id = k.id or (d.{DocumentTable.Stream} is not null and d.{DocumentTable.Stream} = k.id))
            """, connection).ReadAllAsync(
            streams.ToParameters(),
            reader =>
            {
                var version = reader.GetInt64(3);
                object[] values = [.. columns.Select((_, i) => reader.GetValue(4 + i))];
                var shown = Shown(table, reader.GetFieldValue<byte[]>(2), version, values);
                var lacking = values.ElementAtOrDefault(lag) as int? ?? 0;
                return (Key: reader.ReadKey(), Row: new Row(shown, version, lacking, values.ElementAtOrDefault(taskTypes) as string));
            },
            cancellation);
        return rows.ToDictionary(row => row.Key, row => row.Row);
    }

    private static string? Text(object? value) => value switch
    {
        null or DBNull => null,
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    /// <summary>A stored row: its JSON, the number of events in the document, and the number that it lacks.</summary>
    private sealed record Row(JsonNode Shown, long Version, int Lag, string? TaskTypes);
}
