using ResultsEs.EventStore;

namespace ResultsEs.Changes;

/// <summary>
/// The end of the feed: the position up to which all changes can be read, none of which PostgreSQL gives again after a crash. State: the
/// greatest position that is known to be flushed.
/// </summary>
internal sealed class FeedEnd([FromKeyedServices(DataSources.Pinned)] NpgsqlDataSource primary)
{
    private long _flushed;

    /// <summary>Reads it from the primary.</summary>
    public async Task<long> ReadAsync(CancellationToken cancellation)
    {
        var (safe, isFlushed) = (await primary.CreateCommand(ChangePosition.SafeSql).ReadAllAsync(
            [], reader => (Safe: reader.GetInt64(0), IsFlushed: reader.GetBoolean(1)), cancellation)).Single();
        if (safe <= Interlocked.Read(ref _flushed))
            return safe;

        // Numbers of transactions that were rolled back may be on no disk yet.
        if (!isFlushed)
        {
            await using var flush = primary.CreateCommand($"select {LogFlush.AtCommit}");
            await flush.ExecuteNonQueryAsync(cancellation);
        }

        Raise(safe);
        return safe;
    }

    private void Raise(long safe)
    {
        var known = Interlocked.Read(ref _flushed);
        while (known < safe && Interlocked.CompareExchange(ref _flushed, safe, known) is var other && other != known)
            known = other;
    }
}
