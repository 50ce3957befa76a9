using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>Which versions of a projection have documents, and which of them nodes are using.</summary>
internal static class ProjectionVersions
{
    /// <summary>How long after a node was last seen one may still be there.</summary>
    public static readonly TimeSpan Absence = TimeSpan.FromSeconds(30);

    // A look that was under way when this version had its documents may have missed them.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    /// <summary>Notes that this version has all documents.</summary>
    public static async Task BuiltAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "insert into results.projection_versions (projection, version, built_at) values ($1, $2, now()) on conflict (projection, version) do update set built_at = excluded.built_at", connection);
        Add(command, table);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Whether this version has all documents: it was built, or there is nothing to build, which is noted.</summary>
    public static async Task<bool> IsBuiltAsync(NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation)
    {
        // Streams are looked through until one of the type turns up; nearly all are.
        await using var command = database.CreateCommand(
            $"""
            with made as (
              insert into results.projection_versions as v (projection, version, built_at)
              select $1, $2, now()
              where not exists ({StreamLog.AnySql(table)})
              on conflict (projection, version) do update set built_at = v.built_at
              returning 1
            )
            select exists (select 1 from results.projection_versions v where v.projection = $1 and v.version = $2) or exists (select 1 from made)
            """);
        Add(command, table);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Notes that a node of this version is there.</summary>
    /// <returns>Whether there are documents of other versions, whose nodes may write.</returns>
    public static async Task<bool> SeenAsync(NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            with seen as (update results.projection_versions v set seen_at = now() where v.projection = $1 and v.version = $2)
            select exists (select 1 from results.projection_versions v where v.projection = $1 and v.version <> $2)
            """);
        Add(command, table);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>
    /// How long a node of this version waits before it writes: where there are documents of other versions, until each of their nodes has looked
    /// since this version had its documents.
    /// </summary>
    public static async Task<TimeSpan> UntilKnownAsync(NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            select greatest(v.built_at + $3 - now(), interval '0') from results.projection_versions v
            where v.projection = $1 and v.version = $2
              and exists (select 1 from results.projection_versions o where o.projection = $1 and o.version <> $2)
            """);
        Add(command, table);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = OtherVersions.Holds + Margin });
        return await command.ExecuteScalarAsync(cancellation) as TimeSpan? ?? TimeSpan.Zero;
    }

    /// <summary>Drops the documents of all other versions, unless their nodes are there.</summary>
    /// <returns>The versions that were dropped; null, and the version of a node that was seen, when there is one.</returns>
    public static async Task<(IReadOnlyList<int>? Dropped, int StillThere)> FinishAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var dropped = new List<int>();
        await using (var command = new NpgsqlCommand(
            "select v.version, coalesce(v.seen_at > now() - $3, false) from results.projection_versions v where v.projection = $1 and v.version <> $2 order by v.version for update", connection))
        {
            Add(command, table);
            command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Absence });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
            {
                if (reader.GetBoolean(1))
                    return (null, reader.GetInt32(0));
                dropped.Add(reader.GetInt32(0));
            }
        }

        foreach (var version in dropped)
        {
            await using var drop = new NpgsqlCommand($"drop table if exists {table.NameOf(version)}", connection);
            await drop.ExecuteNonQueryAsync(cancellation);
        }

        await using (var forget = new NpgsqlCommand("delete from results.projection_versions v where v.projection = $1 and v.version <> $2", connection))
        {
            Add(forget, table);
            await forget.ExecuteNonQueryAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return (dropped, 0);
    }

    private static void Add(NpgsqlCommand command, DocumentTable table)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.BaseAlias });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = table.Version });
    }
}
