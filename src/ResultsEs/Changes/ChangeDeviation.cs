using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>How the feed differs from a document.</summary>
internal enum ChangeFault
{
    /// <summary>The feed has a session that is not there.</summary>
    Invented,

    /// <summary>The feed lacks a session.</summary>
    Missing,

    /// <summary>The feed knows more events than the document, as beside nodes of another version.</summary>
    Ahead,

    /// <summary>The feed has it in another workspace or test.</summary>
    Misplaced,

    /// <summary>The feed knows fewer events than the document.</summary>
    Behind,

    /// <summary>The feed has not told that it is erased.</summary>
    NotErased,
}

/// <summary>A session whose row in the feed of changes is not what its document says. The key is the document's.</summary>
internal sealed record ChangeDeviation(StreamKey Document, StreamKey Stream, ChangeFault Fault)
{
    // The primary key (tenant_id, id) and the partial index of (tenant_id, stream_id) find the documents, ux_session_changes_there the
    // rows, ux_session_changes_removed their removals, and the primary key of erased (tenant_id, subject) the erasures.
    private static readonly string Sql =
        $"""
        with asked as materialized (
          select * from unnest($1, $2) k(tenant_id, id)
        ), keys as materialized (
          select a.tenant_id, a.id from asked a
          union
          select d.tenant_id, d.id from asked a
          join {SessionResultTable.Name} d
            on d.tenant_id = a.tenant_id and d.{DocumentTable.Stream} = a.id and d.{DocumentTable.Stream} is not null
        )
        select x.tenant_id, x.id, x.stream, x.fault from (
          select k.tenant_id, k.id, coalesce(d.{DocumentTable.Stream}, c.{DocumentTable.Stream}, k.id) as stream,
            case
              when d.workspace_id is null or d.test_id is null
                then case when c.session_id is not null then '{nameof(ChangeFault.Invented)}' end
              when c.session_id is null then '{nameof(ChangeFault.Missing)}'
              when c.version > d.{DocumentTable.VersionColumn} + coalesce(d.{DocumentTable.Lag}, 0) then '{nameof(ChangeFault.Ahead)}'
              when (c.workspace_id, c.test_id) <> (d.workspace_id, d.test_id) then '{nameof(ChangeFault.Misplaced)}'
              when c.version < d.{DocumentTable.VersionColumn} + coalesce(d.{DocumentTable.Lag}, 0) then '{nameof(ChangeFault.Behind)}'
              when e.erased_at > c.changed_at and e.erased_at > now() - $3 and not exists (
                select 1 from results.session_changes r
                where r.tenant_id = c.tenant_id and r.session_id = c.session_id and r.reason = 'erased' and r.changed_at >= e.erased_at)
                then '{nameof(ChangeFault.NotErased)}'
            end as fault
          from keys k
          left join {SessionResultTable.Name} d on d.tenant_id = k.tenant_id and d.id = k.id
          left join results.session_changes c on c.tenant_id = k.tenant_id and c.session_id = k.id and c.reason is null
          left join results.erased e
            on e.tenant_id = k.tenant_id and e.subject = coalesce(d.{DocumentTable.Stream}, c.{DocumentTable.Stream}, k.id)
        ) x
        where x.fault is not null
        """;

    /// <summary>Reads the deviations among sessions, by the ids of their streams or of their documents.</summary>
    /// <param name="connection">The connection; in its transaction, if it has one.</param>
    /// <param name="sessions">The sessions.</param>
    /// <param name="kept">How long the feed keeps that a session was erased.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<List<ChangeDeviation>> AmongAsync(
        NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, TimeSpan kept, CancellationToken cancellation) =>
        sessions.Count == 0 ? [] : await new NpgsqlCommand(Sql, connection).ReadAllAsync(
            [.. sessions.ToParameters(), kept],
            reader =>
            {
                var document = reader.ReadKey();
                return new ChangeDeviation(
                    document, document with { Id = reader.GetGuid(2) }, Enum.Parse<ChangeFault>(reader.GetString(3)));
            },
            cancellation);

    /// <summary>Reads which sessions the feed has, in the order of keys, after one; of one account, or of all when it is null.</summary>
    public static Task<List<StreamKey>> AfterAsync(
        NpgsqlConnection connection, StreamKey last, string? account, int limit, CancellationToken cancellation) =>
        new NpgsqlCommand(
            """
            select c.tenant_id, c.session_id from results.session_changes c
            where c.reason is null and (c.tenant_id, c.session_id) > ($1, $2) and ($3::varchar is null or c.tenant_id = $3)
            order by c.tenant_id, c.session_id limit $4
            """, connection).ReadKeysAsync([last.Account, last.Id, account, limit], cancellation);

    /// <summary>Has the feed tell what the documents say, under the streams' locks. Returns how many sessions it told of.</summary>
    public static async Task<int> MendAsync(
        NpgsqlDataSource database, IReadOnlyCollection<ChangeDeviation> found, TimeSpan kept, CancellationToken cancellation)
    {
        if (found.Count == 0)
            return 0;

        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await DocumentRefresh.AppendedAsync(
            connection, SessionResultTable.Documents, [.. found.Select(one => one.Stream).Distinct()], isLocked: true, cancellation);
        // A writer may have noted some of them meanwhile.
        var still = await AmongAsync(connection, [.. found.Select(one => one.Document)], kept, cancellation);
        foreach (var ofKind in still.GroupBy(one => one.Fault == ChangeFault.NotErased))
            await ChangeTable.FollowAsync(
                connection, [.. ofKind.Select(one => one.Document)], cancellation, isErased: ofKind.Key);
        await transaction.CommitAsync(cancellation);
        return still.Count;
    }
}
