namespace ResultsEs.EventStore;

/// <summary>Helpers for statements: positional parameters, keys of streams, and rows.</summary>
internal static class Statements
{
    /// <summary>Adds positional parameters, none of them null.</summary>
    public static void AddAll(this NpgsqlParameterCollection parameters, params ReadOnlySpan<object> values)
    {
        foreach (var value in values)
            parameters.AddWithValue(value);
    }

    /// <summary>Adds keys as two arrays, accounts and ids.</summary>
    public static void AddKeys(this NpgsqlParameterCollection parameters, IEnumerable<StreamKey> streams)
    {
        var keys = streams.ToList();
        parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. keys.Select(key => key.Account)] });
        parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. keys.Select(key => key.Id)] });
    }

    /// <summary>Runs a statement, and returns the number of rows that it changed.</summary>
    public static async Task<int> ExecuteAsync(
        this NpgsqlConnection connection, string sql, object[] parameters, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddAll(parameters);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

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

    /// <summary>Runs a query and reads a key from each row, whose first columns are account and id.</summary>
    public static Task<List<StreamKey>> ReadKeysAsync(this NpgsqlCommand command, CancellationToken cancellation) =>
        command.ReadAllAsync(reader => reader.ReadKey(), cancellation);

    /// <summary>Reads the key in a row's first two columns.</summary>
    public static StreamKey ReadKey(this NpgsqlDataReader reader) => new(reader.GetString(0), reader.GetGuid(1));
}
