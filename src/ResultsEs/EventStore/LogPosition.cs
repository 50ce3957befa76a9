using Npgsql;
using NpgsqlTypes;
using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.EventStore;

/// <summary>Where a server stands in the write-ahead log: how far it has written it or, a standby, replayed it.</summary>
/// <param name="Cluster">Which cluster it is of: a primary and its standbys have the same.</param>
/// <param name="Timeline">Which history of the cluster it follows: each promotion begins another, and places of two cannot be compared.</param>
/// <param name="Place">How far it is in that history.</param>
internal readonly record struct LogPosition(long Cluster, int Timeline, NpgsqlLogSequenceNumber Place)
{
    // The control file knows a standby's history late, when it makes a restart point, and never early. These functions need no privilege.
    private const string Sql =
        """
        select
          s.system_identifier,
          case when pg_is_in_recovery()
            then greatest(c.timeline_id, r.min_recovery_end_timeline)
            else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer end,
          case when pg_is_in_recovery() then coalesce(pg_last_wal_replay_lsn(), '0/0') else pg_current_wal_lsn() end,
          pg_is_in_recovery()
        from pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r
        """;

    /// <summary>Asks a server, which may be a standby or one that was promoted.</summary>
    public static async Task<LogPosition> ReadAsync(NpgsqlDataSource server, CancellationToken cancellation) =>
        (await AskAsync(server, cancellation)).Position;

    /// <summary>Asks the primary.</summary>
    /// <exception cref="NpgsqlException">It does not answer, or is a standby itself.</exception>
    public static async Task<LogPosition> ReadPrimaryAsync(NpgsqlDataSource server, CancellationToken cancellation) =>
        await AskAsync(server, cancellation) is { IsStandby: false, Position: var position }
            ? position
            : throw new NpgsqlException("What is configured as the primary is a standby.");

    private static async Task<(LogPosition Position, bool IsStandby)> AskAsync(NpgsqlDataSource server, CancellationToken cancellation)
    {
        await using var command = server.CreateCommand(Sql);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (new LogPosition(reader.GetInt64(0), reader.GetInt32(1), reader.GetFieldValue<NpgsqlLogSequenceNumber>(2)), reader.GetBoolean(3));
    }
}

/// <summary>When the primary stood where, for the last hour. Written and read by the one loop that watches standbys.</summary>
internal sealed class PrimaryPositions(TimeProvider time)
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private readonly LinkedList<(long Moment, LogPosition Position)> _seen = [];

    /// <summary>Notes where the primary stood.</summary>
    /// <param name="moment">A time stamp from before it was asked: what was committed by then lies before <paramref name="position"/>.</param>
    /// <param name="position">What it answered.</param>
    public void Add(long moment, LogPosition position)
    {
        // Of a history that ended, such as that of a primary which was replaced, nothing is worth knowing.
        if (_seen.Last is { Value.Position: var last } && (!IsSameHistory(last, position) || position.Place < last.Place))
            _seen.Clear();
        // One that stands still is remembered once, by the newest moment.
        if (_seen.Last is { Value.Position: var same } && same == position)
            _seen.RemoveLast();
        _seen.AddLast((moment, position));
        while (time.GetElapsedTime(_seen.First!.Value.Moment, moment) > Kept)
            _seen.RemoveFirst();
    }

    /// <summary>The newest moment all of whose commits are in what the server at <paramref name="position"/> shows; null where that is not known.</summary>
    public long? ShownBy(LogPosition position)
    {
        for (var seen = _seen.Last; seen is not null; seen = seen.Previous)
        {
            if (!IsSameHistory(seen.Value.Position, position))
                return null;
            if (seen.Value.Position.Place <= position.Place)
                return seen.Value.Moment;
        }

        return null;
    }

    /// <summary>Whether the server is one of the primary's: null while the primary is not known.</summary>
    public bool? Follows(LogPosition position) => _seen.Last is { Value.Position: var last } ? IsSameHistory(last, position) : null;

    private static bool IsSameHistory(LogPosition one, LogPosition other) => (one.Cluster, one.Timeline) == (other.Cluster, other.Timeline);
}
