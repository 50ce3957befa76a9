using System.Globalization;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.TestResults;

namespace ResultsEs.EventStore;

/// <summary>
/// A position in the event store below which nothing is still to come. Sequence numbers are given before a transaction commits, so an event may
/// appear below one that is there already; but a writer has its transaction id before it takes a number, so once all transactions have ended that had
/// one when the sequence stood at a position, every event up to it is there or never will be.
/// </summary>
/// <param name="Sequence">The last number that was given.</param>
/// <param name="Horizon">The transaction id at that moment; PostgreSQL's <c>xid8</c>.</param>
internal readonly record struct EventPosition(long Sequence, ulong Horizon)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>The position at this moment.</summary>
    public static async Task<EventPosition> NowAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        // Two statements: the sequence is read before the transaction id is given.
        await using var sequence = database.CreateCommand($"select last_value from {MartenSetup.Schema}.mt_events_sequence");
        var last = (long)(await sequence.ExecuteScalarAsync(cancellation))!;
        await using var horizon = database.CreateCommand("select pg_current_xact_id()::text");
        return new EventPosition(last, ulong.Parse((string)(await horizon.ExecuteScalarAsync(cancellation))!, CultureInfo.InvariantCulture));
    }

    /// <summary>Whether every event up to the position is there.</summary>
    public async Task<bool> IsSettledAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Horizon.ToString(CultureInfo.InvariantCulture) });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Waits until every event up to the position is there: as long as the longest transaction that writes.</summary>
    public async Task SettleAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        while (!await IsSettledAsync(database, cancellation))
            await Task.Delay(Pause, cancellation);
    }
}
