using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using ResultsEs.Common;
using ResultsEs.Sessions;

namespace ResultsEs.EventStore;

/// <summary>A stream of an account.</summary>
/// <param name="Account">The tenant.</param>
/// <param name="Id">The stream, and its document.</param>
internal readonly record struct StreamKey(string Account, Guid Id);

/// <summary>A document as a row: its JSON, what stands beside it as columns, and the document itself.</summary>
internal sealed record DocumentRow(byte[] Json, IReadOnlyList<object?> Values, object Document);

/// <summary>A column beside the JSON.</summary>
internal sealed record DocumentColumn(string Name, NpgsqlDbType Type);

/// <summary>
/// A table of documents, each folded from one stream, as Marten's inline projection keeps it: what repairs and rebuilds documents writes the same rows
/// by the same fold. A row's <c>mt_version</c> is the version of the stream that it holds, so that a document that is behind can be told by its row.
/// </summary>
internal sealed class DocumentTable
{
    /// <summary>
    /// Whether there are events of a stream <c>s</c> of which its document <c>d</c>, and the row it is in, know nothing: nodes of another version appended them. One that is behind because it is
    /// long (<see cref="LongDocuments"/>) is of the time of its stream.
    /// </summary>
    public const string IsStale = "(d.mt_version is distinct from s.version and d.mt_last_modified is distinct from s.timestamp)";

    private readonly Func<Guid, byte[]?, IEnumerable<RecordedEvent>, DocumentRow> _fold;
    private readonly string _dotNetType;
    private readonly string _upsertMany;

    private DocumentTable(string alias, int version, string streamType, string dotNetType, IReadOnlyList<DocumentColumn> columns, Func<Guid, byte[]?, IEnumerable<RecordedEvent>, DocumentRow> fold)
    {
        (Version, StreamType, _dotNetType, Columns, _fold) = (version, streamType, dotNetType, columns, fold);
        (BaseAlias, Alias) = (alias, AliasOf(alias, version));
        string[] stored = ["data", "mt_version", "mt_dotnet_type", "mt_last_modified", .. columns.Select(column => column.Name)];
        _upsertMany =
            $"""
            insert into {MartenSetup.Schema}.{Name} ({AllColumns})
            select $1, v.id, v.data, v.version, $2, transaction_timestamp(), {string.Join(", ", columns.Select(column => "v." + column.Name))}
            from unnest({string.Join(", ", Enumerable.Range(3, 3 + columns.Count).Select(n => string.Create(CultureInfo.InvariantCulture, $"${n}")))}) v(id, data, version, {string.Join(", ", columns.Select(column => column.Name))})
            on conflict (tenant_id, id) do update set {string.Join(", ", stored.Select(column => $"{column} = excluded.{column}"))}
            """;
    }

    /// <summary>The document's name without a version.</summary>
    public string BaseAlias { get; }

    /// <summary>The document's name, as Marten is told; another version of the projection has another.</summary>
    public string Alias { get; }

    /// <summary>The version of the projection: what folds into other documents than before has a greater one.</summary>
    public int Version { get; }

    /// <summary>The table's name.</summary>
    public string Name => "mt_doc_" + Alias;

    /// <summary>The type of the streams that fold into it, as Marten names it.</summary>
    public string StreamType { get; }

    /// <summary>The columns beside the JSON that are the document's own.</summary>
    public IReadOnlyList<DocumentColumn> Columns { get; }

    /// <summary>All columns, in the order in which <see cref="WriteAsync"/> writes them.</summary>
    public string AllColumns => $"tenant_id, id, data, mt_version, mt_dotnet_type, mt_last_modified, {string.Join(", ", Columns.Select(column => column.Name))}";

    /// <summary>The table of a document.</summary>
    /// <param name="alias">The document's name.</param>
    /// <param name="version">The version of the projection.</param>
    /// <param name="streamType">The type of its streams, as Marten names it.</param>
    /// <param name="fold">Makes the document of all events of its stream.</param>
    /// <param name="columns">The columns beside the JSON, with the document's values.</param>
    public static DocumentTable Of<T>(
        string alias, int version, string streamType, Func<Guid, T?, IEnumerable<RecordedEvent>, T> fold, params (string Name, NpgsqlDbType Type, Func<T, object?> Value)[] columns)
        where T : class
    {
        return new DocumentTable(alias, version, streamType, typeof(T).FullName!, [.. columns.Select(column => new DocumentColumn(column.Name, column.Type))], Row);

        DocumentRow Row(Guid id, byte[]? json, IEnumerable<RecordedEvent> events)
        {
            var document = fold(id, json is null ? null : JsonSerializer.Deserialize(json, Json.Of<T>()), events);
            return new DocumentRow(JsonSerializer.SerializeToUtf8Bytes(document, Json.Of<T>()), [.. columns.Select(column => column.Value(document))], document);
        }
    }

    /// <summary>The name of a version of a document.</summary>
    public static string AliasOf(string alias, int version) => version == 1 ? alias : string.Create(CultureInfo.InvariantCulture, $"{alias}_{version}");

