using ResultsEs.EventStore;

namespace ResultsEs.Changes;

/// <summary>
/// Positions of changes. A position is the number of a sequence under that of an era, which begins with each timeline of the database:
/// a standby that took over may lack the last numbers. Positions never go back (docs/decisions/0035).
/// </summary>
internal static class ChangePosition
{
    /// <summary>The position of a reader who has nothing yet.</summary>
    public const long Begin = 0;

    // A timeline has room for a million million changes.
    private const string EraBits = "40";

    /// <summary>An expression of the primary's timeline, which each promotion and each recovery from an archive raises.</summary>
    public const string Timeline = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int";

    /// <summary>
    /// An expression of the era, with <c>t.timeline</c> and the row <c>r</c> of <c>change_state</c>, whose era is that of the timeline
    /// beside it. Each timeline since then counts, so the era is the same before and after it is stored, and also where a standby that
    /// took over lacks what was stored. A dump may be restored where timelines begin anew; all of those come after the stored one.
    /// </summary>
    public const string Era = "r.era + t.timeline - case when t.timeline < r.timeline then 0 else r.timeline end";

    private const string Now =
        $"""
        select coalesce({Era}, 0) as era, case when s.is_called then s.last_value else 0 end as last
        from results.change_position s
        cross join (select {Timeline} as timeline) t
        left join results.change_state r on true
        """;

    /// <summary>
    /// A common table expression, <c>mark</c>, that marks the transaction until it ends with the last number before its own. It is an
    /// advisory lock, which every role can see, and which PostgreSQL releases after the commit is visible.
    /// </summary>
    public const string Mark =
        $"""
        mark as materialized (
          select n.era, pg_advisory_xact_lock_shared(1380274500, (n.last & 2147483647)::int) as marked from ({Now} offset 0) n
        )
        """;

    /// <summary>An expression of the next position, in a row of <c>mark</c>. So it is taken after the mark.</summary>
    public const string Next = $"(mark.era << {EraBits}) + nextval('results.change_position')";

    /// <summary>
    /// A query of the position up to which all changes are visible to every later statement on the primary, and of whether the sequence
    /// is on disk as far as that: only <see cref="FeedEnd"/> gives it to readers. The sequence is read before the locks and the log,
    /// because their subqueries need its value. A mark that is younger has an age below zero: half of the range.
    /// </summary>
    public const string SafeSql =
        $"""
        select (n.era << {EraBits}) + n.last - coalesce(w.age, 0) as safe, f.is_flushed
        from ({Now} offset 0) n
        left join lateral (
          select max(a.age) as age
          from pg_locks l
          cross join lateral (select (n.last - l.objid::bigint) & 2147483647 as age) a
          where l.locktype = 'advisory' and l.classid = 1380274500 and l.objsubid = 2
            and l.database = (select d.oid from pg_database d where d.datname = current_database())
            and a.age < 1073741824
        ) w on true
        cross join lateral (
          select {LogFlush.IsDone} as is_flushed where n.last >= 0 offset 0
        ) f
        """;
}
