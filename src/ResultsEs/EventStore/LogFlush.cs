namespace ResultsEs.EventStore;

/// <summary>
/// Flushing PostgreSQL's write-ahead log. A number of a sequence whose transaction was rolled back may be on no disk yet, and is then
/// given again after a crash. So a position that others go on from is told once the log is flushed. No privilege is needed.
/// </summary>
internal static class LogFlush
{
    /// <summary>An expression that is true when the log is flushed as far as it is written at this moment.</summary>
    public const string IsDone = "pg_current_wal_insert_lsn() <= pg_current_wal_flush_lsn()";

    /// <summary>
    /// An expression that makes the end of its statement's transaction flush all of the log before it. It waits for no standby, because
    /// readers would wait with it.
    /// </summary>
    public const string AtCommit = "pg_logical_emit_message(true, 'results', set_config('synchronous_commit', 'local', true))";
}
