namespace ResultsEs.Access;

/// <summary>Who changes clients, for the audit and for the record.</summary>
/// <param name="Client">A client's id, or <c>operator</c> and a name.</param>
/// <param name="Address">From where; null for commands.</param>
internal sealed record ClientChanger(string Client, IPAddress? Address);

/// <summary>What became of a change of clients. <paramref name="Record"/> is null when there was none.</summary>
internal sealed record ClientChange(ClientChangeOutcome Outcome, ClientRecord? Record = null);

internal enum ClientChangeOutcome
{
    Done,

    /// <summary>There is no such client for the caller.</summary>
    NotFound,

    /// <summary>The client has scopes that the caller lacks.</summary>
    Forbidden,

    /// <summary>Another client has the id, or had it.</summary>
    Taken,

    /// <summary>The account, or the service, has as many clients as it may.</summary>
    Full,

    /// <summary>The client has two secrets, and it was not said which one is replaced.</summary>
    TwoSecrets,
}

/// <summary>Which of two valid secrets a new one replaces.</summary>
internal enum ReplacedSecret
{
    Older,
    Newer,
}

/// <summary>
/// Changes of the clients of the database. Each is one transaction with its entry in the audit; then this node knows it at once. Methods
/// take the caller whose account and workspaces bound what it reaches; null for an operator, who reaches all.
/// </summary>
public sealed class ClientChanges
{
    /// <summary>Clients of an account that are not revoked.</summary>
    internal const int MaxOfAccount = 100;

    /// <summary>All clients of an account, with those that were revoked in the last <see cref="RevokedDays"/> days.</summary>
    internal const int MaxOfAccountWithRevoked = 1_000;

    /// <summary>All clients of the table.</summary>
    internal const int MaxOfAll = 20_000;

    /// <summary>The days for which nobody gets the id of a revoked client.</summary>
    internal const int RevokedDays = 30;

    private readonly NpgsqlDataSource _database;
    private readonly Clients _clients;
    private readonly Issuers _issuers;

    internal ClientChanges(NpgsqlDataSource database, Clients clients, Issuers issuers) =>
        (_database, _clients, _issuers) = (database, clients, issuers);

    /// <summary>The clients of the configuration that a caller reaches, in the order of their ids.</summary>
    internal IEnumerable<ClientRecord> Configured(Caller caller) =>
        _clients.Current.ById.Values
            .Where(client => !client.IsStored && client.Account == caller.Account && client.Workspaces.All(caller.Workspaces.Contains))
            .OrderBy(client => client.Id, StringComparer.Ordinal).Select(ClientRecord.Of);

    /// <summary>True for the id of a client of the configuration.</summary>
    internal bool IsConfigured(string id) => _clients.FindConfigured(id) is not null;

    /// <summary>The caller's own limits a minute: what it adds has no higher ones.</summary>
    internal (int? Reads, int? Writes) LimitsOf(Caller caller)
    {
        if (_issuers.Find(caller.Issuer)?.Options is { } issuer)
            return (issuer.ReadsPerMinute, issuer.WritesPerMinute);
        return _clients.Current.Find(caller.ClientId) is { } client ? (client.ReadsPerMinute, client.WritesPerMinute) : (null, null);
    }

