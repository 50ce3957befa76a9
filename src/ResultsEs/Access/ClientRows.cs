namespace ResultsEs.Access;

/// <summary>Rows of <c>results.clients</c>: their columns, whom they are shown to, and reading them.</summary>
internal static class ClientRows
{
    public const string Columns =
        """
        c.id, c.name, c.account, c.workspaces, c.scopes, c.reads_per_minute, c.writes_per_minute, c.created_at, c.created_by,
        c.secret_since, case when c.old_secret_until > clock_timestamp() then c.old_secret_until end, c.last_used_at, c.revoked_at
        """;

    // $1 is the caller's account, $2 its workspaces; both are null for an operator.
    public const string IsReached = "($1::uuid is null or c.account = $1) and ($2::uuid[] is null or c.workspaces <@ $2)";

    public static async Task<ClientRecord?> FindAsync(
        NpgsqlConnection connection, Caller? caller, string id, string rest, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"select {Columns} from results.clients c where {IsReached} and c.id = $3 {rest}", connection);
        AddReach(command, caller?.Account, caller?.Workspaces);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        return await ReadOneAsync(command, cancellation);
    }

    public static void AddReach(NpgsqlCommand command, Guid? account, Guid[]? workspaces)
    {
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = (object?)workspaces ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
        });
    }

    public static async Task<ClientRecord?> ReadOneAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? Read(reader) : null;
    }

    public static ClientRecord Read(NpgsqlDataReader reader) => new()
    {
        ClientId = reader.GetString(0),
        Name = reader.GetString(1),
        Source = ClientSource.Database,
        Account = reader.GetGuid(2),
        Workspaces = reader.GetFieldValue<Guid[]>(3),
        Scopes = reader.GetFieldValue<string[]>(4),
        ReadsPerMinute = Optional<int>(reader, 5),
        WritesPerMinute = Optional<int>(reader, 6),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(7),
        CreatedBy = reader.GetString(8),
        SecretSince = reader.GetFieldValue<DateTimeOffset>(9),
        OldSecretUntil = Optional<DateTimeOffset>(reader, 10),
        LastUsedAt = Optional<DateTimeOffset>(reader, 11),
        RevokedAt = Optional<DateTimeOffset>(reader, 12),
    };

    public static T? Optional<T>(NpgsqlDataReader reader, int column)
        where T : struct =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);
}
