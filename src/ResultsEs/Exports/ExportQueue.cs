using ResultsEs.EventStore;

namespace ResultsEs.Exports;

/// <summary>The rows of exports, for the worker that makes them, and for erasures.</summary>
internal sealed class ExportQueue(NpgsqlDataSource database, ExportOptions options)
{
    public NpgsqlDataSource Database => database;

    public long PartBytes => options.PartMebibytes * 1024L * 1024;

    /// <summary>
    /// Picks the export of which the next part is made: of the account that was served least recently. Null when there is none.
    /// </summary>
    public async Task<UnfinishedExport?> NextAsync(CancellationToken cancellation)
    {
        var picked = await database.CreateCommand(
            $"""
            update results.exports x set state = 'Running', served_at = clock_timestamp()
            where x.id = (
              select e.id from results.exports e where e.state in {ExportStore.Unfinished}
              order by (select max(o.served_at) from results.exports o where o.tenant_id = e.tenant_id) nulls first,
                e.served_at nulls first, e.requested_at limit 1)
              and x.state in {ExportStore.Unfinished}
            returning x.id, x.tenant_id, x.workspaces, x.test_id, x.tables, x.format, x.with_mark, x.since, x.position, x.plan, x.part,
              x.place_key, x.place_position
            """).ReadAllAsync([], reader => new UnfinishedExport(
                reader.GetGuid(0),
                new ExportAsk(
                    new ExportScope(
                        Guid.Parse(reader.GetString(1)), reader.GetFieldValue<Guid[]>(2), reader.IsDBNull(3) ? null : reader.GetGuid(3)),
                    reader.GetFieldValue<string[]>(4),
                    Enum.Parse<ExportFormat>(reader.GetString(5)),
                    reader.GetBoolean(6),
                    reader.IsDBNull(7) ? null : reader.GetString(7)),
                reader.IsDBNull(8) ? null : reader.GetInt64(8),
                reader.IsDBNull(9) ? null : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(9), Json.Of<WidePlan>()),
                reader.GetInt32(10),
                new ExportPlace(reader.GetGuid(11), reader.GetInt64(12))), cancellation);
        return picked is [var next, ..] ? next : null;
    }

    /// <summary>
    /// Waits for erasures of the account that are under way. Those that begin later find the export running.
    /// </summary>
    public async Task AfterErasuresAsync(string account, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await AdvisoryLock.WaitInTransactionAsync(connection, ErasedLock(account), cancellation);
    }

    /// <summary>Notes, in the transaction of an erasure or removal, that what was exported before must go.</summary>
    public static async Task NoteErasedAsync(NpgsqlConnection connection, string account, CancellationToken cancellation)
    {
        await connection.ExecuteAsync(
            "select pg_advisory_xact_lock_shared(hashtextextended($1, 0))", [ErasedLock(account)], cancellation);
        // By ix_exports_tenant. One that runs begins anew.
        await connection.ExecuteAsync(
            """
            update results.exports e set
              state = case e.state when 'Running' then 'Waiting' else 'Erased' end,
              reason = case e.state when 'Running' then null
                else 'Something of the account was erased or removed after this export. Ask for another.' end,
              position = null, plan = null, sessions = 0, problems = 0, part = 0, place_key = $2, place_position = 0
            where e.tenant_id = $1 and e.state in ('Running', 'Done')
            """, [account, Guid.Empty], cancellation);
    }

    /// <summary>Notes that something of the account was removed, so what was exported before must go.</summary>
    public async Task NoteErasedAsync(string account, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await NoteErasedAsync(connection, account, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Stores up to where an export has all, once it is known, with the columns of a wide one.</summary>
    public Task BeginAsync(Guid id, long until, long total, WidePlan? plan, CancellationToken cancellation) =>
        ExecuteAsync(
            "update results.exports e set position = $2, total = $3, plan = $4::jsonb where e.id = $1 and e.state = 'Running'",
            [id, until, total, plan is null ? null : JsonSerializer.Serialize(plan, Json.Of<WidePlan>())], cancellation);

    /// <summary>Ends an export that cannot be made.</summary>
    public Task FailAsync(Guid id, string reason, CancellationToken cancellation) =>
        ExecuteAsync(
            $"""
            update results.exports e set state = 'Failed', reason = $2, ended_at = clock_timestamp()
            where e.id = $1 and e.state in {ExportStore.Unfinished}
            """, [id, Printable.Excerpt(reason, 500)], cancellation);

    /// <summary>
    /// Stores a part with its files, all or nothing; false when the export has begun anew or ended meanwhile. On the connection that holds
    /// the worker's lock: who lost it stores nothing.
    /// </summary>
    public static async Task<bool> AddPartAsync(
        NpgsqlConnection connection, UnfinishedExport export, IReadOnlyList<ExportFile> files, ExportPlace place, long sessions,
        long problems, bool isLast, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var stored = await connection.ExecuteAsync(
            """
            update results.exports e set part = e.part + 1, place_key = $4, place_position = $5, sessions = e.sessions + $6,
              problems = e.problems + $7, state = case when $8 then 'Done' else 'Running' end,
              ended_at = case when $8 then clock_timestamp() end
            where e.id = $1 and e.part = $2 and e.position = $3 and e.state = 'Running'
            """, [export.Id, export.Part, export.Until, place.Key, place.Position, sessions, problems, isLast], cancellation);
        if (stored == 0)
            return false;

        foreach (var file in files)
            await connection.ExecuteAsync(
                "insert into results.export_files (export_id, id, name, table_name, part, rows, bytes, sha256) "
                + "values ($1, $2, $3, $4, $5, $6, $7, $8)",
                [export.Id, file.FileId, file.Name, file.Table, export.Part + 1, file.Rows, file.Bytes, file.Sha256], cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>Why the account may have no more files now; null when it may.</summary>
    public async Task<string?> ExcessAsync(string account, CancellationToken cancellation)
    {
        var sums = await database.CreateCommand(
            $"select ({ExportStore.BytesSql})::bigint, (select coalesce(sum(f.bytes), 0) from results.export_files f)::bigint")
            .ReadAllAsync([account], reader => (Account: reader.GetInt64(0), All: reader.GetInt64(1)), cancellation);
        return sums[0].Account > options.MebibytesPerAccount * 1024L * 1024
            ? $"The account's exports would have more than {options.MebibytesPerAccount} MiB. Ask for fewer tables, or by test."
            : sums[0].All > options.Mebibytes * 1024L * 1024
                ? $"The files of all exports would be more than {options.Mebibytes} MiB. Ask again later."
                : null;
    }

    /// <summary>True when there is something for <see cref="NextAsync"/> or <see cref="CleanAsync"/>.</summary>
    public Task<bool> IsWorkAsync(CancellationToken cancellation) => database.CreateCommand(
        $"""
        select exists (
          select 1 from results.exports e
          where e.state in {ExportStore.Unfinished} or (e.state = 'Done' and e.ended_at < clock_timestamp() - make_interval(hours => $1))
            or (e.state in ('Failed', 'Erased', 'Expired') and exists (select 1 from results.export_files f where f.export_id = e.id)))
        """).ReadValueAsync<bool>([options.KeepHours], cancellation);

    /// <summary>Deletes files whose time is over, of exports that have none any more, and of parts that were broken off.</summary>
    public async Task CleanAsync(CancellationToken cancellation)
    {
        await ExecuteAsync(
            """
            update results.exports e set state = 'Expired', reason = 'The files were kept for their time.'
            where e.state = 'Done' and e.ended_at < clock_timestamp() - make_interval(hours => $1)
            """, [options.KeepHours], cancellation);
        await ExecuteAsync(
            """
            delete from results.export_files f using results.exports e
            where e.id = f.export_id and (e.state not in ('Running', 'Done') or f.part > e.part)
            """, [], cancellation);
        // Only the worker makes chunks, and it makes none now.
        await ExecuteAsync(
            """
            delete from results.export_chunks c
            where not exists (select 1 from results.export_files f where f.export_id = c.export_id and f.id = c.file_id)
            """, [], cancellation);
        await ExecuteAsync(
            """
            delete from results.exports e
            where e.state in ('Failed', 'Erased', 'Expired')
              and e.requested_at < clock_timestamp() - interval '30 days' - make_interval(hours => $1)
            """, [options.KeepHours], cancellation);
    }

    private static string ErasedLock(string account) => $"results.exports.erased {account}";

    private async Task ExecuteAsync(string sql, object?[] parameters, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(sql, parameters, cancellation);
    }
}
