namespace ResultsEs.EventStore;

/// <summary>
/// Deferred writes of long documents: the events are stored at once, the document later (docs/decisions/0017).
/// The row says by how many events its document lags, and readers fold those before anything is sent.
/// Only events are deferred that change nothing beside the document and nothing that is counted.
/// </summary>
internal static class DeferredWrites
{
    /// <summary>Largest stored size (compressed, bytes) of a document that is written with each event.</summary>
    public const int StoredBytes = 16 * 1024;

    /// <summary>The lag is at most this part of the events in the document, so that an event costs the same however long the stream gets.</summary>
    private const int Part = 8;

    /// <summary>Whether a document of so many events may lag by so many.</summary>
    public static bool MayLag(long events, long lag) => lag * Part <= events;
}
