using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Rebuilding;

/// <summary>Streams that were folded, by their keys, ends included.</summary>
internal readonly record struct RebuildPart(StreamKey First, StreamKey Last, long Streams, long Events);

/// <summary>A rebuild as the database knows it, so that another process can go on with it.</summary>
internal sealed record RebuildState
{
    /// <summary>Tells it from every other.</summary>
    public required Guid Id { get; init; }

    /// <summary>The version of the projection.</summary>
    public required int Version { get; init; }

    /// <summary>The program that folds: another may fold otherwise, so it must not go on with it.</summary>
    public required Guid Build { get; init; }

    /// <summary>When it began.</summary>
    public required DateTime Began { get; init; }

    /// <summary>The position in the event store up to which all events are in the new documents, but for those of streams that are still to be folded.</summary>
    public required long Position { get; init; }

    /// <summary>How many streams there were when it began.</summary>
    public required long Streams { get; init; }

    /// <summary>How many events they had.</summary>
    public required long Events { get; init; }

    /// <summary>Whether the new documents are served.</summary>
    public required bool IsSwitched { get; init; }

    /// <summary>The program that runs.</summary>
    public static Guid ThisBuild { get; } = typeof(RebuildState).Assembly.ManifestModule.ModuleVersionId;

    /// <summary>The rebuild of this projection that has not ended; null when there is none.</summary>
    public static async Task<RebuildState?> ReadAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "select id, version, build, began_at, position, streams, events, is_switched from results.rebuilds where projection = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.BaseAlias });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? new RebuildState
            {
                Id = reader.GetGuid(0),
                Version = reader.GetInt32(1),
                Build = reader.GetGuid(2),
                Began = reader.GetDateTime(3),
                Position = reader.GetInt64(4),
                Streams = reader.GetInt64(5),
                Events = reader.GetInt64(6),
                IsSwitched = reader.GetBoolean(7),
            }
            : null;
    }

    /// <summary>Notes the beginning of a rebuild at a position.</summary>
    public static async Task BeginAsync(NpgsqlConnection connection, DocumentTable table, long position, CancellationToken cancellation)
    {
        var (streams, events) = await StreamLog.CountAsync(connection, table, cancellation);
        await using var command = new NpgsqlCommand(
            """
            insert into results.rebuilds (id, projection, version, build, began_at, position, streams, events, is_switched)
            values (gen_random_uuid(), $1, $2, $3, now(), $4, $5, $6, false)
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.BaseAlias });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = table.Version });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ThisBuild });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = streams });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = events });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Forgets whatever rebuild of this projection there is.</summary>
    public static async Task DeleteAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            with gone as (delete from results.rebuild_parts p using results.rebuilds r where p.rebuild_id = r.id and r.projection = $1)
            delete from results.rebuilds where projection = $1
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.BaseAlias });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The parts that are done, in the order of their keys.</summary>
    public async Task<IReadOnlyList<RebuildPart>> PartsAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "select first_tenant, first_id, last_tenant, last_id, streams, events from results.rebuild_parts where rebuild_id = $1 order by first_tenant, first_id", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Id });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var parts = new List<RebuildPart>();
        while (await reader.ReadAsync(cancellation))
            parts.Add(new(new StreamKey(reader.GetString(0), reader.GetGuid(1)), new StreamKey(reader.GetString(2), reader.GetGuid(3)), reader.GetInt64(4), reader.GetInt64(5)));
        return parts;
    }

    /// <summary>Notes a part as done, in the transaction of <paramref name="connection"/>. Fails when the rebuild was abandoned.</summary>
    public async Task AddAsync(NpgsqlConnection connection, RebuildPart part, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "insert into results.rebuild_parts (rebuild_id, first_tenant, first_id, last_tenant, last_id, streams, events) values ($1, $2, $3, $4, $5, $6, $7)", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = part.First.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = part.First.Id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = part.Last.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = part.Last.Id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = part.Streams });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = part.Events });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Notes how far the new documents go.</summary>
    public async Task<RebuildState> WithAsync(NpgsqlConnection connection, long position, bool isSwitched, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("update results.rebuilds set position = $2, is_switched = $3 where id = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = isSwitched });
        return await command.ExecuteNonQueryAsync(cancellation) == 1
            ? this with { Position = position, IsSwitched = isSwitched }
            : throw new InvalidOperationException("The rebuild was abandoned by another process.");
    }
}
