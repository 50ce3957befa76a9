namespace ResultsEs.EventStore;

/// <summary>
/// A position in the log of events that can be waited for until every event up to it is visible. Sequence numbers are given before
/// commit, so an event may appear below a visible one. But a writer takes its transaction id before its number: once all transactions
/// older than the horizon (<c>xid8</c>) have ended, every event up to the sequence number is visible or never will be. The number is
/// on disk, so it is not given again after a crash.
/// </summary>
internal readonly record struct EventPosition(long Sequence, ulong Horizon)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public static async Task<EventPosition> NowAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        // Two statements, because the sequence must be read before the transaction id is given, and before the log is flushed.
        var last = await database.CreateCommand($"select last_value from {MartenSetup.Schema}.mt_events_sequence")
            .ReadValueAsync<long>([], cancellation);
        var id = await database.CreateCommand(
            $"select pg_current_xact_id()::text, case when not ({LogFlush.IsDone}) then {LogFlush.AtCommit} end")
            .ReadValueAsync<string>([], cancellation);
        return new EventPosition(last, ulong.Parse(id, CultureInfo.InvariantCulture));
    }

    /// <summary>True when every event up to the position is visible.</summary>
    public Task<bool> IsSettledAsync(NpgsqlDataSource database, CancellationToken cancellation) =>
        database.CreateCommand("select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8")
            .ReadValueAsync<bool>([Horizon.ToString(CultureInfo.InvariantCulture)], cancellation);

    /// <summary>Waits until every event up to the position is visible: at most as long as the longest writing transaction.</summary>
    public async Task SettleAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        while (!await IsSettledAsync(database, cancellation))
            await Task.Delay(Pause, cancellation);
    }
}
