using ResultsEs.EventStore;

namespace ResultsEs.Changes;

/// <summary>
/// How far a worker has followed the feed: of each account, and, in the row without an account, of all of them.
/// </summary>
/// <param name="table">Its table: <c>tenant_id</c> (primary key), <c>position</c>, <c>complete_to</c>.</param>
internal sealed class FeedProgress(string table)
{
    /// <summary>Reads up to where all accounts are followed, and up to when they are complete; null when they never were.</summary>
    public async Task<(long Position, DateTimeOffset CompleteTo)?> AllAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var rows = await new NpgsqlCommand($"select p.position, p.complete_to from {table} p where p.tenant_id = ''", connection)
            .ReadAllAsync([], reader => (reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1)), cancellation);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>
    /// Reads the time before which all that an account's sessions say is followed, given the time before which all changes are visible.
    /// </summary>
    public async Task<DateTimeOffset> AsOfAsync(
        NpgsqlConnection connection, string account, DateTimeOffset completeTo, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddAsOf(batch, account, completeTo);
        return new DateTimeOffset((DateTime)(await batch.ExecuteScalarAsync(cancellation))!);
    }

    /// <summary>Adds the statement that reads that time, as one row of one column.</summary>
    public void AddAsOf(NpgsqlBatch batch, string account, DateTimeOffset completeTo) =>
        // The primary keys (tenant_id) and (tenant_id, position).
        batch.Add(
            $"""
            select case
              when exists (select 1 from {table} a where a.tenant_id = '') and not exists (
                select 1 from results.session_changes c where c.tenant_id = $1 and c.position > coalesce(p.position, 0))
              then $2
              else least($2, coalesce(p.complete_to, 'epoch')) end
            from (select 1) one
            left join {table} p on p.tenant_id = $1
            """, [account, completeTo.ToUniversalTime()]);

    /// <summary>
    /// Notes how far an account is (empty: all are); and up to when it is complete, where it is. Nothing is noted when it is not where it
    /// was any more: a rebuild has begun meanwhile.
    /// </summary>
    public Task NoteAsync(
        NpgsqlConnection connection, string account, long from, long to, DateTimeOffset? completeTo, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"""
            with noted as (
              update {table} p set position = $3, complete_to = coalesce($4::timestamptz, p.complete_to)
              where p.tenant_id = $1 and p.position = $2
              returning 1
            )
            insert into {table} (tenant_id, position, complete_to)
            select $1, $3, coalesce($4::timestamptz, 'epoch') where $2 = 0 and not exists (select 1 from noted)
            on conflict (tenant_id) do nothing
            """, [account, from, to, completeTo], cancellation);

    /// <summary>Reads the accounts that have changes which are not followed, each with the position that it is at.</summary>
    public Task<List<(string Account, long Position)>> BehindAsync(
        NpgsqlConnection connection, long end, CancellationToken cancellation) =>
        // The primary key of changes (tenant_id, position): two look-ups an account.
        new NpgsqlCommand(
            $"""
            with recursive accounts(tenant_id) as (
              (select c.tenant_id from results.session_changes c order by c.tenant_id limit 1)
              union all
              select (
                select c.tenant_id from results.session_changes c where c.tenant_id > a.tenant_id order by c.tenant_id limit 1)
              from accounts a where a.tenant_id is not null
            )
            select a.tenant_id, coalesce(p.position, 0)
            from accounts a
            left join {table} p on p.tenant_id = a.tenant_id
            where a.tenant_id is not null and exists (
              select 1 from results.session_changes c
              where c.tenant_id = a.tenant_id and c.position > coalesce(p.position, 0) and c.position <= $1)
            """, connection).ReadAllAsync([end], reader => (reader.GetString(0), reader.GetInt64(1)), cancellation);

    /// <summary>Forgets how far an account is (null: all), so that it is followed from the begin.</summary>
    public Task ForgetAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"delete from {table} t where $1::varchar is null or t.tenant_id in ($1, '')", [account], cancellation);
}
