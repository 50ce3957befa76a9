using JasperFx.Events.Projections;
using Marten;
using Marten.Internal.Sessions;
using Marten.Schema;

namespace ResultsEs.EventStore;

/// <summary>A document as a row: its JSON, the values of its other columns, and the document itself.</summary>
internal sealed record DocumentRow(byte[] Json, IReadOnlyList<object?> Values, object Document)
{
    /// <summary>The rows of the same stream in other workspaces, by their keys; in all but a few cases none.</summary>
    public IReadOnlyList<(Guid Id, DocumentRow Row)> Others { get; init; } = [];

    /// <summary>This row and the others, with their keys.</summary>
    public IEnumerable<(StreamKey Key, DocumentRow Row)> WithOthers(StreamKey stream) =>
        [(stream, this), .. Others.Select(other => (stream with { Id = other.Id }, other.Row))];
}

/// <summary>A document to store, with the number of its events and the time of change; null is the moment at which it is stored.</summary>
internal readonly record struct DocumentWrite(StreamKey Key, long Version, DateTime? Modified, DocumentRow Row);

/// <summary>
/// A table of documents, each folded from one stream. The inline projection, repairs and rebuilds share its one upsert.
/// A row's <c>mt_version</c> counts the events in its document, <c>lag</c> those that it lacks (<see cref="DeferredWrites"/>).
/// </summary>
internal abstract class DocumentTable(string alias, int version, IEnumerable<EventType> eventTypes, IReadOnlyList<DocumentColumn> columns)
{
    /// <summary>A condition: document <c>d</c> lacks events that nodes of another version appended to stream <c>s</c>.</summary>
    public const string IsStale = "(d.mt_version + coalesce(d.lag, 0) is distinct from s.version)";

    /// <summary>The column with the time of a document's last change.</summary>
    public const string Modified = "mt_last_modified";

    /// <summary>The column with the number of events in the document.</summary>
    public const string VersionColumn = "mt_version";

    /// <summary>The column with the number of events that the document lacks. Null in rows older than the column: unknown.</summary>
    public const string Lag = "lag";

    /// <summary>The column with the number of a session's tasks. Null in rows older than the column: unknown.</summary>
    public const string TaskCount = "task_count";

    /// <summary>The column with the stream's id, in the rows that do not have it for their key.</summary>
    public const string Stream = "stream_id";

    // Of a table whose documents may lag.
    private const string ModifiedOfUpdate =
        $"case when d.{Lag} > 0 and d.mt_version + d.{Lag} = excluded.mt_version then d.mt_last_modified "
        + "else excluded.mt_last_modified end";

    private readonly string[] _stored = ["data", .. columns.Select(column => column.Name)];
    private string? _upsert;

    /// <summary>What a document describes, for messages: <c>session</c>.</summary>
    public required string Noun { get; init; }

    /// <summary>The document's name without a version.</summary>
    public string BaseAlias { get; } = alias;

    /// <summary>The document's name in Marten. Each version of the projection has its own.</summary>
    public string Alias { get; } = AliasOf(alias, version);

    /// <summary>The version of the projection. A fold that makes other documents of the same events has a greater one.</summary>
    public int Version { get; } = version;

    /// <summary>The table's name, without its schema.</summary>
    public string Name => "mt_doc_" + Alias;

    /// <summary>The table's name with its schema, for SQL.</summary>
    public string QualifiedName => NameOf(Version);

    /// <summary>The type of the streams that fold into the table, as Marten stores it.</summary>
    public string StreamType => BaseAlias;

    /// <summary>The events of those streams, by wire type.</summary>
    public IReadOnlyDictionary<string, EventType> EventTypes { get; } =
        eventTypes.ToFrozenDictionary(type => type.WireType, StringComparer.Ordinal);

    /// <summary>The wire types of the events that start those streams, as a list for SQL.</summary>
    public string Starts => field ??= string.Join(
        ", ", EventTypes.Values.Where(type => Placement.IsStart(type.Record)).Select(type => $"'{type.WireType}'"));

    /// <summary>The document's own columns next to the JSON.</summary>
    public IReadOnlyList<DocumentColumn> Columns { get; } = columns;

    /// <summary>All columns, in the order in which <see cref="WriteAsync"/> writes them.</summary>
    public string AllColumns => $"tenant_id, id, mt_version, mt_dotnet_type, mt_last_modified, {Stored()}";

