namespace ResultsEs.EventStore;

/// <summary>
/// The rules of deferred writes: a long document is stored later than its events (docs/decisions/0017). Its row says by how many
/// events it lags, and readers fold those first. An event that changes anything outside the document is never deferred.
/// </summary>
internal static class DeferredWrites
{
    /// <summary>Largest stored size (compressed, bytes) of a document that is written with each event.</summary>
    public const int StoredBytes = 16 * 1024;

    // The lag is at most this part of the document's events, so the cost of an event does not grow with the stream.
    private const int Part = 8;

    /// <summary>True when a document of so many events may lag by so many.</summary>
    public static bool MayLag(long events, long lag) => lag * Part <= events;
}
