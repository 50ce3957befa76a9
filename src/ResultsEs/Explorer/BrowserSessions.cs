using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>
/// The browser sessions, in PostgreSQL: all nodes share them. They end after twelve hours, or one hour without a request, by the clock of
/// the database. State: the last ones that were found to be over, so that their cookies cost no query.
/// </summary>
internal sealed class BrowserSessions(NpgsqlDataSource database, SigningKey key)
{
    /// <summary>The sessions of one caller. Beyond it the oldest ends.</summary>
    public const int MaxOfCaller = 100;

    /// <summary>The longest time between signing in and the end.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(12);

    /// <summary>The longest time without a request.</summary>
    public static readonly TimeSpan LongestIdle = TimeSpan.FromHours(1);

    private const string Table = "results.browser_sessions";
    private const string IsOn = "created_at > now() - interval '12 hours' and used_at > now() - interval '1 hour'";
    private const int MaxOver = 10_000;

    private readonly SecretSeal _seal = new("results.explorer.tokens", key);
    private readonly ConcurrentDictionary<string, byte> _over = new(StringComparer.Ordinal);

    /// <summary>Adds a session in the place of this browser's former one, which ends.</summary>
    public async Task AddAsync(BrowserSession session, byte[]? formerHash, CancellationToken cancellation)
    {
        // By the primary key, and by ix_browser_sessions_caller.
        await using var command = database.CreateCommand($"""
            with ended as (
                delete from {Table} where id_hash = $8 or id_hash in (
                    select id_hash from {Table} where caller = $2 order by created_at desc offset {MaxOfCaller - 1}))
            insert into {Table} (id_hash, caller, issuer, secret_print, tokens, token_ends_at, is_automatic, created_at, used_at)
            values ($1, $2, $3, $4, $5, $6, $7, now(), now())
            """);
        Add(command, NpgsqlDbType.Bytea, session.IdHash);
        Add(command, NpgsqlDbType.Varchar, session.Caller);
        Add(command, NpgsqlDbType.Varchar, session.Issuer);
        Add(command, NpgsqlDbType.Bytea, session.SecretPrint);
        Add(command, NpgsqlDbType.Bytea, Sealed(session));
        Add(command, NpgsqlDbType.TimestampTz, session.TokenEndsAt);
        Add(command, NpgsqlDbType.Boolean, session.IsAutomatic);
        Add(command, NpgsqlDbType.Bytea, formerHash);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The session of this key; null when there is none, or it is over. It counts as used.</summary>
    public async Task<BrowserSession?> FindAsync(byte[] idHash, CancellationToken cancellation)
    {
        var name = Convert.ToHexString(idHash);
        if (_over.ContainsKey(name))
            return null;

        var (session, isUsedLately) = await ReadAsync(idHash, cancellation);
        if (session is null)
        {
            Forget(name);
            return null;
        }

        if (!isUsedLately)
            await NoteUseAsync(idHash, cancellation);
        return session;
    }

    /// <summary>Ends a session, on all nodes.</summary>
    public async Task EndAsync(byte[] idHash, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand($"delete from {Table} where id_hash = $1");
        Add(command, NpgsqlDbType.Bytea, idHash);
        await command.ExecuteNonQueryAsync(cancellation);
        Forget(Convert.ToHexString(idHash));
    }

    /// <summary>True for who is to renew these tokens, which nobody else does or has done; after ten seconds another may.</summary>
    public async Task<bool> TryBeginRenewalAsync(BrowserSession session, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand($"""
            update {Table} set renewing_until = now() + interval '10 seconds'
            where id_hash = $1 and tokens = $2 and (renewing_until is null or renewing_until < now())
            """);
        Add(command, NpgsqlDbType.Bytea, session.IdHash);
        Add(command, NpgsqlDbType.Bytea, session.SealedTokens);
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>Stores renewed tokens.</summary>
    public async Task RenewAsync(BrowserSession session, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(
            $"update {Table} set tokens = $2, token_ends_at = $3, renewing_until = null where id_hash = $1");
        Add(command, NpgsqlDbType.Bytea, session.IdHash);
        Add(command, NpgsqlDbType.Bytea, Sealed(session));
        Add(command, NpgsqlDbType.TimestampTz, session.TokenEndsAt);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Deletes those that are over. There are few enough to look at all.</summary>
    public async Task<int> SweepAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"delete from {Table} where not ({IsOn})", connection);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task<(BrowserSession? Session, bool IsUsedLately)> ReadAsync(byte[] idHash, CancellationToken cancellation)
    {
        // By the primary key.
        await using var command = database.CreateCommand($"""
            select caller, issuer, secret_print, tokens, token_ends_at, is_automatic, used_at > now() - interval '1 minute'
            from {Table} where id_hash = $1 and {IsOn}
            """);
        Add(command, NpgsqlDbType.Bytea, idHash);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
            return default;

        var made = await row.IsDBNullAsync(3, cancellation) ? null : row.GetFieldValue<byte[]>(3);
        var session = new BrowserSession(idHash, row.GetString(0))
        {
            Issuer = await row.IsDBNullAsync(1, cancellation) ? null : row.GetString(1),
            SecretPrint = await row.IsDBNullAsync(2, cancellation) ? null : row.GetFieldValue<byte[]>(2),
            Tokens = made is null ? null : Open(idHash, made),
            SealedTokens = made,
            TokenEndsAt = await row.IsDBNullAsync(4, cancellation) ? null : row.GetDateTime(4),
            IsAutomatic = row.GetBoolean(5),
        };
        // Another key signs tokens now, so nobody can open these.
        return session is { Issuer: not null, Tokens: null } ? default : (session, row.GetBoolean(6));
    }

    private async Task NoteUseAsync(byte[] idHash, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand($"update {Table} set used_at = now() where id_hash = $1");
        Add(command, NpgsqlDbType.Bytea, idHash);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    // An id that is over never comes back.
    private void Forget(string name)
    {
        if (_over.Count >= MaxOver)
            _over.Clear();
        _over[name] = 0;
    }

    private byte[]? Sealed(BrowserSession session) => session.Tokens is null
        ? null
        : _seal.Seal(session.IdHash, JsonSerializer.SerializeToUtf8Bytes(session.Tokens, Json.Of<ProviderTokens>()));

    private ProviderTokens? Open(byte[] idHash, byte[] made) =>
        _seal.Open(idHash, made) is { } json ? JsonSerializer.Deserialize(json, Json.Of<ProviderTokens>()) : null;

    private static void Add(NpgsqlCommand command, NpgsqlDbType type, object? value) =>
        command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = type, Value = value ?? DBNull.Value });
}
