namespace ResultsEs.EventStore;

/// <summary>A server's position in the write-ahead log: how far a primary has written it, or a standby replayed it.</summary>
/// <param name="Cluster">The cluster's identifier, which a primary and its standbys share.</param>
/// <param name="Timeline">The timeline. Each promotion begins another, and positions on two timelines cannot be compared.</param>
/// <param name="Place">The log sequence number on that timeline.</param>
internal readonly record struct LogPosition(long Cluster, int Timeline, NpgsqlLogSequenceNumber Place)
{
    // A standby's control file learns of a new timeline late (at a restart point) and never early. These functions need no privilege.
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

    /// <summary>Reads the primary's position.</summary>
    /// <exception cref="NpgsqlException">The server does not answer, or is a standby.</exception>
    public static async Task<LogPosition> ReadPrimaryAsync(NpgsqlDataSource server, CancellationToken cancellation) =>
        await ReadAsync(server, cancellation) is { IsStandby: false, Position: var position }
            ? position
            : throw new NpgsqlException("What is configured as the primary is a standby.");

    /// <summary>Reads the position of a server, and whether it is a standby.</summary>
    public static async Task<(LogPosition Position, bool IsStandby)> ReadAsync(NpgsqlDataSource server, CancellationToken cancellation)
    {
        var rows = await server.CreateCommand(Sql).ReadAllAsync([], Read, cancellation);
        return rows[0];
    }

    private static (LogPosition Position, bool IsStandby) Read(NpgsqlDataReader reader) => (
        new LogPosition(reader.GetInt64(0), reader.GetInt32(1), reader.GetFieldValue<NpgsqlLogSequenceNumber>(2)),
        reader.GetBoolean(3));
}

/// <summary>A look at the primary.</summary>
/// <param name="Moment">A timestamp of this node from before: what was committed by then lies below the position.</param>
/// <param name="CompleteTo">The time, by the primary's clock, before which all changes lie below the position; read before it.</param>
/// <param name="Position">The primary's position.</param>
internal readonly record struct PrimaryLook(long Moment, DateTimeOffset CompleteTo, LogPosition Position);

/// <summary>The primary's positions during the last hour. Owned by the one loop that watches standbys.</summary>
internal sealed class PrimaryPositions(TimeProvider time)
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private readonly LinkedList<PrimaryLook> _seen = [];

    public void Add(PrimaryLook look)
    {
        var (moment, _, position) = look;
        // Positions of a history that ended (the primary was replaced, or lost the end of its log) say nothing.
        if (_seen.Last is { Value.Position: var last } && (!IsSameHistory(last, position) || position.Place < last.Place))
            _seen.Clear();
        // A position that stays is kept once, with its newest look.
        if (_seen.Last is { Value.Position: var same } && same == position)
            _seen.RemoveLast();
        _seen.AddLast(look);
        while (time.GetElapsedTime(_seen.First!.Value.Moment, moment) > Kept)
            _seen.RemoveFirst();
    }

    /// <summary>The newest look of which a server at this position shows everything; null when it is not known.</summary>
    public PrimaryLook? ShownBy(LogPosition position) => Follows(position) == true
        ? _seen.Where(seen => seen.Position.Place <= position.Place).Select(seen => (PrimaryLook?)seen).LastOrDefault()
        : null;

    /// <summary>True when a server at this position follows the primary; null while the primary's position is not known.</summary>
    public bool? Follows(LogPosition position) => _seen.Last is { Value.Position: var last } ? IsSameHistory(last, position) : null;

    private static bool IsSameHistory(LogPosition one, LogPosition other) =>
        (one.Cluster, one.Timeline) == (other.Cluster, other.Timeline);
}
