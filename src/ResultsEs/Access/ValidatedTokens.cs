using Microsoft.AspNetCore.Authentication;

namespace ResultsEs.Access;

/// <summary>
/// A cache of validated tokens, so that each is validated once and not with every request. The key is the whole Authorization header.
/// Only valid tokens get in, and their times are checked with every request.
/// </summary>
internal sealed class ValidatedTokens(TimeProvider time)
{
    // Some 20 MB at about 1 KB a token. Clients are far fewer, and each uses one token for an hour.
    private const int MaxTokens = 10_000;

    // Compares whole headers, but hashes only their last 16 characters: the end of the signature, which is random.
    // Hashing the whole header took 3 µs.
    private readonly ConcurrentDictionary<string, Entry> _entries = new(EqualityComparer<string>.Create(
        static (x, y) => string.Equals(x, y, StringComparison.Ordinal),
        static header => string.GetHashCode(header.AsSpan(Math.Max(0, header.Length - 16)), StringComparison.Ordinal)));

    /// <summary>Returns the result for a known header that is still valid; null when it has to be validated.</summary>
    public AuthenticateResult? Find(string header) =>
        _entries.TryGetValue(header, out var entry) && IsCurrent(entry.NotBefore, entry.Expires) ? entry.Result : null;

    public void Add(string header, AuthenticationTicket ticket, DateTime notBefore, DateTime expires)
    {
        // Every token is then validated once more.
        if (_entries.Count >= MaxTokens)
            _entries.Clear();
        _entries[header] = new Entry(AuthenticateResult.Success(ticket), notBefore, expires);
    }

    /// <summary>True when the current time is within the token's times, give or take <see cref="BearerTokens.ClockSkew"/>.</summary>
    public bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now - BearerTokens.ClockSkew < end
            && (notBefore is not { } start || start <= now + BearerTokens.ClockSkew);
    }

    private sealed record Entry(AuthenticateResult Result, DateTime NotBefore, DateTime Expires);
}
