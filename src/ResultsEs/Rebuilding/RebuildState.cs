using ResultsEs.EventStore;

namespace ResultsEs.Rebuilding;

/// <summary>A run of folded streams, by its first and last key.</summary>
internal readonly record struct RebuildPart(StreamKey First, StreamKey Last, long Streams, long Events);

/// <summary>
/// A rebuild as stored in the database, so that another process can resume it. Only the same build may: another may fold differently.
/// The new documents hold all events up to the position, except those of streams not folded yet. They are served once switched.
/// </summary>
internal sealed record RebuildState(Guid Id, int Version, Guid Build, DateTime Began, long Position, long Events, bool IsSwitched)
{
    /// <summary>The id of the running program.</summary>
    public static Guid ThisBuild { get; } = typeof(RebuildState).Assembly.ManifestModule.ModuleVersionId;

    public static async Task<RebuildState?> ReadAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var states = await new NpgsqlCommand(
            "select id, version, build, began_at, position, events, is_switched from results.rebuilds where projection = $1", connection)
            .ReadAllAsync(
            [table.BaseAlias],
            reader => new RebuildState(
                reader.GetGuid(0), reader.GetInt32(1), reader.GetGuid(2), reader.GetDateTime(3), reader.GetInt64(4), reader.GetInt64(5),
                reader.GetBoolean(6)),
            cancellation);
        return states.FirstOrDefault();
    }

    public static async Task BeginAsync(NpgsqlConnection connection, DocumentTable table, long position, CancellationToken cancellation)
    {
        var (streams, events) = await StreamLog.CountAsync(connection, table, cancellation);
        await connection.ExecuteAsync(
            """
            insert into results.rebuilds (id, projection, version, build, began_at, position, streams, events, is_switched)
            values (gen_random_uuid(), $1, $2, $3, now(), $4, $5, $6, false)
            """, [table.BaseAlias, table.Version, ThisBuild, position, streams, events], cancellation);
    }

    public static Task DeleteAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation) =>
        connection.ExecuteAsync(
            """
            with gone as (delete from results.rebuild_parts p using results.rebuilds r where p.rebuild_id = r.id and r.projection = $1)
            delete from results.rebuilds where projection = $1
            """, [table.BaseAlias], cancellation);

    /// <summary>Reads the folded parts, in key order.</summary>
    public async Task<IReadOnlyList<RebuildPart>> PartsAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        await new NpgsqlCommand(
            """
            select first_tenant, first_id, last_tenant, last_id, streams, events from results.rebuild_parts
            where rebuild_id = $1 order by first_tenant, first_id
            """, connection).ReadAllAsync(
            [Id],
            reader => new RebuildPart(
                reader.ReadKey(), new StreamKey(reader.GetString(2), reader.GetGuid(3)), reader.GetInt64(4), reader.GetInt64(5)),
            cancellation);

    /// <summary>Records a folded part, in the connection's transaction. Fails when the rebuild was abandoned.</summary>
    public Task AddAsync(NpgsqlConnection connection, RebuildPart part, CancellationToken cancellation) => connection.ExecuteAsync(
        """
        insert into results.rebuild_parts (rebuild_id, first_tenant, first_id, last_tenant, last_id, streams, events)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        [Id, part.First.Account, part.First.Id, part.Last.Account, part.Last.Id, part.Streams, part.Events],
        cancellation);

    /// <summary>Records the position of the new documents, and whether they are served.</summary>
    public async Task<RebuildState> WithAsync(
        NpgsqlConnection connection, long position, bool isSwitched, CancellationToken cancellation) =>
        await connection.ExecuteAsync(
            "update results.rebuilds set position = $2, is_switched = $3 where id = $1", [Id, position, isSwitched], cancellation) == 1
            ? this with { Position = position, IsSwitched = isSwitched }
            : throw new InvalidOperationException("The rebuild was abandoned by another process.");
}
