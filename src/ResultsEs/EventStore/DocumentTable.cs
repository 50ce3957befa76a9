using System.Collections.Frozen;
using System.Globalization;
using Marten;
using Npgsql;
using NpgsqlTypes;
using ResultsEs.Contracts;

namespace ResultsEs.EventStore;

/// <summary>A document as a row: its JSON, the columns beside it, and the document itself.</summary>
internal sealed record DocumentRow(byte[] Json, IReadOnlyList<object?> Values, object Document);

/// <summary>A document to store.</summary>
/// <param name="Key">Its stream.</param>
/// <param name="Version">How many of the stream's events it holds.</param>
/// <param name="Modified">When the stream was last appended to; null for the transaction's own time.</param>
/// <param name="Row">The document.</param>
internal readonly record struct DocumentWrite(StreamKey Key, long Version, DateTime? Modified, DocumentRow Row);

/// <summary>
/// A table of documents, each folded from one stream. The inline projection, repairs and rebuilds store by the one statement here.
/// A row's <c>mt_version</c> says how many events its document holds, and <c>lag</c> how many more its stream has (<see cref="DeferredWrites"/>).
/// </summary>
internal abstract class DocumentTable
{
    /// <summary>
    /// A condition: nodes of another version appended to stream <c>s</c>, and document <c>d</c> of this version lacks the events.
    /// </summary>
    public const string IsStale = "(d.mt_version + coalesce(d.lag, 0) is distinct from s.version)";

    /// <summary>The column of the time at which a document last changed.</summary>
    public const string Modified = "mt_last_modified";

    /// <summary>The column of how many of the stream's events the document holds.</summary>
    public const string VersionColumn = "mt_version";

    /// <summary>The column of how many events the document lacks; null, not known: the row was written before there was the column.</summary>
    public const string Lag = "lag";

    private readonly string[] _stored;

    // Of this table: every commit asks for it.
    private readonly string _upsert;

    /// <summary>The table of a document.</summary>
    protected DocumentTable(string alias, int version, string streamType, IEnumerable<EventType> eventTypes, IReadOnlyList<DocumentColumn> columns)
    {
        (BaseAlias, Version, StreamType, Columns) = (alias, version, streamType, columns);
        Alias = AliasOf(alias, version);
        EventTypes = eventTypes.ToFrozenDictionary(type => type.WireType, StringComparer.Ordinal);
        _stored = ["data", .. columns.Select(column => column.Name)];
        _upsert = UpsertSql(Name);
    }

    /// <summary>What such a document is of, in messages: <c>session</c>.</summary>
    public required string Noun { get; init; }

    /// <summary>The document's name without a version.</summary>
    public string BaseAlias { get; }

    /// <summary>The document's name, as Marten is told; each version of the projection has its own.</summary>
    public string Alias { get; }

    /// <summary>The version of the projection: what folds into other documents than before has a greater one.</summary>
    public int Version { get; }

    /// <summary>The table's name.</summary>
    public string Name => "mt_doc_" + Alias;

    /// <summary>The table's name with its schema, for SQL.</summary>
    public string QualifiedName => NameOf(Version);

    /// <summary>The type of the streams that fold into it, as Marten stores it.</summary>
    public string StreamType { get; }

    /// <summary>The events of those streams, by wire type.</summary>
    public IReadOnlyDictionary<string, EventType> EventTypes { get; }

    /// <summary>The columns beside the JSON that are the document's own.</summary>
    public IReadOnlyList<DocumentColumn> Columns { get; }

    /// <summary>All columns, in the order in which <see cref="WriteAsync"/> writes them.</summary>
    public string AllColumns => $"tenant_id, id, mt_version, mt_dotnet_type, mt_last_modified, {string.Join(", ", _stored)}";

    /// <summary>The document's type.</summary>
    public abstract Type DocumentType { get; }

    /// <summary>Tells whether an event's document write may be deferred, given the row's <c>task_types</c>; null where none is.</summary>
    public Func<StreamEvent, string, bool>? MayDefer { get; init; }

    /// <summary>The name of a version of a document.</summary>
    public static string AliasOf(string alias, int version) => version == 1 ? alias : string.Create(CultureInfo.InvariantCulture, $"{alias}_{version}");

    /// <summary>The name, with its schema, of the table of a version.</summary>
    public string NameOf(int version) => $"{MartenSetup.Schema}.mt_doc_{AliasOf(BaseAlias, version)}";

    /// <summary>A stored document.</summary>
    public abstract object Read(byte[] json);

    /// <summary>The document as a row.</summary>
    public abstract DocumentRow Row(object document);

    /// <summary>The document after events that are new to it.</summary>
    public abstract object Fold(Guid id, object? before, IEnumerable<RecordedEvent> events);

