using ResultsEs.EventStore;

namespace ResultsEs.Rebuilding;

/// <summary>
/// A rebuild of some documents in place, a few at a time under their streams' locks: by account, test or stream (null: any).
/// It writes only what differs. A reader sees a document before or after; an interruption leaves the rest as it was.
/// </summary>
internal sealed class RebuildOfSome(
    NpgsqlDataSource database, DocumentRefresh refresh, DocumentTable table, string? account, Guid? test, Guid? stream)
{
    private const int StreamsPerFold = 100;

    /// <summary>Runs it.</summary>
    /// <returns>The number of documents, and of those that differed.</returns>
    public async Task<(long Folded, long Changed)> RunAsync(int parallel, ProgressReport report, CancellationToken cancellation)
    {
        var (folded, changed) = (0L, 0L);
        report.Phase("folding");
        await Parallel.ForEachAsync(
            StreamLog.OfTestAsync(database, table, account, test, stream, cancellation).Chunk(StreamsPerFold),
            new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellation },
            async (keys, stop) =>
            {
                Interlocked.Add(ref changed, (await refresh.RefreshAsync(table, keys, stop)).Count);
                report.Done(Interlocked.Add(ref folded, keys.Length), ProgressReport.Unknown, "documents");
            });
        return (folded, changed);
    }
}
