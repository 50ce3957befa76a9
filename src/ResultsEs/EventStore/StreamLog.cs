using System.Globalization;
using Npgsql;

namespace ResultsEs.EventStore;

/// <summary>Streams and what was appended to them: the questions of repairs, rebuilds and operators' commands.</summary>
internal static class StreamLog
{
    /// <summary>The table of streams, for SQL.</summary>
    public const string Table = "results.mt_streams";

    /// <summary>The table of events, for SQL.</summary>
    public const string Events = "results.mt_events";

    /// <summary>A query of a row for each stream of a table.</summary>
    public static string AnySql(DocumentTable table) => $"select 1 from results.mt_streams s where s.type = '{table.StreamType}'";

    /// <summary>Those of the streams to which nodes of another version appended what their documents lack.</summary>
    public static async Task<IReadOnlyList<StreamKey>> StaleAsync(
        NpgsqlConnection connection, DocumentTable table, IReadOnlyList<StreamKey> streams, CancellationToken cancellation)
    {
        // The primary keys (tenant_id, id) find the rows.
        await using var command = new NpgsqlCommand(
            $"""
            select s.tenant_id, s.id
            from unnest($1, $2) k(tenant_id, id)
            join results.mt_streams s on s.tenant_id = k.tenant_id and s.id = k.id
            left join {table.QualifiedName} d on d.tenant_id = k.tenant_id and d.id = k.id
            where {DocumentTable.IsStale} and s.type = '{table.StreamType}'
            """, connection);
        command.Parameters.AddKeys(streams);
        return await command.ReadKeysAsync(cancellation);
    }

