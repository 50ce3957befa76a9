namespace ResultsEs.EventStore;

/// <summary>Queries of streams and of what was appended to them, for repairs, rebuilds and operators' commands.</summary>
internal static class StreamLog
{
    /// <summary>The table of streams, for SQL.</summary>
    public const string Table = "results.mt_streams";

    /// <summary>The table of events, for SQL.</summary>
    public const string Events = "results.mt_events";

    /// <summary>Reads which of the streams have a stale document.</summary>
    public static Task<List<StreamKey>> StaleAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation) =>
        // The primary keys (tenant_id, id) find the rows.
        new NpgsqlCommand(
            $"""
            select s.tenant_id, s.id
            from unnest($1, $2) k(tenant_id, id)
            join results.mt_streams s on s.tenant_id = k.tenant_id and s.id = k.id
            left join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.id = k.id
            where {DocumentTable.IsStale} and s.type = '{table.StreamType}'
            """, connection).ReadKeysAsync(streams.ToParameters(), cancellation);

    /// <summary>Reads the next streams with a stale document after a key, in key order.</summary>
    public static async Task<IReadOnlyList<StreamKey>> StaleAfterAsync(
        NpgsqlDataSource database, DocumentTable table, StreamKey after, int limit, CancellationToken cancellation)
    {
        // The primary keys (tenant_id, id), in their order.
        var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id
            from results.mt_streams s
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            where (s.tenant_id, s.id) > ($1, $2) and s.type = '{table.StreamType}' and {DocumentTable.IsStale}
            order by s.tenant_id, s.id
            limit $3
            """);
        command.CommandTimeout = 0;
        return await command.ReadKeysAsync([after.Account, after.Id, limit], cancellation);
    }

    /// <summary>Reads the streams with a stale document that were appended to after a position.</summary>
    public static Task<List<StreamKey>> StaleSinceAsync(
        NpgsqlDataSource database, DocumentTable table, long position, CancellationToken cancellation) =>
        // The primary key of events (seq_id), then those of streams and documents (tenant_id, id).
        database.CreateCommand(
            $"""
            select distinct s.tenant_id, s.id
            from results.mt_events e
            join results.mt_streams s on s.tenant_id = e.tenant_id and s.id = e.stream_id
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            where e.seq_id > $1 and s.type = '{table.StreamType}' and {DocumentTable.IsStale}
            """).ReadKeysAsync([position], cancellation);

    /// <summary>Reads the streams that were appended to after one position, up to and including another.</summary>
    public static Task<List<StreamKey>> AppendedBetweenAsync(
        NpgsqlConnection connection, long after, long through, CancellationToken cancellation) =>
        // The primary key (seq_id).
        new NpgsqlCommand(
            "select distinct e.tenant_id, e.stream_id from results.mt_events e where e.seq_id > $1 and e.seq_id <= $2", connection)
        { CommandTimeout = 0 }.ReadKeysAsync([after, through], cancellation);

    /// <summary>
    /// Reads the next streams between two keys, both excluded, with the time of the last append. It ends at the limit of streams, or
    /// once these have so many events. There is no upper key when the account of <paramref name="before"/> is null.
    /// </summary>
    public static async Task<IReadOnlyList<(StreamKey Key, DateTime Appended)>> BetweenAsync(
        NpgsqlDataSource database, DocumentTable table, StreamKey after, StreamKey before, int limit, long events,
        CancellationToken cancellation)
    {
        // The primary key (tenant_id, id), in its order.
        await using var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id, s.timestamp, s.version
            from results.mt_streams s
            where (s.tenant_id, s.id) > ($1, $2) and s.type = '{table.StreamType}'
              and ($3::varchar is null or (s.tenant_id, s.id) < ($3, $4))
            order by s.tenant_id, s.id
            limit {limit}
            """);
        command.Parameters.AddAll(after.Account, after.Id, before.Account, before.Id);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var keys = new List<(StreamKey, DateTime)>();
        for (var sum = 0L; sum < events && await reader.ReadAsync(cancellation); sum += reader.GetInt64(3))
            keys.Add((reader.ReadKey(), reader.GetDateTime(2)));
        return keys;
    }

    /// <summary>Reads the next streams after a key, in key order; of one account, or of all when it is null.</summary>
    public static Task<List<StreamKey>> AfterAsync(
        NpgsqlDataSource database, DocumentTable table, StreamKey after, string? account, int limit, CancellationToken cancellation) =>
        // The primary key (tenant_id, id), in its order.
        database.CreateCommand(
            $"""
            select s.tenant_id, s.id from results.mt_streams s
            where (s.tenant_id, s.id) > ($1, $2) and s.type = '{table.StreamType}' and ($3::varchar is null or s.tenant_id = $3)
            order by s.tenant_id, s.id limit $4
            """).ReadKeysAsync([after.Account, after.Id, account, limit], cancellation);

    /// <summary>Reads the streams of this account, test and id (null: any), in key order. Looks for the test in all events too.</summary>
    public static async IAsyncEnumerable<StreamKey> OfTestAsync(
        NpgsqlDataSource database, DocumentTable table, string? account, Guid? test, Guid? stream,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var ofTest = test is null ? "" : $"""
            and (s.tenant_id, s.id) in (
              select d.tenant_id, d.id from {table.QualifiedName} d where d.test_id = $3
              union
              select e.tenant_id, e.stream_id from results.mt_events e
              where e.type like 'results.SessionStarted.%' and e.data ->> 'testId' = $3::text)
            """;
        await using var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id from results.mt_streams s
            where s.type = '{table.StreamType}' and ($1::varchar is null or s.tenant_id = $1) and ($2::uuid is null or s.id = $2)
            {ofTest}
            order by s.tenant_id, s.id
            """);
        command.CommandTimeout = 0;
        command.Parameters.AddAll(account, stream);
        if (test is { } wanted)
            command.Parameters.AddAll(wanted);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            yield return reader.ReadKey();
    }

    /// <summary>Reads streams of all tables at random; each has the same chance.</summary>
    public static Task<List<(StreamKey Key, string StreamType)>> SampleAsync(
        NpgsqlDataSource database, DocumentTables tables, int count, CancellationToken cancellation) =>
        database.CreateCommand(
            "select s.tenant_id, s.id, s.type from results.mt_streams s where s.type = any($2) order by random() limit $1").ReadAllAsync(
            [count, tables.All.Select(table => table.StreamType).ToArray()],
            reader => (reader.ReadKey(), reader.GetString(2)),
            cancellation);

    /// <summary>Reads a stream's events as stored, in their order: id, type, time, time of storing, source and data.</summary>
    public static Task<List<T>> EventsAsync<T>(
        NpgsqlConnection connection, StreamKey stream, Func<NpgsqlDataReader, T> read, CancellationToken cancellation) =>
        // By the unique index of (tenant_id, stream_id, version).
        new NpgsqlCommand(
            """
            select e.id, e.type, coalesce((e.headers ->> 'time')::timestamptz, e.timestamp), e.timestamp, e.headers ->> 'source', e.data
            from results.mt_events e where e.tenant_id = $1 and e.stream_id = $2 order by e.version
            """, connection).ReadAllAsync([stream.Account, stream.Id], read, cancellation);

    /// <summary>Reads the data of an event; null when there is none. The unique index ux_events_tenant_id finds it.</summary>
    public static async Task<byte[]?> DataAsync(NpgsqlConnection connection, string account, Guid id, CancellationToken cancellation)
    {
        var data = await new NpgsqlCommand("select e.data from results.mt_events e where e.tenant_id = $1 and e.id = $2", connection)
            .ReadAllAsync([account, id], reader => reader.GetFieldValue<byte[]>(0), cancellation);
        return data.Count == 0 ? null : data[0];
    }

    public static async Task<(long Streams, long Events)> CountAsync(
        NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        var counts = await new NpgsqlCommand(
            "select count(*), coalesce(sum(s.version), 0)::bigint from results.mt_streams s where s.type = $1", connection)
        { CommandTimeout = 0 }.ReadAllAsync([table.StreamType], reader => (reader.GetInt64(0), reader.GetInt64(1)), cancellation);
        return counts[0];
    }

    /// <summary>True when an account has no event. The unique index of (tenant_id, id) finds one.</summary>
    public static Task<bool> IsEmptyAsync(NpgsqlDataSource database, string account, CancellationToken cancellation) =>
        database.CreateCommand("select not exists (select 1 from results.mt_events e where e.tenant_id = $1)")
            .ReadValueAsync<bool>([account], cancellation);

    public static Task<List<string>> AccountsOfAsync(
        NpgsqlDataSource database, DocumentTable table, Guid stream, CancellationToken cancellation) =>
        database.CreateCommand("select s.tenant_id from results.mt_streams s where s.id = $1 and s.type = $2 order by s.tenant_id")
            .ReadAllAsync([stream, table.StreamType], reader => reader.GetString(0), cancellation);
}
