using System.Collections.Concurrent;
using Microsoft.AspNetCore.Authentication;

namespace ResultsEs.Access;

/// <summary>
/// Who is behind the tokens that were validated, so that each is validated once and not with every request. Known is the whole header, as it was sent; only what is valid gets in, and
/// its times are looked at with every request.
/// </summary>
internal sealed class ValidatedTokens(TimeProvider time)
{
    // A token has about 1 KB, so this is bounded by some 20 MB; clients are far fewer, and each uses one for an hour.
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<string, Entry> _entries = new(new BySignature());

    /// <summary>That a header is known and still valid, and who is behind it; otherwise null, and it has to be validated.</summary>
    public AuthenticateResult? Find(string header) =>
        _entries.TryGetValue(header, out var entry) && IsCurrent(entry.NotBefore, entry.Expires) ? entry.Result : null;

    /// <summary>Remembers a header that was validated.</summary>
    public void Add(string header, AuthenticationTicket ticket, DateTime notBefore, DateTime expires)
    {
        // Whoever asks next is validated again.
        if (_entries.Count >= Most)
            _entries.Clear();
        _entries[header] = new Entry(AuthenticateResult.Success(ticket), notBefore, expires);
    }

    /// <summary>Whether a token is valid now, by its own times.</summary>
    public bool IsCurrent(DateTime? notBefore, DateTime? expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && now - BearerTokens.ClockSkew < end && (notBefore is not { } start || start <= now + BearerTokens.ClockSkew);
    }

    private sealed record Entry(AuthenticateResult Result, DateTime NotBefore, DateTime Expires);

    /// <summary>Finds headers by their ends: a signature's end is random as it is, and a token is so long that finding it by all of it took 3 µs. Only the same whole header is equal.</summary>
    private sealed class BySignature : IEqualityComparer<string>
    {
        private const int Hashed = 16;

        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public int GetHashCode(string header) => string.GetHashCode(header.AsSpan(Math.Max(0, header.Length - Hashed)), StringComparison.Ordinal);
    }
}
