using Microsoft.AspNetCore.Authentication;

namespace ResultsEs.Access;

/// <summary>
/// A cache of validated tokens, so that each is validated once and not with every request. Only valid tokens get in; their times are
/// checked with every request, and a change of its client, or of its issuer's keys, has each validated again. Bounded in entries and
/// bytes, for a client and for all. A client drives out its own oldest; when all are too many, the oldest of the client with most. State:
/// entries, read without a lock.
/// </summary>
internal sealed class ValidatedTokens(Clients clients, TimeProvider time)
{
    /// <summary>The longest token in characters. A longer one is refused before it is looked at.</summary>
    public const int MaxTokenLength = 16 * 1024;

    /// <summary>Tokens of one client: workers that each ask for their own.</summary>
    public const int MaxTokensOfClient = 32;

    /// <summary>Bytes of one client's tokens.</summary>
    public const int MaxBytesOfClient = 512 * 1024;

    public const int MaxTokens = 10_000;
    public const int MaxBytes = 32 * 1024 * 1024;

    private const string Scheme = "Bearer ";

    // Text in UTF-16 once as the key and some three times in the claims; the objects around it.
    private const int BytesPerCharacter = 8;
    private const int BytesPerEntry = 2_000;

    private readonly ConcurrentDictionary<string, ValidatedToken> _entries = new(TokenComparer.Instance);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Owned> _owned = new(StringComparer.Ordinal);
    private int _bytes;
    private int _count;

    /// <summary>The number of tokens held.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The bearer token of an Authorization header; empty when it has none.</summary>
    public static ReadOnlySpan<char> TokenOf(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header.AsSpan(Scheme.Length).Trim() : [];

    /// <summary>Returns the result for the token of a header that is still valid; null when it has to be validated.</summary>
    public AuthenticateResult? Find(string header) =>
        _entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(TokenOf(header), out var token)
        && (ReferenceEquals(token.ValidatedBy, token.IssuerKeys is { } keys ? keys.Current : clients.Current) || IsUnchanged(token))
        && IsCurrent(token.NotBefore, token.Expires) ? token.Result : null;

    /// <summary>Adds a token, under the name of who sends it.</summary>
    public void Add(string header, string client, ValidatedToken validated)
    {
        var token = TokenOf(header).ToString();
        lock (_lock)
        {
            if (_entries.TryGetValue(token, out var before))
            {
                _entries.TryUpdate(token, validated, before);
                return;
            }

            var bytes = BytesPerEntry + (BytesPerCharacter * token.Length);
            var owned = _owned.GetValueOrDefault(client) ?? new Owned();
            while (owned.Tokens.Count >= MaxTokensOfClient || (owned.Tokens.Count > 0 && owned.Bytes + bytes > MaxBytesOfClient))
                Remove(client, owned);
            while (_count >= MaxTokens || _bytes + bytes > MaxBytes)
            {
                var (most, its) = _owned.MaxBy(one => one.Value.Bytes);
                Remove(most, its);
            }

            // The loops may have taken out the client with its last token.
            _owned[client] = owned;
            owned.Tokens.Enqueue((token, bytes));
            owned.Bytes += bytes;
            _bytes += bytes;
            _count++;
            _entries[token] = validated;
        }
    }

    /// <summary>True when the current time is within the token's times, give or take <see cref="BearerTokens.ClockSkew"/>.</summary>
    public bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now - BearerTokens.ClockSkew < end
            && (notBefore is not { } start || start <= now + BearerTokens.ClockSkew);
    }

    /// <summary>True when other clients have changed since, and the token's has not.</summary>
    private bool IsUnchanged(ValidatedToken token)
    {
        var current = clients.Current;
        if (token.Client is not { } client || !ReferenceEquals(current.Find(client.Id), client))
            return false;
        token.ValidatedBy = current;
        return true;
    }

    private void Remove(string client, Owned owned)
    {
        var (token, bytes) = owned.Tokens.Dequeue();
        _entries.TryRemove(token, out _);
        owned.Bytes -= bytes;
        _bytes -= bytes;
        _count--;
        if (owned.Tokens.Count == 0)
            _owned.Remove(client);
    }

    /// <summary>The tokens of one client, the oldest first.</summary>
    private sealed class Owned
    {
        public Queue<(string Token, int Bytes)> Tokens { get; } = new();

        public int Bytes { get; set; }
    }

    /// <summary>Compares whole tokens, but hashes only their last 16 characters: the end of the signature, which is random.</summary>
    private sealed class TokenComparer : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<char>, string>
    {
        public static readonly TokenComparer Instance = new();

        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public bool Equals(ReadOnlySpan<char> alternate, string other) => alternate.SequenceEqual(other);

        public int GetHashCode(string token) => GetHashCode(token.AsSpan());

        // Hashing a whole token took 3 µs.
        public int GetHashCode(ReadOnlySpan<char> alternate) =>
            string.GetHashCode(alternate[Math.Max(0, alternate.Length - 16)..], StringComparison.Ordinal);

        public string Create(ReadOnlySpan<char> alternate) => alternate.ToString();
    }
}

/// <summary>A token that was validated. State: what it was last found to be valid by.</summary>
/// <param name="ticket">Who sends it.</param>
/// <param name="notBefore">When it begins, UTC.</param>
/// <param name="expires">When it ends, UTC.</param>
/// <param name="validatedBy">The set of clients, or of an issuer's keys, that it was validated by.</param>
internal sealed class ValidatedToken(AuthenticationTicket ticket, DateTime notBefore, DateTime expires, object validatedBy)
{
    public AuthenticateResult Result { get; } = AuthenticateResult.Success(ticket);

    public DateTime NotBefore { get; } = notBefore;

    public DateTime Expires { get; } = expires;

    public object ValidatedBy { get; set; } = validatedBy;

    /// <summary>The client of a token of ours.</summary>
    public Client? Client { get; init; }

    /// <summary>The keys of the issuer of another's token; null for one of ours.</summary>
    public IssuerKeys? IssuerKeys { get; init; }
}
