namespace ResultsEs.Access;

/// <summary>
/// The clients of the database, read. Methods take the caller whose account and workspaces bound what it sees; null for an operator, who
/// sees all. <see cref="ClientChanges"/> changes them.
/// </summary>
public sealed class StoredClients(NpgsqlDataSource database)
{
    /// <summary>The longest id.</summary>
    internal const int MaxId = 100;

    /// <summary>True for a text that may be an id: letters, digits, and in between <c>.</c>, <c>_</c> and <c>-</c>.</summary>
    internal static bool IsId(string text) =>
        text.Length is > 0 and <= MaxId && char.IsAsciiLetterOrDigit(text[0])
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');

    /// <summary>Reads all clients that are not revoked, for those who ask for tokens.</summary>
    internal async Task<IReadOnlyList<Client>> ReadAsync(CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            select c.id, c.account, c.workspaces, c.scopes, c.reads_per_minute, c.writes_per_minute,
              c.secret_hash, c.old_secret_hash, c.old_secret_until
            from results.clients c where c.revoked_at is null
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var clients = new List<Client>();
        while (await reader.ReadAsync(cancellation))
        {
            List<ClientSecret> secrets = [new(reader.GetString(6))];
            if (!reader.IsDBNull(7))
                secrets.Add(new(reader.GetString(7), reader.GetFieldValue<DateTimeOffset>(8)));
            clients.Add(new Client(
                reader.GetString(0), reader.GetGuid(1), reader.GetFieldValue<Guid[]>(2), reader.GetFieldValue<string[]>(3), secrets,
                ClientRows.Optional<int>(reader, 4), ClientRows.Optional<int>(reader, 5))
            { IsStored = true });
        }

        return clients;
    }

    /// <summary>Reads clients in the order of their ids, also revoked ones. The index ix_clients_account serves an account.</summary>
    internal async Task<IReadOnlyList<ClientRecord>> ListAsync(
        Guid? account, Guid[]? workspaces, string after, int limit, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            $"select {ClientRows.Columns} from results.clients c where {ClientRows.IsReached} and c.id > $3 order by c.id limit $4");
        ClientRows.AddReach(command, account, workspaces);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var clients = new List<ClientRecord>();
        while (await reader.ReadAsync(cancellation))
            clients.Add(ClientRows.Read(reader));
        return clients;
    }

    /// <summary>Reads one client, also a revoked one, by its primary key; null when there is none for the caller.</summary>
    internal async Task<ClientRecord?> FindAsync(Caller? caller, string id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await ClientRows.FindAsync(connection, caller, id, "", cancellation);
    }

    /// <summary>Stores when clients last got a token.</summary>
    internal async Task UsedAsync(IReadOnlyCollection<KeyValuePair<string, DateTimeOffset>> uses, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            """
            update results.clients c set last_used_at = u.at from unnest($1::varchar[], $2::timestamptz[]) u (id, at)
            where c.id = u.id and (c.last_used_at is null or c.last_used_at < u.at)
            """);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. uses.Select(use => use.Key)] });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = [.. uses.Select(use => use.Value.UtcDateTime)] });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