    /// <summary>Tells Marten of the document, its columns, its events and its inline projection.</summary>
    public abstract void Register(StoreOptions options);

    /// <summary>The document of a whole stream.</summary>
    /// <exception cref="UnfoldableStreamException">An event of it cannot be read, or the fold fails, which no fold may.</exception>
    public DocumentRow Fold(StoredStream stream)
    {
        var events = stream.ReadableEvents;
        try
        {
            return Row(Fold(stream.Key.Id, null, events));
        }
        catch (Exception e)
        {
            throw new UnfoldableStreamException(stream.Key, $"the fold failed: {e.Message}", e);
        }
    }

    /// <summary>
    /// A statement that stores documents and returns the keys of those that it changed. A document was last modified when its stream was,
    /// unless it holds no more events than before: then a repair changed it, now.
    /// </summary>
    /// <param name="name">This table's name, or that of its shadow table.</param>
    /// <param name="documents">The documents.</param>
    public NpgsqlBatchCommand Upsert(string name, IReadOnlyList<DocumentWrite> documents)
    {
        var command = new NpgsqlBatchCommand(name == Name ? _upsert : UpsertSql(name));
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DocumentType.FullName! });
        command.Parameters.AddKeys(documents.Select(document => document.Key));
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. documents.Select(document => document.Version)] });
        command.Parameters.Add(Array(NpgsqlDbType.TimestampTz, documents.Select(document => document.Modified)));
        command.Parameters.Add(Array(NpgsqlDbType.Jsonb, documents.Select(document => document.Row.Json)));
        for (var i = 0; i < Columns.Count; i++)
        {
            var values = documents.Select(document => document.Row.Values[i]);
            command.Parameters.Add(Columns[i].Type switch
            {
                NpgsqlDbType.Uuid => Array(NpgsqlDbType.Uuid, values.Cast<Guid?>()),
                NpgsqlDbType.TimestampTz => Array(NpgsqlDbType.TimestampTz, values.Cast<DateTime?>()),
                NpgsqlDbType.Varchar => Array(NpgsqlDbType.Varchar, values.Cast<string?>()),
                NpgsqlDbType.Integer => Array(NpgsqlDbType.Integer, values.Cast<int?>()),
                var type => throw new NotSupportedException($"A column of type {type}."),
            });
        }

        return command;

        static NpgsqlParameter Array<T>(NpgsqlDbType type, IEnumerable<T> values) =>
            new NpgsqlParameter<T[]> { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    private string UpsertSql(string name)
    {
        var columns = string.Join(", ", _stored);
        return
            $"""
            insert into {MartenSetup.Schema}.{name} as d ({AllColumns})
            select v.tenant_id, v.id, v.version, $1, coalesce(v.modified, transaction_timestamp()), {string.Join(", ", _stored.Select(column => "v." + column))}
            from unnest({string.Join(", ", Enumerable.Range(2, 4 + _stored.Length).Select(n => $"${n}"))}) v(tenant_id, id, version, modified, {columns})
            on conflict (tenant_id, id) do update set
              mt_last_modified = case when d.mt_version = excluded.mt_version then transaction_timestamp() else excluded.mt_last_modified end,
              mt_version = excluded.mt_version, mt_dotnet_type = excluded.mt_dotnet_type,
              {string.Join(", ", _stored.Select(column => $"{column} = excluded.{column}"))}
            where d.mt_version is distinct from excluded.mt_version
              or ({string.Join(", ", _stored.Select(column => "d." + column))}) is distinct from ({string.Join(", ", _stored.Select(column => "excluded." + column))})
            returning d.tenant_id, d.id
            """;
    }

    /// <summary>Writes a row into a binary COPY of <see cref="AllColumns"/>.</summary>
    public async Task WriteAsync(NpgsqlBinaryImporter copy, StreamKey key, long version, DateTime appended, DocumentRow row, CancellationToken cancellation)
    {
        await copy.StartRowAsync(cancellation);
        await copy.WriteAsync(key.Account, NpgsqlDbType.Varchar, cancellation);
        await copy.WriteAsync(key.Id, NpgsqlDbType.Uuid, cancellation);
        await copy.WriteAsync(version, NpgsqlDbType.Bigint, cancellation);
        await copy.WriteAsync(DocumentType.FullName!, NpgsqlDbType.Varchar, cancellation);
        await copy.WriteAsync(appended, NpgsqlDbType.TimestampTz, cancellation);
        await copy.WriteAsync(row.Json, NpgsqlDbType.Jsonb, cancellation);
        for (var i = 0; i < Columns.Count; i++)
        {
            if (row.Values[i] is { } value)
                await copy.WriteAsync(value, Columns[i].Type, cancellation);
            else
                await copy.WriteNullAsync(cancellation);
        }
    }
}
