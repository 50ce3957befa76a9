namespace ResultsEs.EventStore;

/// <summary>
/// The one clock of changes: the database's (docs/decisions/0024). A writer marks its transaction, and only then reads the time of its
/// changes. So a change that is not visible yet is later than the oldest mark, or later than the moment of the look when there is none.
/// </summary>
internal static class ChangeClock
{
    /// <summary>
    /// An expression that marks the transaction, until it ends, with the moment. It is an advisory lock, which every role can see, and
    /// which PostgreSQL releases after the commit is visible. The second key is that moment, in milliseconds, of which it has 31 bits.
    /// </summary>
    public const string Mark =
        "pg_advisory_xact_lock_shared(1380274499, (floor(extract(epoch from clock_timestamp()) * 1000)::bigint & 2147483647)::int)";

    // The clock is read before the locks, because the subquery of the locks needs its value. A mark that is younger than that has an age
    // below zero, which is half of the range or more.
    private const string Sql =
        """
        select date_trunc('milliseconds', c.now) - coalesce(w.age, 0) * interval '1 millisecond'
        from (select clock_timestamp() as now offset 0) c
        left join lateral (
          select max(a.age) as age
          from pg_locks l
          cross join lateral (
            select (floor(extract(epoch from c.now) * 1000)::bigint - l.objid::bigint) & 2147483647 as age) a
          where l.locktype = 'advisory' and l.classid = 1380274499 and l.objsubid = 2
            and l.database = (select d.oid from pg_database d where d.datname = current_database())
            and a.age < 1073741824
        ) w on true
        """;

    /// <summary>Reads the time before which all changes are visible to every later statement on the primary.</summary>
    public static async Task<DateTimeOffset> CompleteToAsync(NpgsqlDataSource primary, CancellationToken cancellation)
    {
        var times = await primary.CreateCommand(Sql).ReadAllAsync([], reader => reader.GetFieldValue<DateTimeOffset>(0), cancellation);
        return times[0];
    }
}
