using ResultsEs.Common;
using ResultsEs.Ingestion;
using ResultsEs.Media;
using ResultsEs.Sessions;

namespace ResultsEs.EventStore;

/// <summary>A stream that is being written, whatever it folds into.</summary>
internal sealed class TargetStream(Guid id, bool isOfReel)
{
    private readonly List<IncomingEvent> _added = [];

    /// <summary>The stream: the events' <c>subject</c>.</summary>
    public Guid Id => id;

    /// <summary>Whether it is a highlight reel's and not a session's.</summary>
    public bool IsOfReel { get; set; } = isOfReel;

    /// <summary>How many events are stored; 0 when the stream is new.</summary>
    public long Version { get; set; }

    /// <summary>When it was last appended to.</summary>
    public DateTime Appended { get; set; }

    /// <summary>Its document; null when there is none.</summary>
    public StoredDocument? Document { get; set; }

    /// <summary>The events that the document does not hold, once they are read.</summary>
    public IReadOnlyList<RecordedEvent> Tail { get; set; } = [];

    /// <summary>The workspace it belongs to; null until that is known.</summary>
    public Guid? Workspace => Document?.Workspace;

    /// <summary>
    /// Whether events of it are in no document, and nothing beside one, that this version has stored: a node of another version appended them (<see cref="SessionResultTable.Version"/>). Nothing
    /// can be said of the stream until they are folded.
    /// </summary>
    public bool IsStale => Version > 0 && (Document is null || (Document.Version != Version && Document.Modified != Appended));

    /// <summary>Whether its document is too long to be written with each event (<see cref="LongDocuments"/>); then it is not read either, and may be behind.</summary>
    public bool IsLong => Document is { Json: null };

    /// <summary>What is appended.</summary>
    public IReadOnlyList<IncomingEvent> Added => _added;

    /// <summary>Whether what is appended waits for its place in the document.</summary>
    public bool Waits => Document is { Json: null, TaskTypes: { } taskTypes } && LongDocuments.MayTrail(Document.Version, Version - Document.Version + _added.Count)
        && _added.All(incoming => LongDocuments.MayWait(incoming.Data, taskTypes));

    /// <summary>Where its document is stored.</summary>
    public DocumentTable Table => TableOf(IsOfReel);

    /// <summary>Where documents are stored.</summary>
    public static DocumentTable TableOf(bool isOfReel) => isOfReel ? HighlightReelTable.Documents : SessionResultTable.Documents;

    /// <summary>What such a stream is of, in a refusal.</summary>
    public static string Kind(bool isOfReel) => isOfReel ? "highlight reel" : "session";

    /// <summary>Appends an event that is new.</summary>
    public void Append(IncomingEvent incoming) => _added.Add(incoming);

    /// <summary>The document with its tail and what is appended.</summary>
    public DocumentRow Fold() =>
        Table.Fold(id, Version > 0 ? Document?.Json : null, Tail.Concat(_added.Select(incoming => new RecordedEvent(new Stamp(incoming.Time, incoming.Id), incoming.Data))));
}

/// <summary>A document that is stored.</summary>
/// <param name="Json">What it says; null while that is not read.</param>
/// <param name="Version">How many of its stream's events it holds.</param>
/// <param name="Modified">When it was last written, or left behind.</param>
/// <param name="Workspace">The workspace it belongs to; null until that is known.</param>
/// <param name="TaskTypes">The task types by which lists find it; null where lists do not ask for any.</param>
internal sealed record StoredDocument(byte[]? Json, long Version, DateTime Modified, Guid? Workspace, string? TaskTypes);
