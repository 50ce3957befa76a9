using ResultsEs.Media;
using ResultsEs.Postgres;
using ResultsEs.SessionResults;

namespace ResultsEs.Ingestion;

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

    /// <summary>The workspace it belongs to; null until that is known.</summary>
    public Guid? Workspace { get; set; }

    /// <summary>Its document, and of how many of its events it is; null when there is none.</summary>
    public (byte[] Json, long Version)? Document { get; set; }

    /// <summary>Whether its document does not hold all its events: a node of another version appended them (<see cref="SessionResultTable.Version"/>).</summary>
    public bool IsBehind => Version > 0 && Document?.Version != Version;

    /// <summary>What is appended.</summary>
    public IReadOnlyList<IncomingEvent> Added => _added;

    /// <summary>Where its document is stored.</summary>
    public DocumentTable Table => TableOf(IsOfReel);

    /// <summary>Where documents are stored.</summary>
    public static DocumentTable TableOf(bool isOfReel) => isOfReel ? HighlightReelTable.Documents : SessionResultTable.Documents;

    /// <summary>What such a stream is of, in a refusal.</summary>
    public static string Kind(bool isOfReel) => isOfReel ? "highlight reel" : "session";

    /// <summary>Appends an event that is new.</summary>
    public void Append(IncomingEvent incoming) => _added.Add(incoming);

    /// <summary>The document with what is appended.</summary>
    public DocumentRow Fold() => Table.Fold(id, Version > 0 ? Document?.Json : null, _added.Select(incoming => new RecordedEvent(new Stamp(incoming.Time, incoming.Id), incoming.Data)));
}
