using ResultsEs.Contracts;
using ResultsEs.Ingestion;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>
/// Documents of long sessions, which are too much to write with each event: one stays behind its stream until its tail, the events that it does not hold, is worth it. Whoever reads the
/// session before that brings the document up first, so that nobody sees one that is behind (docs/decisions/0017). Only events wait that change nothing
/// of what stands beside the document or is counted, so lists, counts and scores need no tail.
/// </summary>
internal static class LongDocuments
{
    /// <summary>What a document takes at most, as it is stored (compressed, bytes), that is written with each event.</summary>
    public const int StoredBytes = 16 * 1024;

    /// <summary>A document's tail is at most this part of the events that it holds, so that an event costs the same however long the session gets.</summary>
    private const int Part = 8;

    /// <summary>Whether a document of so many events may have a tail of so many.</summary>
    public static bool MayTrail(long events, long tail) => tail * Part <= events;

    /// <summary>Whether an event may wait when its session is listed by <paramref name="taskTypes"/>.</summary>
    public static bool MayWait(StreamEvent data, string taskTypes) =>
        EventCatalogue.Of(data).TaskTypesOf(data) is { } types && types.All(type => TaskType.Holds(taskTypes, type));
}
