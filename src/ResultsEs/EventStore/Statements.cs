namespace ResultsEs.EventStore;

/// <summary>Helpers for statements: positional parameters, keys of streams, and rows.</summary>
internal static class Statements
{
    /// <summary>Adds a parameter and returns its placeholder, for statements that are put together from parts.</summary>
    public static string Add<T>(this NpgsqlCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return string.Create(CultureInfo.InvariantCulture, $"${command.Parameters.Count}");
    }

    /// <summary>
    /// Adds positional parameters, by their values or, so that a null has a type too, by themselves. Otherwise the statement casts one
    /// that may be null to its type, where it first uses it.
    /// </summary>
    public static void AddAll(this NpgsqlParameterCollection parameters, params ReadOnlySpan<object?> values)
    {
        foreach (var value in values)
            parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value });
    }

    /// <summary>Adds a statement with positional parameters.</summary>
    public static void Add(this NpgsqlBatch batch, string sql, object?[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddAll(parameters);
        batch.BatchCommands.Add(command);
    }

    /// <summary>Runs a statement, and returns the number of rows that it changed.</summary>
    public static async Task<int> ExecuteAsync(
        this NpgsqlConnection connection, string sql, object?[] parameters, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddAll(parameters);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Makes an id that nobody else has.</summary>
    public static Task<Guid> NewIdAsync(this NpgsqlDataSource database, CancellationToken cancellation) =>
        database.CreateCommand("select gen_random_uuid()").ReadValueAsync<Guid>([], cancellation);

    /// <summary>Runs a query and reads a value from each row.</summary>
    public static async Task<List<T>> ReadAllAsync<T>(
        this NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>Runs a query with parameters, reads a value from each row, and disposes the command.</summary>
    public static async Task<List<T>> ReadAllAsync<T>(
        this NpgsqlCommand command, object?[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var owned = command;
        command.Parameters.AddAll(parameters);
        return await command.ReadAllAsync(read, cancellation);
    }

    /// <summary>
    /// The same of a statement that its connection prepares, unless it has before. No parameter may be null without a type.
    /// </summary>
    public static async Task<List<T>> ReadPreparedAsync<T>(
        this NpgsqlCommand command, object[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var owned = command;
        command.Parameters.AddAll(parameters);
        await command.PrepareAsync(cancellation);
        return await command.ReadAllAsync(read, cancellation);
    }

    /// <summary>Runs a query with parameters, reads a key from each row (account, id), and disposes the command.</summary>
    public static Task<List<StreamKey>> ReadKeysAsync(
        this NpgsqlCommand command, object?[] parameters, CancellationToken cancellation) =>
        command.ReadAllAsync(parameters, reader => reader.ReadKey(), cancellation);

    /// <summary>Runs a query of one value with parameters, and disposes the command. Without a row the value is null.</summary>
    public static async Task<T> ReadValueAsync<T>(this NpgsqlCommand command, object?[] parameters, CancellationToken cancellation)
    {
        await using var owned = command;
        command.Parameters.AddAll(parameters);
        return (T)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Makes two parameters of keys: arrays of accounts and of ids.</summary>
    public static object[] ToParameters(this IEnumerable<StreamKey> streams)
    {
        var keys = streams.ToList();
        return [keys.Select(key => key.Account).ToArray(), keys.Select(key => key.Id).ToArray()];
    }

    /// <summary>Reads the key in a row's first two columns.</summary>
    public static StreamKey ReadKey(this NpgsqlDataReader reader) => new(reader.GetString(0), reader.GetGuid(1));
}
