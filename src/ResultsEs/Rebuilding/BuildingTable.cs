using System.Globalization;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>
/// The table in which new documents are built beside those that are served: the same columns, then the same indexes, until it takes the other's place
/// and name.
/// </summary>
internal static class BuildingTable
{
    private const string Building = "_building";
    private const string Replaced = "_replaced";

    /// <summary>Its name.</summary>
    public static string NameFor(DocumentTable table) => table.Name + Building;

    /// <summary>Makes it, empty and without indexes. Its storage parameters and privileges are those of the served one.</summary>
    public static async Task CreateAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var name = $"{MartenSetup.Schema}.{NameFor(table)}";
        await ExecuteAsync(connection, $"create table {name} (like {MartenSetup.Schema}.{table.Name} including defaults including storage including compression)", cancellation);
        var settings = await ReadAsync(
            connection,
            $"""
            select format('alter table {name} set (%s)', array_to_string(c.reloptions, ', ')) from pg_class c
            where c.oid = '{MartenSetup.Schema}.{table.Name}'::regclass and c.reloptions is not null
            union all
            select format('grant %s on {name} to %s%s', a.privilege_type, case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end, case when a.is_grantable then ' with grant option' else '' end)
            from pg_class c cross join lateral aclexplode(c.relacl) a
            where c.oid = '{MartenSetup.Schema}.{table.Name}'::regclass and a.grantee <> c.relowner
            """,
            cancellation);
        foreach (var setting in settings)
            await ExecuteAsync(connection, setting, cancellation);
    }

    /// <summary>Gives it the indexes that it does not have yet, and the planner its statistics; what is asked of indexes alone needs the visibility map.</summary>
    public static async Task IndexAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var there = (await IndexesAsync(connection, NameFor(table), cancellation)).Select(index => index.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var index in (await IndexesAsync(connection, table.Name, cancellation)).Where(index => !there.Contains(index.Name + Building)))
        {
            var (from, to) = ($"INDEX {index.Name} ON {MartenSetup.Schema}.{table.Name} ", $"INDEX {index.Name}{Building} ON {MartenSetup.Schema}.{NameFor(table)} ");
            if (!index.Definition.Contains(from, StringComparison.Ordinal))
                throw new InvalidOperationException($"The index {index.Name} cannot be made anew from its definition: {index.Definition}");

            var create = index.Definition.Replace(from, to, StringComparison.Ordinal);
            await ExecuteAsync(
                connection,
                index.IsPrimary ? $"{create}; alter table {MartenSetup.Schema}.{NameFor(table)} add constraint {index.Name}{Building} primary key using index {index.Name}{Building}" : create,
                cancellation);
        }

        await ExecuteAsync(connection, $"vacuum (analyze) {MartenSetup.Schema}.{NameFor(table)}", cancellation);
    }

    /// <summary>Puts it in the place of the served one, in the transaction of <paramref name="connection"/>. Waits for those that read that one.</summary>
    public static async Task SwitchAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var indexes = await IndexesAsync(connection, table.Name, cancellation);
        await ExecuteAsync(
            connection,
            string.Join("; ",
            [
                $"alter table {MartenSetup.Schema}.{table.Name} rename to {table.Name}{Replaced}",
                .. indexes.Select(index => $"alter index {MartenSetup.Schema}.{index.Name} rename to {index.Name}{Replaced}"),
                $"alter table {MartenSetup.Schema}.{NameFor(table)} rename to {table.Name}",
                .. indexes.Select(index => $"alter index {MartenSetup.Schema}.{index.Name}{Building} rename to {index.Name}"),
            ]),
            cancellation);
    }

    /// <summary>Drops it, and what a switch left over.</summary>
    public static Task DropAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation) =>
        ExecuteAsync(connection, $"drop table if exists {MartenSetup.Schema}.{NameFor(table)}, {MartenSetup.Schema}.{table.Name}{Replaced}", cancellation);

    /// <summary>Whether it is there.</summary>
    public static async Task<bool> ExistsAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("select to_regclass($1) is not null", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = string.Create(CultureInfo.InvariantCulture, $"{MartenSetup.Schema}.{NameFor(table)}") });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task<IReadOnlyList<(string Name, string Definition, bool IsPrimary)>> IndexesAsync(NpgsqlConnection connection, string table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            select c.relname, pg_get_indexdef(i.indexrelid), i.indisprimary
            from pg_index i join pg_class c on c.oid = i.indexrelid
            where i.indrelid = to_regclass($1) and i.indisvalid
            order by i.indisprimary desc, c.relname
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{MartenSetup.Schema}.{table}" });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var indexes = new List<(string, string, bool)>();
        while (await reader.ReadAsync(cancellation))
            indexes.Add((reader.GetString(0), reader.GetString(1), reader.GetBoolean(2)));
        return indexes;
    }

    private static async Task<IReadOnlyList<string>> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var lines = new List<string>();
        while (await reader.ReadAsync(cancellation))
            lines.Add(reader.GetString(0));
        return lines;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