    public abstract Type DocumentType { get; }

    /// <summary>True when an event's document write may be deferred, given the row's <c>task_types</c>. Null: none may.</summary>
    public Func<StreamEvent, string, bool>? MayDefer { get; init; }

    public static string AliasOf(string alias, int version) => version == 1 ? alias : $"{alias}_{version}";

    /// <summary>The name, with its schema, of a version's table.</summary>
    public string NameOf(int version) => $"{MartenSetup.Schema}.mt_doc_{AliasOf(BaseAlias, version)}";

    public abstract object Read(byte[] json);

    /// <summary>Makes the row of a document whose stream has so many bytes.</summary>
    public abstract DocumentRow Row(object document, long streamBytes);

    /// <summary>Folds events into a document, each of which must be new to it.</summary>
    public abstract object Fold(Guid id, object? before, IReadOnlyCollection<RecordedEvent> events);

    /// <summary>True when these events change where earlier ones count, so that all have to be folded again.</summary>
    public abstract bool NeedsAll(object? before, IReadOnlyCollection<RecordedEvent> events);

    /// <summary>Folds all events of a stream into its documents, of which the first has the stream's id for its key.</summary>
    public abstract IReadOnlyList<(Guid? Workspace, PlacedDocument Document)> FoldAll(
        Guid id, IReadOnlyCollection<RecordedEvent> events);

    /// <summary>Makes the rows of a stream's documents but the first; those of workspaces that it left are empty.</summary>
    public abstract IReadOnlyList<(Guid Id, DocumentRow Row)> Others(
        Guid id, IReadOnlyList<(Guid? Workspace, PlacedDocument Document)> documents, IEnumerable<Guid> left, long streamBytes);

    /// <summary>Registers the document, its columns, its events and its inline projection with Marten.</summary>
    public abstract void Register(StoreOptions options);

    /// <summary>Folds a whole stream into its documents, given workspaces in which it had some.</summary>
    /// <exception cref="UnfoldableStreamException">An event cannot be read, or the fold throws, which is a defect.</exception>
    public DocumentRow Fold(StoredStream stream, params IEnumerable<Guid> left)
    {
        var events = stream.ReadableEvents;
        try
        {
            var documents = FoldAll(stream.Key.Id, events);
            return Row(documents[0].Document, stream.Bytes) with { Others = Others(stream.Key.Id, documents, left, stream.Bytes) };
        }
        catch (Exception e)
        {
            throw new UnfoldableStreamException(stream.Key, $"the fold failed: {e.Message}", e);
        }
    }

