using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>A stream that an append transaction has locked, with its document and what is appended to it.</summary>
internal sealed class LockedStream(StreamKey key, DocumentTable table)
{
    private readonly List<IncomingEvent> _appended = [];

    /// <summary>What its new events say it is of, in a refusal.</summary>
    public string ExpectedNoun { get; } = table.Noun;

    /// <summary>The stream.</summary>
    public StreamKey Key => key;

    /// <summary>The table of its document. Its events may say another than the stream that is stored: then that one's.</summary>
    public DocumentTable Table { get; set; } = table;

    /// <summary>How many events are stored; 0 when the stream is new.</summary>
    public long Version { get; set; }

    /// <summary>Its document as stored; null when there is none.</summary>
    public StoredDocument? Document { get; set; }

    /// <summary>The workspace it belongs to; null until that is known.</summary>
    public Guid? Workspace => Document?.Workspace;

    /// <summary>True when a node of another version appended events that our document lacks; it is projected again before anything is decided.</summary>
    public bool IsStale => Version > 0 && (Document is null || Document.Version + Document.Lag != Version);

    /// <summary>What is appended.</summary>
    public IReadOnlyList<IncomingEvent> Appended => _appended;

    /// <summary>Whether the document's write is deferred: it is long, and may lag by what is appended.</summary>
    public bool IsDeferred => Document is { IsLong: true, TaskTypes: { } taskTypes }
        && DeferredWrites.MayLag(Document.Version, Document.Lag + _appended.Count)
        && _appended.All(incoming => Table.MayDefer!(incoming.Data, taskTypes));

    /// <summary>Appends an event that is new.</summary>
    public void Append(IncomingEvent incoming) => _appended.Add(incoming);
}

/// <summary>A document's row, as it was read under the stream's lock.</summary>
/// <param name="Version">How many of its stream's events it holds.</param>
/// <param name="Lag">How many it lacks.</param>
/// <param name="Workspace">The workspace it belongs to; null until that is known.</param>
/// <param name="TaskTypes">The task types by which lists find it; null where lists do not ask for any.</param>
/// <param name="IsLong">Whether it is too long to be read each time.</param>
/// <param name="Value">The document; null when it is long.</param>
internal sealed record StoredDocument(long Version, long Lag, Guid? Workspace, string? TaskTypes, bool IsLong, object? Value);
