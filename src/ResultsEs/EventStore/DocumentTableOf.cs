using JasperFx.Events.Projections;
using Marten;
using Marten.Internal.Sessions;
using Marten.Schema;

namespace ResultsEs.EventStore;

/// <inheritdoc/>
internal sealed class DocumentTable<T> : DocumentTable
    where T : class
{
    private readonly IReadOnlyList<DocumentColumn<T>> _columns;
    private readonly Func<Guid, T?, IEnumerable<RecordedEvent>, T> _fold;

    /// <summary>The table of a document. Its fold makes the next document from one (null at first) and new events.</summary>
    public DocumentTable(
        string alias, int version, string streamType, IEnumerable<EventType> eventTypes,
        Func<Guid, T?, IEnumerable<RecordedEvent>, T> fold, params IReadOnlyList<DocumentColumn<T>> columns)
        : base(alias, version, streamType, eventTypes, [.. columns.Select(column => column.Column)]) =>
        (_columns, _fold) = (columns, fold);

    /// <summary>Adds the indexes that reads rely on.</summary>
    public required Action<DocumentMapping> Indexes { get; init; }

    /// <summary>Makes the inline projection that fills the table.</summary>
    public required Func<DocumentProjection<T>> Projection { get; init; }

    /// <inheritdoc/>
    public override Type DocumentType => typeof(T);

    /// <inheritdoc/>
    public override object Read(byte[] json) => JsonSerializer.Deserialize(json, Json.Of<T>())!;

    /// <inheritdoc/>
    public override DocumentRow Row(object document) => new(
        JsonSerializer.SerializeToUtf8Bytes((T)document, Json.Of<T>()),
        [.. _columns.Select(column => column.Value((T)document))],
        document);

    /// <inheritdoc/>
    public override object Fold(Guid id, object? before, IEnumerable<RecordedEvent> events) => _fold(id, (T?)before, events);

    /// <inheritdoc/>
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
            Indexes(mapping);
        });
        options.Projections.Add(Projection(), ProjectionLifecycle.Inline);
        // Marten makes no table for a document whose projection has its own storage, unless it knew the document before.
        ((IReadOnlyStoreOptions)options).FindOrResolveDocumentType(typeof(T));
        options.CustomProjectionStorageProviders[typeof(T)] = (session, tenant) => AppendTransaction.Of(session) is { } transaction
            ? new AppendStorage<T>(transaction, (DocumentSessionBase)session, this)
            : new SessionStorage<T>((DocumentSessionBase)session, tenant, this);
    }
}
