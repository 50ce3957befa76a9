namespace ResultsEs.EventStore;

/// <summary>A stream that an append transaction has locked, with its document and the events to append.</summary>
internal sealed class LockedStream(StreamKey key, DocumentTable table)
{
    private readonly List<IncomingEvent> _appended = [];
    private bool? _isDeferred;

    /// <summary>The noun of the type that the new events are for, in refusals.</summary>
    public string ExpectedNoun { get; } = table.Noun;

    public StreamKey Key => key;

    /// <summary>The table of the stored stream's document; for a new stream, that of its new events.</summary>
    public DocumentTable Table { get; set; } = table;

    /// <summary>The number of stored events; 0 when the stream is new.</summary>
    public long Version { get; set; }

    /// <summary>The document as stored; null when there is none.</summary>
    public StoredDocument? Document { get; set; }

    /// <summary>The stream's workspace; null until it is known.</summary>
    public Guid? Workspace => Document?.Workspace;

    /// <summary>True when our document lacks events that a node of another version appended. Fold it again before a decision.</summary>
    public bool IsStale => Version > 0 && (Document is null || Document.Version + Document.Lag != Version);

    /// <summary>The events to append.</summary>
    public IReadOnlyList<IncomingEvent> Appended => _appended;

    /// <summary>True when the long document's write is deferred. Decided at the first call, so append all events before.</summary>
    public bool IsDeferred => _isDeferred ??= Document is { IsLong: true, TaskTypes: { } taskTypes }
        && DeferredWrites.MayLag(Document.Version, Document.Lag + _appended.Count)
        && _appended.All(incoming => Table.MayDefer!(incoming.Data, taskTypes));

    /// <summary>Adds a new event.</summary>
    public void Append(IncomingEvent incoming) => _appended.Add(incoming);
}

/// <summary>A document's row, as read under the stream's lock.</summary>
/// <param name="Version">The number of its stream's events that it holds.</param>
/// <param name="Lag">The number that it lacks.</param>
/// <param name="Workspace">Its workspace; null until it is known.</param>
/// <param name="TaskTypes">The task types by which lists find it; null where lists have no such filter.</param>
/// <param name="IsLong">True when it is too long to read with each append.</param>
/// <param name="Value">The document; null when it is long.</param>
internal sealed record StoredDocument(long Version, long Lag, Guid? Workspace, string? TaskTypes, bool IsLong, object? Value);
