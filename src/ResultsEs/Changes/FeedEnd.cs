using ResultsEs.EventStore;

namespace ResultsEs.Changes;

/// <summary>
/// The end of the feed: the position up to which all changes can be read, none of which PostgreSQL gives again after a crash. State: a
/// position that is known to be flushed.
/// </summary>
internal sealed class FeedEnd([FromKeyedServices(DataSources.Pinned)] NpgsqlDataSource primary)
{
    private long _flushed;

    /// <summary>Reads it from the primary.</summary>
    public async Task<long> ReadAsync(CancellationToken cancellation)
    {
        var (safe, isFlushed) = (await primary.CreateCommand(ChangePosition.SafeSql).ReadAllAsync(
            [], reader => (Safe: reader.GetInt64(0), IsFlushed: reader.GetBoolean(1)), cancellation)).Single();
        if (safe <= Volatile.Read(ref _flushed))
            return safe;

        // Numbers of transactions that were rolled back may be on no disk yet.
        if (!isFlushed)
        {
            await using var flush = primary.CreateCommand($"select {LogFlush.AtCommit}");
            await flush.ExecuteNonQueryAsync(cancellation);
        }

        // A lesser one, of a reader who began before, does no harm.
        Volatile.Write(ref _flushed, safe);
        return safe;
    }
}
