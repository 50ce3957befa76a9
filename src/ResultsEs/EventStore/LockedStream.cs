namespace ResultsEs.EventStore;

/// <summary>A stream that an append transaction has locked, with its document and the events to append.</summary>
internal sealed class LockedStream(StreamKey key, DocumentTable table)
{
    private readonly List<IncomingEvent> _appended = [];
    private readonly HashSet<Guid> _tasks = [];
    private readonly List<Guid> _startedIn = [];
    private IReadOnlyList<Guid>? _workspaces;
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

    /// <summary>The workspaces in which the stream was started; none until then. The document is set before.</summary>
    public IReadOnlyList<Guid> Workspaces => _workspaces ??=
        [.. (Document?.Workspaces ?? []).Concat(_startedIn).Distinct()];

    /// <summary>True when our document lacks events that a node of another version appended. Fold it again before a decision.</summary>
    public bool IsStale => Version > 0 && (Document is null || Document.Version + Document.Lag != Version);

    /// <summary>True when the row is older than the columns that say how large stream and document are.</summary>
    public bool IsUnsized => Document is { Size: null };

    public IReadOnlyList<IncomingEvent> Appended => _appended;

    /// <summary>What the appended events add.</summary>
    public StreamSize Growth { get; private set; }

    /// <summary>The number of events with the appended ones.</summary>
    public long Events => Version + _appended.Count;

    /// <summary>The size with the appended events.</summary>
    public StreamSize Size => (Document?.Size ?? default) + Growth;

    /// <summary>True when the long document's write is deferred. Decided at the first call, so append all events before.</summary>
    public bool IsDeferred => _isDeferred ??= Document is { IsLong: true, TaskTypes: { } taskTypes }
        && DeferredWrites.MayLag(Document.Version, Document.Lag + _appended.Count)
        && _appended.All(incoming => Table.MayDefer!(incoming.Data, taskTypes));

    public void Append(IncomingEvent incoming)
    {
        _appended.Add(incoming);
        Growth += incoming.GrowthIn(_tasks);
        if (Placement.WorkspaceOf(incoming.Data) is not { } workspace)
            return;

        _startedIn.Add(workspace);
        _workspaces = null;
    }

    /// <summary>Makes a trial of what the stream still takes.</summary>
    public StreamRoom RoomWithin(StreamLimits limits) => new(limits, ExpectedNoun, Events, Size, [.. _tasks]);

    /// <summary>Masks the events to append.</summary>
    public void Mask(Guid erasure)
    {
        var masking = new Masking(key.Account);
        Growth = new StreamSize(0, 0, Growth.Tasks);
        for (var i = 0; i < _appended.Count; i++)
        {
            _appended[i] = _appended[i].Masked(erasure, masking);
            Growth += _appended[i].GrowthIn(_tasks);
        }
    }
}

/// <summary>
/// A document's row, as read under the stream's lock. Version and lag are the numbers of events that it holds and lacks. The workspace
/// is null until it is known, the task types are null where lists have no such filter, the size in rows that are older than its columns.
/// A long document is not read with each append.
/// </summary>
internal sealed record StoredDocument(
    long Version, long Lag, Guid? Workspace, string? TaskTypes, StreamSize? Size, bool IsLong, object? Value)
{
    /// <summary>The workspaces of the stream's other documents, beside a document that is not read.</summary>
    public IReadOnlyList<Guid> Others { get; init; } = [];

    /// <summary>The workspaces of all documents of the stream.</summary>
    public IEnumerable<Guid> Workspaces =>
        Workspace is { } first ? [first, .. (Value as PlacedDocument)?.Placement?.Elsewhere ?? Others] : [];
}
