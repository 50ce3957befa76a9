using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>
/// The writes of the feed, each one statement in the transaction that changes the documents, after them and under the streams' locks.
/// A session has one row where it is, which each change moves to a later position: so the table does not grow with events.
/// </summary>
internal static class ChangeTable
{
    private const string Stream = DocumentTable.Stream;
    private const string There = "c.tenant_id = n.tenant_id and c.session_id = n.session_id and c.reason is null";

    private static readonly string Documents = SessionResultTable.Name;

    private static readonly string OfDocument =
        $"d.{Stream}, d.workspace_id, d.test_id, d.{DocumentTable.VersionColumn} + coalesce(d.{DocumentTable.Lag}, 0) as version, "
        + $"d.{DocumentTable.Modified} as changed_at";

    private static readonly string InsertThere =
        $"""
        insert into results.session_changes as c
          (tenant_id, position, session_id, {Stream}, workspace_id, test_id, version, changed_at)
        select n.tenant_id, {ChangePosition.Next}, n.session_id, n.{Stream}, n.workspace_id, n.test_id, n.version, n.changed_at
        from mark cross join now n
        where n.workspace_id is not null and n.test_id is not null
        """;

    private const string OrMoveOn =
        $"""
        on conflict (tenant_id, session_id) where reason is null do update set
          position = excluded.position, {Stream} = excluded.{Stream}, workspace_id = excluded.workspace_id, test_id = excluded.test_id,
          version = excluded.version, changed_at = excluded.changed_at
        """;

    // The primary key (tenant_id, id) finds the documents, ux_session_changes_there the rows of before.
    private static readonly string NoteSql =
        $"""
        with {ChangePosition.Mark}, now as (
          select d.tenant_id, d.id as session_id, {OfDocument} from {Documents} d where d.tenant_id = $1 and d.id = any($2))
        {InsertThere}
        {OrMoveOn}
        """;

    // What is there now waits for the removals, so it comes after them. An erasure removes what stays, too. A document that only takes in
    // what was noted when it was stored keeps its time, and is no change.
    private static readonly string FollowSql =
        $"""
        with {ChangePosition.Mark}, keys as materialized (
          select * from unnest($1, $2) k(tenant_id, id)
        ), asked as materialized (
          select k.tenant_id, k.id from keys k
          union
          select d.tenant_id, d.id from keys k
          join {Documents} d on d.tenant_id = k.tenant_id and d.{Stream} = k.id and d.{Stream} is not null
        ), now as materialized (
          select a.tenant_id, a.id as session_id, {OfDocument}
          from asked a left join {Documents} d on d.tenant_id = a.tenant_id and d.id = a.id
        ), how as materialized (
          select $3::boolean as is_erased
        ), gone as materialized (
          select c.*, case when h.is_erased then 'erased' when n.version is null then 'expired' else 'moved' end as why
          from how h cross join now n join results.session_changes c on {There}
          where h.is_erased or (c.workspace_id, c.test_id) is distinct from (n.workspace_id, n.test_id)
        ), deleted as (
          delete from results.session_changes c using now n where {There} and (n.workspace_id is null or n.test_id is null)
        ), removed as (
          insert into results.session_changes
            (tenant_id, position, session_id, {Stream}, workspace_id, test_id, version, changed_at, reason)
          select g.tenant_id, {ChangePosition.Next}, g.session_id, g.{Stream}, g.workspace_id, g.test_id, g.version,
            date_trunc('milliseconds', clock_timestamp()), g.why
          from mark cross join gone g
          on conflict (tenant_id, session_id, workspace_id, test_id) where reason is not null do update set
            position = excluded.position, {Stream} = excluded.{Stream}, version = excluded.version, changed_at = excluded.changed_at,
            reason = excluded.reason
          returning 1
        )
        {InsertThere} and (select count(*) from removed) >= 0
          and ((select h.is_erased from how h) or not exists (
            select 1 from results.session_changes c where {There}
              and (c.workspace_id, c.test_id, c.version, c.changed_at) = (n.workspace_id, n.test_id, n.version, n.changed_at)))
        {OrMoveOn}
        """;

    /// <summary>A statement that notes changed sessions of an account by their ids, where none can have moved.</summary>
    public static NpgsqlCommand Note(string account, Guid[] sessions)
    {
        var command = new NpgsqlCommand(NoteSql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = sessions });
        return command;
    }

    /// <summary>
    /// A statement that notes what became of documents, by the ids of their streams or by their own: changed, moved, erased, or gone
    /// because they are kept no longer.
    /// </summary>
    public static NpgsqlCommand Follow(IReadOnlyCollection<StreamKey> sessions, bool isErased = false)
    {
        var command = new NpgsqlCommand(FollowSql);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. sessions.Select(session => session.Account)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. sessions.Select(session => session.Id)] });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = isErased });
        return command;
    }

    /// <summary>Runs <see cref="Follow"/>, in the transaction of the connection.</summary>
    public static async Task FollowAsync(
        NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation, bool isErased = false)
    {
        if (sessions.Count == 0)
            return;

        await using var command = Follow(sessions, isErased);
        command.Connection = connection;
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