    /// <summary>Adds a client. Without an id it gets a UUID.</summary>
    internal async Task<ClientChange> AddAsync(
        ClientRecord client, string secretHash, ClientChanger changer, CancellationToken cancellation)
    {
        if (IsConfigured(client.ClientId))
            return new(ClientChangeOutcome.Taken);

        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // One at a time, so that the count is right.
        await ExecuteAsync(connection, "select pg_advisory_xact_lock(hashtextextended('results.clients', 0))", cancellation);
        await ExecuteAsync(
            connection, $"delete from results.clients c where c.revoked_at < now() - interval '{RevokedDays} days'", cancellation);
        if (await IsFullAsync(connection, client.Account, cancellation))
            return new(ClientChangeOutcome.Full);

        await using var insert = new NpgsqlCommand(
            $"""
            insert into results.clients as c (
              id, account, name, workspaces, scopes, reads_per_minute, writes_per_minute,
              secret_hash, secret_since, created_at, created_by)
            values (
              coalesce(nullif($1, ''), gen_random_uuid()::text), $2, $3, $4, $5, $6, $7,
              $8, clock_timestamp(), clock_timestamp(), $9)
            on conflict (id) do nothing
            returning {ClientRows.Columns}
            """, connection);
        foreach (var value in new object?[]
        {
            client.ClientId, client.Account, client.Name, client.Workspaces.ToArray(), client.Scopes.ToArray(),
        })
            insert.Parameters.Add(new NpgsqlParameter { Value = value });
        foreach (var limit in new[] { client.ReadsPerMinute, client.WritesPerMinute })
            insert.Parameters.Add(new NpgsqlParameter { Value = (object?)limit ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = secretHash });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = changer.Client });
        return await ClientRows.ReadOneAsync(insert, cancellation) is { } added
            ? await CommitAsync(transaction, "clients add", added, changer, cancellation)
            : new(ClientChangeOutcome.Taken);
    }

    /// <summary>Gives a client a new secret. Its newest one of before stays right for so long; zero ends all of before.</summary>
    internal async Task<ClientChange> RotateAsync(
        Caller? caller, string id, string secretHash, TimeSpan oldFor, ReplacedSecret? replaced, ClientChanger changer,
        CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var client = await ClientRows.FindAsync(connection, caller, id, "and c.revoked_at is null for update", cancellation);
        if (RefusalOf(client, caller) is { } refusal)
            return refusal;
        if (client!.OldSecretUntil is not null && replaced is null && oldFor > TimeSpan.Zero)
            return new(ClientChangeOutcome.TwoSecrets, client);

        // Where the newer one is replaced, the older one goes on until it ends.
        var keepsOlder = client.OldSecretUntil is not null && replaced is ReplacedSecret.Newer;
        await using var update = new NpgsqlCommand(
            $"""
            update results.clients as c set
              old_secret_hash = case when $3 then c.old_secret_hash when $2 > interval '0' then c.secret_hash end,
              old_secret_until = case when $3 then c.old_secret_until when $2 > interval '0' then clock_timestamp() + $2 end,
              secret_hash = $4, secret_since = clock_timestamp()
            where c.id = $1 returning {ClientRows.Columns}
            """, connection);
        update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        update.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = oldFor });
        update.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = keepsOlder });
        update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = secretHash });
        var changed = await ClientRows.ReadOneAsync(update, cancellation);
        return await CommitAsync(transaction, "clients rotate", changed!, changer, cancellation);
    }

    /// <summary>Revokes a client: it gets no token, and those that it has are good for nothing once nodes know.</summary>
    internal async Task<ClientChange> RevokeAsync(Caller? caller, string id, ClientChanger changer, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var client = await ClientRows.FindAsync(connection, caller, id, "and c.revoked_at is null for update", cancellation);
        if (RefusalOf(client, caller) is { } refusal)
            return refusal;

        await using var update = new NpgsqlCommand(
            $"""
            update results.clients as c
            set secret_hash = null, old_secret_hash = null, old_secret_until = null, revoked_at = clock_timestamp()
            where c.id = $1 returning {ClientRows.Columns}
            """, connection);
        update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        var changed = await ClientRows.ReadOneAsync(update, cancellation);
        return await CommitAsync(transaction, "clients revoke", changed!, changer, cancellation);
    }

    // A secret is as good as its client's rights: who gives one must have them all.
    private static ClientChange? RefusalOf(ClientRecord? client, Caller? caller) =>
        client is null ? new(ClientChangeOutcome.NotFound)
        : caller is not null && !client.Scopes.All(caller.Has) ? new(ClientChangeOutcome.Forbidden)
        : null;

    private static async Task<bool> IsFullAsync(NpgsqlConnection connection, Guid account, CancellationToken cancellation)
    {
        await using var count = new NpgsqlCommand(
            """
            select (select count(*) from results.clients c where c.account = $1 and c.revoked_at is null) >= $2
              or (select count(*) from results.clients c where c.account = $1) >= $3
              or (select count(*) from results.clients c) >= $4
            """, connection);
        count.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = account });
        foreach (var most in new[] { MaxOfAccount, MaxOfAccountWithRevoked, MaxOfAll })
            count.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        return (bool)(await count.ExecuteScalarAsync(cancellation))!;
    }

    private async Task<ClientChange> CommitAsync(
        NpgsqlTransaction transaction, string action, ClientRecord client, ClientChanger changer, CancellationToken cancellation)
    {
        var entry = new AuditEntry(AuditKind.Access, action, "done")
        {
            Account = client.Account,
            Client = AuditEntry.Shortened(changer.Client),
            Subject = client.ClientId,
            Address = changer.Address,
        };
        await Audit.WriteAsync(transaction.Connection!, entry, cancellation);
        await transaction.CommitAsync(cancellation);
        // The answer comes when this node knows it; the others follow.
        await _clients.RefreshAsync(cancellation);
        return new(ClientChangeOutcome.Done, client);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
