using ResultsEs.EventStore;

namespace ResultsEs.Rebuilding;

/// <summary>The versions of a projection that have documents, and when a node of each was last seen.</summary>
internal static class ProjectionVersions
{
    /// <summary>How long after it was last seen a node may still run.</summary>
    public static readonly TimeSpan Absence = TimeSpan.FromSeconds(30);

    // A look under way while this version was recorded may have missed it.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    /// <summary>Records that this version has all documents.</summary>
    public static Task BuiltAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            """
            insert into results.projection_versions (projection, version, built_at) values ($1, $2, now())
            on conflict (projection, version) do update set built_at = excluded.built_at
            """, [table.BaseAlias, table.Version], cancellation);

    /// <summary>True when this version has all documents. If there is no stream to build from, that is recorded first.</summary>
    public static Task<bool> IsBuiltAsync(NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation) =>
        // Reads streams until it finds one of the type; nearly all are.
        ReadAsync<bool>(
            database, table,
            $"""
            with made as (
              insert into results.projection_versions as v (projection, version, built_at)
              select $1, $2, now()
              where not exists (select 1 from {StreamLog.Table} s where s.type = '{table.StreamType}')
              on conflict (projection, version) do update set built_at = v.built_at
              returning 1
            )
            select exists (select 1 from results.projection_versions v where v.projection = $1 and v.version = $2)
              or exists (select 1 from made)
            """, [], cancellation);

    /// <summary>Records that a node of this version runs. True when other versions have documents, whose nodes may write.</summary>
    public static Task<bool> SeenAsync(NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation) =>
        ReadAsync<bool>(
            database, table,
            """
            with seen as (update results.projection_versions v set seen_at = now() where v.projection = $1 and v.version = $2)
            select exists (select 1 from results.projection_versions v where v.projection = $1 and v.version <> $2)
            """, [], cancellation);

    /// <summary>Reads how long a node of this version must wait before it writes. By then, nodes of other versions know of it.</summary>
    public static async Task<TimeSpan> UntilKnownAsync(NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation) =>
        await ReadAsync<TimeSpan?>(
            database, table,
            """
            select greatest(v.built_at + $3 - now(), interval '0') from results.projection_versions v
            where v.projection = $1 and v.version = $2
              and exists (select 1 from results.projection_versions o where o.projection = $1 and o.version <> $2)
            """, [OtherVersions.Holds + Margin], cancellation) ?? TimeSpan.Zero;

    /// <summary>Drops the documents of all other versions, unless a node of one was seen lately.</summary>
    /// <returns>The dropped versions; or null, and the version of a node that was seen.</returns>
    public static async Task<(IReadOnlyList<int>? Dropped, int StillThere)> FinishAsync(
        NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        // Without the commit, the deletion is rolled back.
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var others = await new NpgsqlCommand(
            """
            with gone as (
              delete from results.projection_versions v where v.projection = $1 and v.version <> $2
              returning v.version, coalesce(v.seen_at > now() - $3, false) as is_seen
            )
            select version, is_seen from gone order by version
            """, connection).ReadAllAsync(
            [table.BaseAlias, table.Version, Absence],
            reader => (Version: reader.GetInt32(0), IsSeen: reader.GetBoolean(1)),
            cancellation);
        if (others.Find(other => other.IsSeen) is { IsSeen: true, Version: var seen })
            return (null, seen);

        foreach (var (version, _) in others)
            await connection.ExecuteAsync($"drop table if exists {table.NameOf(version)}", [], cancellation);
        await transaction.CommitAsync(cancellation);
        return ([.. others.Select(other => other.Version)], 0);
    }

    /// <summary>Reads one value. The first two parameters are the projection and its version.</summary>
    private static Task<T> ReadAsync<T>(
        NpgsqlDataSource database, DocumentTable table, string sql, object[] more, CancellationToken cancellation) =>
        database.CreateCommand(sql).ReadValueAsync<T>([table.BaseAlias, table.Version, .. more], cancellation);
}
