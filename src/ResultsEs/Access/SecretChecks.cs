namespace ResultsEs.Access;

internal enum SecretVerdict
{
    Right,
    Wrong,

    /// <summary>Too many others wait to be checked against the same slow hash.</summary>
    Busy,
}

/// <summary>
/// Checks secrets against hashes. What was found is remembered for a while as a keyed hash, so that only a client's first request pays for
/// a slow hash, and once the right secret is known no wrong one does. Slow hashes are computed a few at a time, for one client one by one.
/// </summary>
internal sealed class SecretChecks(TimeProvider time)
{
    /// <summary>How long a right secret is remembered after it was last used: longer than a token lasts.</summary>
    public static readonly TimeSpan RememberedFor = TokenIssuer.Lifetime + TimeSpan.FromMinutes(10);

    // Wrong secrets of one hash.
    private const int MaxWrong = 256;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(HMACSHA256.HashSizeInBytes);
    private readonly SemaphoreSlim _hashing = new(Math.Max(1, Environment.ProcessorCount / 4));

    // As many as clients have secrets.
    private readonly ConcurrentDictionary<(string Client, string Hash), Known> _known = new();

    /// <summary>Forgets what belongs to none of these clients.</summary>
    public void Keep(ClientSet clients)
    {
        foreach (var key in _known.Keys)
        {
            if (clients.Find(key.Client)?.Secrets.Any(secret => secret.Hash == key.Hash) != true)
                _known.TryRemove(key, out _);
        }
    }

    /// <summary>
    /// Checks a secret against each of the client's that has not ended. <paramref name="isSuspect"/> says that it comes from where many
    /// failed.
    /// </summary>
    public async ValueTask<SecretVerdict> CheckAsync(Client client, string secret, bool isSuspect, CancellationToken cancellation)
    {
        var verdict = SecretVerdict.Wrong;
        foreach (var (hash, until) in client.Secrets)
        {
            if (until <= time.GetUtcNow())
                continue;
            var one = SecretHash.IsQuick(hash)
                ? SecretHash.Verify(hash, secret) ? SecretVerdict.Right : SecretVerdict.Wrong
                : await CheckSlowAsync(_known.GetOrAdd((client.Id, hash), static _ => new Known()), hash, secret, isSuspect, cancellation);
            if (one is SecretVerdict.Right)
                return one;
            if (one is SecretVerdict.Busy)
                verdict = one;
        }

        return verdict;
    }

    private async ValueTask<SecretVerdict> CheckSlowAsync(
        Known known, string hash, string secret, bool isSuspect, CancellationToken cancellation)
    {
        var mac = HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(secret));
        if (known.Find(mac, time.GetUtcNow()) is { } found)
            return found;
        if (!await known.Queue.EnterAsync(isSuspect, cancellation))
            return SecretVerdict.Busy;

        try
        {
            // Whoever was before may have found out.
            return known.Find(mac, time.GetUtcNow()) ?? await HashAsync(known, hash, secret, mac, cancellation);
        }
        finally
        {
            known.Queue.Leave();
        }
    }

    private async Task<SecretVerdict> HashAsync(Known known, string hash, string secret, byte[] mac, CancellationToken cancellation)
    {
        await _hashing.WaitAsync(cancellation);
        try
        {
            // On a thread of the pool, because requests run on the socket's.
            var isRight = await Task.Run(() => SecretHash.Verify(hash, secret), cancellation);
            known.Remember(mac, isRight, time.GetUtcNow());
            return isRight ? SecretVerdict.Right : SecretVerdict.Wrong;
        }
        finally
        {
            _hashing.Release();
        }
    }

    /// <summary>What is known of one slow hash. State: its secret and the last wrong ones, as keyed hashes; who waits for it.</summary>
    private sealed class Known
    {
        private readonly Lock _lock = new();
        private readonly Queue<byte[]> _wrong = new();
        private byte[]? _right;
        private DateTimeOffset _until;

        public HashQueue Queue { get; } = new();

        public SecretVerdict? Find(byte[] mac, DateTimeOffset now)
        {
            lock (_lock)
            {
                if (_right is not null && now < _until)
                {
                    if (!CryptographicOperations.FixedTimeEquals(_right, mac))
                        return SecretVerdict.Wrong;
                    _until = now + RememberedFor;
                    return SecretVerdict.Right;
                }

                _right = null;
                return _wrong.Any(wrong => wrong.AsSpan().SequenceEqual(mac)) ? SecretVerdict.Wrong : null;
            }
        }

        public void Remember(byte[] mac, bool isRight, DateTimeOffset now)
        {
            lock (_lock)
            {
                if (isRight)
                {
                    (_right, _until) = (mac, now + RememberedFor);
                    _wrong.Clear();
                    return;
                }

                _wrong.Enqueue(mac);
                if (_wrong.Count > MaxWrong)
                    _wrong.Dequeue();
            }
        }
    }
}