    /// <summary>The next stale documents after a key, in the order of their keys.</summary>
    public static async Task<IReadOnlyList<StreamKey>> StaleAfterAsync(
        NpgsqlDataSource database, DocumentTable table, StreamKey after, int limit, CancellationToken cancellation)
    {
        // The primary keys (tenant_id, id), in their order.
        await using var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id
            from results.mt_streams s
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            where (s.tenant_id, s.id) > ($1, $2) and s.type = '{table.StreamType}' and {DocumentTable.IsStale}
            order by s.tenant_id, s.id
            limit $3
            """);
        command.CommandTimeout = 0;
        Add(command, after);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return await command.ReadKeysAsync(cancellation);
    }

    /// <summary>The stale documents of streams that were appended to after a position.</summary>
    public static async Task<IReadOnlyList<StreamKey>> StaleSinceAsync(NpgsqlDataSource database, DocumentTable table, long position, CancellationToken cancellation)
    {
        // The primary key of events (seq_id), then those of streams and documents (tenant_id, id).
        await using var command = database.CreateCommand(
            $"""
            select distinct s.tenant_id, s.id
            from results.mt_events e
            join results.mt_streams s on s.tenant_id = e.tenant_id and s.id = e.stream_id
            left join {table.QualifiedName} d on d.tenant_id = s.tenant_id and d.id = s.id
            where e.seq_id > $1 and s.type = '{table.StreamType}' and {DocumentTable.IsStale}
            """);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        return await command.ReadKeysAsync(cancellation);
    }

    /// <summary>The streams that were appended to after one position and through another.</summary>
    public static async Task<IReadOnlyList<StreamKey>> AppendedBetweenAsync(NpgsqlConnection connection, long after, long through, CancellationToken cancellation)
    {
        // The primary key (seq_id).
        await using var command = new NpgsqlCommand(
            "select distinct e.tenant_id, e.stream_id from results.mt_events e where e.seq_id > $1 and e.seq_id <= $2", connection)
        { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = through });
        return await command.ReadKeysAsync(cancellation);
    }

    /// <summary>The next streams between two keys, in their order: with the time of the last event, until they have so many events.</summary>
    /// <param name="database">The database.</param>
    /// <param name="table">Of which documents.</param>
    /// <param name="after">The key before them.</param>
    /// <param name="before">The key behind them; its account is null where there is none.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="events">With how many events, about.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<IReadOnlyList<(StreamKey Key, DateTime Appended)>> BetweenAsync(
        NpgsqlDataSource database, DocumentTable table, StreamKey after, StreamKey before, int limit, long events, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id), in its order.
        await using var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id, s.timestamp, s.version
            from results.mt_streams s
            where (s.tenant_id, s.id) > ($1, $2) and ($3::varchar is null or (s.tenant_id, s.id) < ($3, $4)) and s.type = '{table.StreamType}'
            order by s.tenant_id, s.id
            limit {limit.ToString(CultureInfo.InvariantCulture)}
            """);
        Add(command, after);
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = before.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = before.Id });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var keys = new List<(StreamKey, DateTime)>();
        for (var sum = 0L; sum < events && await reader.ReadAsync(cancellation); sum += reader.GetInt64(3))
            keys.Add((new StreamKey(reader.GetString(0), reader.GetGuid(1)), reader.GetDateTime(2)));
        return keys;
    }

    /// <summary>The next streams after a key, in their order.</summary>
    /// <param name="database">The database.</param>
    /// <param name="table">Of which documents.</param>
    /// <param name="after">The key before them.</param>
    /// <param name="account">Only this account's; null for all.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<IReadOnlyList<StreamKey>> AfterAsync(
        NpgsqlDataSource database, DocumentTable table, StreamKey after, string? account, int limit, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id), in its order.
        await using var command = database.CreateCommand(
            $"""
            select s.tenant_id, s.id from results.mt_streams s
            where (s.tenant_id, s.id) > ($1, $2) and ($3::varchar is null or s.tenant_id = $3) and s.type = '{table.StreamType}'
            order by s.tenant_id, s.id limit $4
            """);
        Add(command, after);
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return await command.ReadKeysAsync(cancellation);
    }

    /// <summary>A statement of the streams that an operator asks for, in the order of their keys; it looks through all events for a test's.</summary>
    /// <param name="connection">Where.</param>
    /// <param name="table">Of which documents.</param>
    /// <param name="account">Only those of this account.</param>
    /// <param name="test">Only those of this test: by the documents, which may be wrong, and by the events.</param>
    /// <param name="stream">Only this one.</param>
    public static NpgsqlCommand OfTest(NpgsqlConnection connection, DocumentTable table, string? account, Guid? test, Guid? stream)
    {
        var ofTest = test is null ? "" : $"""
            and (s.tenant_id, s.id) in (
              select d.tenant_id, d.id from {table.QualifiedName} d where d.test_id = $3
              union
              select e.tenant_id, e.stream_id from results.mt_events e where e.type like 'results.SessionStarted.%' and e.data ->> 'testId' = $3::text)
            """;
        var command = new NpgsqlCommand(
            $"""
            select s.tenant_id, s.id from results.mt_streams s
            where s.type = '{table.StreamType}' and ($1::varchar is null or s.tenant_id = $1) and ($2::uuid is null or s.id = $2)
            {ofTest}
            order by s.tenant_id, s.id
            """, connection)
        { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = account });
        command.Parameters.Add(new NpgsqlParameter<Guid?> { TypedValue = stream });
        if (test is { } wanted)
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = wanted });
        return command;
    }

    /// <summary>Streams of all tables chosen at random: each has the same chance.</summary>
    public static async Task<IReadOnlyList<(StreamKey Key, string StreamType)>> SampleAsync(
        NpgsqlDataSource database, DocumentTables tables, int count, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            "select s.tenant_id, s.id, s.type from results.mt_streams s where s.type = any($2) order by random() limit $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. tables.All.Select(table => table.StreamType)] });
        var sample = new List<(StreamKey, string)>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            sample.Add((new StreamKey(reader.GetString(0), reader.GetGuid(1)), reader.GetString(2)));
        return sample;
    }

    /// <summary>How many streams of a table there are, and how many events they have.</summary>
    public static async Task<(long Streams, long Events)> CountAsync(NpgsqlConnection connection, DocumentTable table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "select count(*), coalesce(sum(s.version), 0)::bigint from results.mt_streams s where s.type = $1", connection)
        { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.StreamType });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>Whether an account has no event yet. By the unique index of (tenant_id, id).</summary>
    public static async Task<bool> IsEmptyAsync(NpgsqlDataSource database, string account, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select not exists (select 1 from results.mt_events e where e.tenant_id = $1)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = account });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>The accounts that have a stream.</summary>
    public static async Task<IReadOnlyList<string>> AccountsOfAsync(NpgsqlDataSource database, DocumentTable table, Guid stream, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("select s.tenant_id from results.mt_streams s where s.id = $1 and s.type = $2 order by s.tenant_id");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = stream });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.StreamType });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var accounts = new List<string>();
        while (await reader.ReadAsync(cancellation))
            accounts.Add(reader.GetString(0));
        return accounts;
    }

    private static void Add(NpgsqlCommand command, StreamKey key)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Account });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
    }
}