    /// <summary>
    /// Makes a statement that stores documents in this table or its shadow table. It returns the keys of changed documents. A document
    /// that catches up with deferred events keeps its time of change, because it was set when they were stored.
    /// </summary>
    public NpgsqlCommand Upsert(string name, IReadOnlyList<DocumentWrite> documents)
    {
        var command = new NpgsqlCommand(name == Name ? (_upsert ??= UpsertSql(name)) : UpsertSql(name));
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = DocumentType.FullName! });
        command.Parameters.AddAll(documents.Select(document => document.Key).ToParameters());
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
                NpgsqlDbType.Bigint => Array(NpgsqlDbType.Bigint, values.Cast<long?>()),
                var type => throw new NotSupportedException($"A column of type {type}."),
            });
        }

        return command;

        static NpgsqlParameter Array<T>(NpgsqlDbType type, IEnumerable<T> values) =>
            new NpgsqlParameter<T[]> { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    private string UpsertSql(string name) =>
        $"""
        insert into {MartenSetup.Schema}.{name} as d ({AllColumns})
        select v.tenant_id, v.id, v.version, $1, coalesce(v.modified, clock_timestamp()), {Stored("v.")}
        from unnest({string.Join(", ", Enumerable.Range(2, 4 + _stored.Length).Select(n => $"${n}"))})
          v(tenant_id, id, version, modified, {Stored()})
        on conflict (tenant_id, id) do update set
          mt_last_modified = {(MayDefer is null ? "excluded.mt_last_modified" : ModifiedOfUpdate)},
          mt_version = excluded.mt_version, mt_dotnet_type = excluded.mt_dotnet_type,
          {string.Join(", ", _stored.Select(column => $"{column} = excluded.{column}"))}
        where d.mt_version is distinct from excluded.mt_version or ({Stored("d.")}) is distinct from ({Stored("excluded.")})
        returning d.tenant_id, d.id
        """;

    private string Stored(string prefix = "") => string.Join(", ", _stored.Select(column => prefix + column));

    /// <summary>Writes a row into a binary COPY of <see cref="AllColumns"/>.</summary>
    public async Task WriteAsync(
        NpgsqlBinaryImporter copy, StreamKey key, long version, DateTime appended, DocumentRow row, CancellationToken cancellation)
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

/// <summary>The table of a document. Its fold makes the next document from one (null at first) and new events.</summary>
internal sealed class DocumentTable<T>(
    string alias, int version, IEnumerable<EventType> eventTypes, Func<Guid, T?, IEnumerable<RecordedEvent>, T> fold,
    params IReadOnlyList<DocumentColumn> columns)
    : DocumentTable(alias, version, eventTypes, [.. columns, .. SizeColumns])
    where T : PlacedDocument
{
    private static readonly DocumentColumn[] SizeColumns =
    [
        DocumentColumn.Of(SizedDocument.StreamBytesColumn, (T document) => document.StreamBytes),
        DocumentColumn.Of(SizedDocument.DocumentBytesColumn, (T document) => document.DocumentBytes),
    ];

    private readonly PlacedFold<T> _fold = new(fold);

    /// <summary>Adds the indexes that reads rely on.</summary>
    public required Action<DocumentMapping> Indexes { get; init; }

    public override Type DocumentType => typeof(T);

    public override object Read(byte[] json) => JsonSerializer.Deserialize(json, Json.Of<T>())!;

    public override DocumentRow Row(object document, long streamBytes)
    {
        var sized = (T)document;
        var json = JsonSerializer.SerializeToUtf8Bytes(sized, Json.Of<T>());
        (sized.StreamBytes, sized.DocumentBytes) = (streamBytes, json.Length);
        return new(json, [.. Columns.Select(column => column.Value(document))], document);
    }

    public override object Fold(Guid id, object? before, IReadOnlyCollection<RecordedEvent> events) =>
        _fold.Next(id, (T?)before, events);

    public override bool NeedsAll(object? before, IReadOnlyCollection<RecordedEvent> events) =>
        PlacedFold<T>.NeedsAll((T?)before, events);

    public override IReadOnlyList<(Guid? Workspace, PlacedDocument Document)> FoldAll(
        Guid id, IReadOnlyCollection<RecordedEvent> events) => _fold.All(id, events);

    public override IReadOnlyList<(Guid Id, DocumentRow Row)> Others(
        Guid id, IReadOnlyList<(Guid? Workspace, PlacedDocument Document)> documents, IEnumerable<Guid> left, long streamBytes)
    {
        var others = documents.Skip(1).Select(one => (Workspace: one.Workspace!.Value, one.Document));
        var empty = left.Except(documents.Select(one => one.Workspace).OfType<Guid>())
            .Select(workspace => (Workspace: workspace, Document: _fold.Other(id, [])));
        return [.. others.Concat(empty).Select(one => (Placement.KeyOf(id, one.Workspace), Row(one.Document, streamBytes)))];
    }

    public override void Register(StoreOptions options)
    {
        foreach (var type in EventTypes.Values)
            type.Register(options);
        options.Schema.For<T>().DocumentAlias(Alias);
        options.Policies.ForAllDocuments(mapping =>
        {
            if (mapping.DocumentType != typeof(T))
                return;

            foreach (var column in Columns)
                mapping.DuplicateField(column.Members, columnName: column.Name);
            var byStream = mapping.AddIndex("tenant_id", Stream);
            byStream.Name = $"ix_{Alias}_stream";
            byStream.Predicate = $"{Stream} is not null";
            Indexes(mapping);
        });
        options.Projections.Add(new DocumentProjection<T>(this), ProjectionLifecycle.Inline);
        // Marten makes no table for a document whose projection has its own storage, unless it knew the document before.
        ((IReadOnlyStoreOptions)options).FindOrResolveDocumentType(typeof(T));
        options.CustomProjectionStorageProviders[typeof(T)] = (session, tenant) => AppendTransaction.Of(session) is { } transaction
            ? new AppendStorage<T>(transaction, (DocumentSessionBase)session, this)
            : new SessionStorage<T>((DocumentSessionBase)session, tenant, this);
    }
}
