namespace ResultsEs.EventStore;

/// <summary>
/// The table of what is erased: sessions, by their id, and participants, by the pseudonym of theirs. Writers look up under their
/// streams' locks, so that nothing of an erased subject is stored as it came (docs/decisions/0031).
/// </summary>
internal static class Erased
{
    /// <summary>The header of a masked event: the erasure.</summary>
    public const string Header = "erased";

    /// <summary>A statement for Marten's unit of work: a session of an erased participant is erased too.</summary>
    public const string AddSessionSql =
        """
        insert into results.erased (tenant_id, subject, erasure_id, erased_at) values (?, ?, ?, clock_timestamp())
        on conflict (tenant_id, subject) do nothing
        """;

    /// <summary>A statement for Marten's unit of work: what was stored of a session before is still to be masked.</summary>
    public const string EnqueueSql =
        """
        insert into results.erasure_sessions as s (erasure_id, tenant_id, session_id) values (?, ?, ?)
        on conflict (erasure_id, session_id) do update set done_at = null
        """;

    /// <summary>The pseudonym of the participant whom an event names; null when it names none.</summary>
    public static Guid? ParticipantOf(string account, StreamEvent data) =>
        data is ParticipantProfiled profiled ? Masking.PseudonymOf(account, profiled.ParticipantId) : null;

    /// <summary>Notes that a subject is erased, in the connection's transaction.</summary>
    public static Task AddAsync(
        NpgsqlConnection connection, string account, Guid subject, Guid erasure, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            """
            insert into results.erased (tenant_id, subject, erasure_id, erased_at) values ($1, $2, $3, clock_timestamp())
            on conflict (tenant_id, subject) do update set erased_at = excluded.erased_at
            """, [account, subject, erasure], cancellation);

    /// <summary>Reads which of the subjects are erased.</summary>
    public static async Task<IReadOnlySet<Guid>> AmongAsync(
        NpgsqlDataSource database, string account, IReadOnlyCollection<Guid> subjects, CancellationToken cancellation)
    {
        // The primary key (tenant_id, subject) finds the rows.
        var found = await database.CreateCommand(
            "select e.subject from results.erased e where e.tenant_id = $1 and e.subject = any($2)")
            .ReadAllAsync([account, subjects.ToArray()], reader => reader.GetGuid(0), cancellation);
        return found.ToHashSet();
    }

    /// <summary>Reads the streams that were erased since a moment, or a little before: those whose masking had begun by then.</summary>
    public static Task<List<StreamKey>> SinceAsync(NpgsqlConnection connection, DateTime moment, CancellationToken cancellation) =>
        new NpgsqlCommand(
            $"""
            select e.tenant_id, e.subject from results.erased e
            join {StreamLog.Table} s on s.tenant_id = e.tenant_id and s.id = e.subject
            where e.erased_at >= $1 - interval '10 minutes'
            """, connection).ReadKeysAsync([moment], cancellation);

    /// <summary>Reads the streams in which an event names the participant, along ix_events_participant.</summary>
    public static Task<List<Guid>> StreamsOfAsync(
        NpgsqlConnection connection, string account, IReadOnlyCollection<Guid> participant, CancellationToken cancellation) =>
        new NpgsqlCommand(
            $"""
            select distinct e.stream_id from {StreamLog.Events} e
            where e.tenant_id = $1 and e.data ->> 'participantId' = any($2) and {SchemaAdditions.IsProfile}
            order by e.stream_id
            """, connection)
        { CommandTimeout = 0 }.ReadAllAsync(
            [account, participant.Select(id => id.ToString("D")).ToArray()], reader => reader.GetGuid(0), cancellation);

    /// <summary>Reads all participants of an account, along ix_events_participant.</summary>
    public static Task<List<Guid>> ParticipantsAsync(NpgsqlConnection connection, string account, CancellationToken cancellation) =>
        new NpgsqlCommand(
            $"""
            select distinct e.data ->> 'participantId' from {StreamLog.Events} e
            where e.tenant_id = $1 and {SchemaAdditions.IsProfile}
            """, connection)
        { CommandTimeout = 0 }.ReadAllAsync([account], reader => Guid.Parse(reader.GetString(0)), cancellation);
}
