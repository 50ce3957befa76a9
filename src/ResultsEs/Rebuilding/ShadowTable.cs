using ResultsEs.EventStore;

namespace ResultsEs.Rebuilding;

/// <summary>The table that a rebuild fills, with the served table's columns, then indexes. The switch gives it that one's name.</summary>
internal static class ShadowTable
{
    private const string Building = "_building";
    private const string Replaced = "_replaced";

    /// <summary>The shadow table's name, without its schema.</summary>
    public static string NameFor(DocumentTable table) => table.Name + Building;

    /// <summary>Makes it, empty and without indexes, with the storage parameters and privileges of the served table.</summary>
    public static async Task CreateAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var (served, shadow) = (table.QualifiedName, table.QualifiedName + Building);
        await ExecuteAsync(
            connection, $"create table {shadow} (like {served} including defaults including storage including compression)", cancellation);
        await using var command = new NpgsqlCommand(
            $"""
            select string_agg(x.statement, '; ') from (
              select format('alter table {shadow} set (%s)', array_to_string(c.reloptions, ', ')) from pg_class c
              where c.oid = '{served}'::regclass and c.reloptions is not null
              union all
              select format(
                'grant %s on {shadow} to %s%s',
                a.privilege_type,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
                case when a.is_grantable then ' with grant option' else '' end)
              from pg_class c cross join lateral aclexplode(c.relacl) a
              where c.oid = '{served}'::regclass and a.grantee <> c.relowner) x(statement)
            """, connection);
        if (await command.ExecuteScalarAsync(cancellation) is string settings)
            await ExecuteAsync(connection, settings, cancellation);
    }

    /// <summary>Gives it the documents that are served of a stream, if there are any, in the place of its own.</summary>
    public static async Task KeepAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, bool isIndexed, CancellationToken cancellation)
    {
        // The primary keys (tenant_id, id) find the rows, and the partial indexes of (tenant_id, stream_id) those of other workspaces.
        const string ofStream =
            $"d.tenant_id = $1 and (d.id = $2 or (d.{DocumentTable.Stream} is not null and d.{DocumentTable.Stream} = $2))";
        // Before it has indexes, it has no row of the stream.
        if (isIndexed)
            await connection.ExecuteAsync(
                $"delete from {table.QualifiedName}{Building} d where {ofStream}", [stream.Account, stream.Id], cancellation);
        await connection.ExecuteAsync(
            $"""
            insert into {table.QualifiedName}{Building} ({table.AllColumns})
            select {table.AllColumns} from {table.QualifiedName} d where {ofStream}
            """, [stream.Account, stream.Id], cancellation);
    }

    /// <summary>Adds the missing indexes and the planner's statistics. A vacuum makes the visibility map, for index-only scans.</summary>
    public static async Task IndexAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var (served, shadow) = (table.QualifiedName, table.QualifiedName + Building);
        var indexes = await IndexesAsync(connection, shadow, cancellation);
        var there = indexes.Select(index => index.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var index in await IndexesAsync(connection, served, cancellation))
        {
            var name = index.Name + Building;
            if (there.Contains(name))
                continue;

            var (from, to) = ($"INDEX {index.Name} ON {served} ", $"INDEX {name} ON {shadow} ");
            if (!index.Definition.Contains(from, StringComparison.Ordinal))
                throw new InvalidOperationException($"The index {index.Name} cannot be made anew from its definition: {index.Definition}");

            var create = index.Definition.Replace(from, to, StringComparison.Ordinal);
            if (index.IsPrimary)
                create += $"; alter table {shadow} add constraint {name} primary key using index {name}";
            await ExecuteAsync(connection, create, cancellation);
        }

        await ExecuteAsync(connection, $"vacuum (analyze) {shadow}", cancellation);
    }

    /// <summary>Gives it the served table's place, in the connection's transaction. Waits until no statement uses that table.</summary>
    public static async Task SwitchAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var indexes = await IndexesAsync(connection, table.QualifiedName, cancellation);
        string[] renames =
        [
            $"alter table {table.QualifiedName} rename to {table.Name}{Replaced}",
            .. indexes.Select(index => $"alter index {MartenSetup.Schema}.{index.Name} rename to {index.Name}{Replaced}"),
            $"alter table {table.QualifiedName}{Building} rename to {table.Name}",
            .. indexes.Select(index => $"alter index {MartenSetup.Schema}.{index.Name}{Building} rename to {index.Name}"),
        ];
        await ExecuteAsync(connection, string.Join("; ", renames), cancellation);
    }

    /// <summary>Deletes the documents of streams that were removed since a moment, or a little before.</summary>
    public static Task ForgetRemovedAsync(
        NpgsqlConnection connection, DocumentTable table, DateTime moment, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            $"""
            delete from {table.QualifiedName}{Building} d using results.tombstones t
            where t.removed_at >= $1 - interval '10 minutes' and d.tenant_id = t.tenant_id and d.id = t.session_id
              and not exists (select 1 from {StreamLog.Table} s where s.tenant_id = d.tenant_id and s.id = d.id)
            """, [moment], cancellation);

    /// <summary>Drops it, and the table that a switch has replaced.</summary>
    public static Task DropAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation) =>
        ExecuteAsync(connection, $"drop table if exists {table.QualifiedName}{Building}, {table.QualifiedName}{Replaced}", cancellation);

    public static Task<bool> ExistsAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation) =>
        new NpgsqlCommand("select to_regclass($1) is not null", connection)
            .ReadValueAsync<bool>([table.QualifiedName + Building], cancellation);

    private static Task<List<(string Name, string Definition, bool IsPrimary)>> IndexesAsync(
        NpgsqlConnection connection, string table, CancellationToken cancellation) =>
        new NpgsqlCommand(
            """
            select c.relname, pg_get_indexdef(i.indexrelid), i.indisprimary
            from pg_index i join pg_class c on c.oid = i.indexrelid
            where i.indrelid = to_regclass($1) and i.indisvalid
            order by i.indisprimary desc, c.relname
            """, connection)
            .ReadAllAsync([table], reader => (reader.GetString(0), reader.GetString(1), reader.GetBoolean(2)), cancellation);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
