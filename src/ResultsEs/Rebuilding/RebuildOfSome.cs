using System.Runtime.CompilerServices;
using Npgsql;
using ResultsEs.Commands;
using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>
/// Rebuilds some documents where they are: a few at a time, under their streams' locks. Readers see each as it was or as it is; whatever ends the process, what is
/// done is done, and the rest is as it was. Only what differs is written.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="refresh">What projects them again.</param>
/// <param name="table">The documents.</param>
/// <param name="account">Only those of this account.</param>
/// <param name="test">Only those of this test.</param>
/// <param name="stream">Only this one.</param>
internal sealed class RebuildOfSome(NpgsqlDataSource database, DocumentRefresh refresh, DocumentTable table, string? account, Guid? test, Guid? stream)
{
    private const int StreamsPerFold = 100;

    /// <summary>Folds them.</summary>
    /// <returns>How many there are, and how many were something else.</returns>
    public async Task<(long Folded, long Changed)> RunAsync(int parallel, ProgressReport report, CancellationToken cancellation)
    {
        var (folded, changed) = (0L, 0L);
        report.Phase("folding");
        await Parallel.ForEachAsync(
            PartsAsync(cancellation),
            new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellation },
            async (keys, stop) =>
            {
                Interlocked.Add(ref changed, (await refresh.RefreshAsync(table, keys, stop)).Count);
                report.Done(Interlocked.Add(ref folded, keys.Length), ProgressReport.Unknown, "documents");
            });
        return (folded, changed);
    }

    private async IAsyncEnumerable<StreamKey[]> PartsAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var command = StreamLog.OfTest(connection, table, account, test, stream);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var keys = new List<StreamKey>(StreamsPerFold);
        while (await reader.ReadAsync(cancellation))
        {
            keys.Add(new StreamKey(reader.GetString(0), reader.GetGuid(1)));
            if (keys.Count < StreamsPerFold)
                continue;

            yield return [.. keys];
            keys.Clear();
        }

        if (keys.Count > 0)
            yield return [.. keys];
    }
}
