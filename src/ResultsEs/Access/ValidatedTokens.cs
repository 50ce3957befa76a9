using System.Collections.Concurrent;

namespace ResultsEs.Access;

/// <summary>
/// Who is behind the tokens that were validated, so that each is validated once and not with every request. Known is the whole header, as it was sent; only what is valid gets in, and
/// its times are looked at with every request.
/// </summary>
internal sealed class ValidatedTokens(TimeProvider time)
{
    // A token has about 1 KB, so this is bounded by some 20 MB; clients are far fewer, and each uses one for an hour.
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Who is behind a header that is known and still valid; otherwise null, and it has to be validated.</summary>
    public CallerPrincipal? Find(string header) =>
        _entries.TryGetValue(header, out var entry) && BearerTokens.IsCurrent(entry.NotBefore, entry.Expires, time.GetUtcNow().UtcDateTime) ? entry.Principal : null;

    /// <summary>Remembers a header that was validated.</summary>
    public void Add(string header, CallerPrincipal principal, DateTime notBefore, DateTime expires)
    {
        // Whoever asks next is validated again.
        if (_entries.Count >= Most)
            _entries.Clear();
        _entries[header] = new Entry(principal, notBefore, expires);
    }

    private sealed record Entry(CallerPrincipal Principal, DateTime NotBefore, DateTime Expires);
}