    /// <summary>The document of a stream.</summary>
    /// <exception cref="UnfoldableStreamException">An event of it cannot be read, or the fold fails, which no fold may.</exception>
    public DocumentRow Fold(StoredStream stream)
    {
        var events = stream.ReadableEvents;
        try
        {
            return _fold(stream.Key.Id, null, events);
        }
        catch (Exception e)
        {
            throw new UnfoldableStreamException(stream.Key, $"the fold failed: {e.Message}", e);
        }
    }

    /// <summary>The document of a stream that has got more events.</summary>
    /// <param name="id">The stream.</param>
    /// <param name="json">The document before; null when there was none.</param>
    /// <param name="events">What came since.</param>
    public DocumentRow Fold(Guid id, byte[]? json, IEnumerable<RecordedEvent> events) => _fold(id, json, events);

    /// <summary>A command that stores documents of an account in the place of those that are there. They were last modified when the transaction began.</summary>
    public NpgsqlBatchCommand UpsertMany(string account, IReadOnlyList<(Guid Id, long Version, DocumentRow Row)> documents)
    {
        var command = new NpgsqlBatchCommand(_upsertMany);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _dotNetType });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. documents.Select(document => document.Id)] });
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. documents.Select(document => document.Row.Json)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. documents.Select(document => document.Version)] });
        for (var i = 0; i < Columns.Count; i++)
        {
            var values = documents.Select(document => document.Row.Values[i]);
            command.Parameters.Add(Columns[i].Type switch
            {
                NpgsqlDbType.Uuid => new NpgsqlParameter<Guid?[]> { TypedValue = [.. values.Cast<Guid?>()] },
                NpgsqlDbType.TimestampTz => new NpgsqlParameter<DateTime?[]> { TypedValue = [.. values.Cast<DateTime?>()], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                NpgsqlDbType.Varchar => new NpgsqlParameter<string?[]> { TypedValue = [.. values.Cast<string?>()], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar },
                var type => throw new NotSupportedException($"A column of type {type}."),
            });
        }

        return command;
    }

    /// <summary>Writes a row into a binary COPY of <see cref="AllColumns"/>.</summary>
    public async Task WriteAsync(NpgsqlBinaryImporter copy, StreamKey key, long version, DateTime appended, DocumentRow row, CancellationToken cancellation)
    {
        await copy.StartRowAsync(cancellation);
        await copy.WriteAsync(key.Account, NpgsqlDbType.Varchar, cancellation);
        await copy.WriteAsync(key.Id, NpgsqlDbType.Uuid, cancellation);
        await copy.WriteAsync(row.Json, NpgsqlDbType.Jsonb, cancellation);
        await copy.WriteAsync(version, NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(_dotNetType, NpgsqlDbType.Varchar, cancellation);
        await copy.WriteAsync(appended, NpgsqlDbType.TimestampTz, cancellation);
        for (var i = 0; i < Columns.Count; i++)
        {
            if (row.Values[i] is { } value)
                await copy.WriteAsync(value, Columns[i].Type, cancellation);
            else
                await copy.WriteNullAsync(cancellation);
        }
    }

    /// <summary>
    /// A command that stores a row and returns a row of its own when that changed anything. What is stored was last modified when its stream was,
    /// unless the stream holds no more than before: then a repair changed it, now.
    /// </summary>
    /// <param name="name">This table's name, or that of the one that is being built for it.</param>
    /// <param name="key">The stream.</param>
    /// <param name="version">The stream's version.</param>
    /// <param name="appended">When the stream was last appended to.</param>
    /// <param name="row">The document.</param>
    public NpgsqlBatchCommand Upsert(string name, StreamKey key, long version, DateTime appended, DocumentRow row)
    {
        string[] stored = ["data", "mt_version", .. Columns.Select(column => column.Name)];
        var command = new NpgsqlBatchCommand(
            $"""
            insert into {MartenSetup.Schema}.{name} as d ({AllColumns})
            values ({string.Join(", ", Enumerable.Range(1, 6 + Columns.Count).Select(n => string.Create(CultureInfo.InvariantCulture, $"${n}")))})
            on conflict (tenant_id, id) do update set
              mt_last_modified = case when d.mt_version = excluded.mt_version then transaction_timestamp() else excluded.mt_last_modified end,
              mt_dotnet_type = excluded.mt_dotnet_type, {string.Join(", ", stored.Select(column => $"{column} = excluded.{column}"))}
            where ({string.Join(", ", stored.Select(column => $"d.{column}"))}) is distinct from ({string.Join(", ", stored.Select(column => $"excluded.{column}"))})
            returning 1
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = row.Json, NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = version });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _dotNetType });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = appended });
        for (var i = 0; i < Columns.Count; i++)
            command.Parameters.Add(new NpgsqlParameter { Value = row.Values[i] ?? DBNull.Value, NpgsqlDbType = Columns[i].Type });
        return command;
    }
}
