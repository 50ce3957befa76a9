namespace ResultsEs.Access;

/// <summary>A limit in requests a minute, with the texts of its response headers.</summary>
internal sealed record RateLimitPolicy(string Name, int Permits)
{
    public string Limit { get; } = Permits.ToString(CultureInfo.InvariantCulture);

    public string Header { get; } = string.Create(CultureInfo.InvariantCulture, $"\"{Name}\";q={Permits};w=60");
}

/// <summary>The limiter's answer to one request. <paramref name="ResetSeconds"/> is rounded up: after it, a request passes.</summary>
internal sealed record RateLimitStatus(RateLimitPolicy Policy, int Remaining, int ResetSeconds, bool Allowed);

/// <summary>
/// Fixed windows of one minute for each key, opened by the first request. Exactly the permitted number passes in a window, from any
/// number of threads. State: one 64-bit word a window (opening time, count), changed by compare-and-swap only. The dictionary changes
/// only when a key appears or has been idle.
/// </summary>
internal sealed class RateLimitWindows(TimeProvider time, int maxKeys)
{
    /// <summary>The length of a window in seconds.</summary>
    public const int Seconds = 60;

    private const long WindowMilliseconds = Seconds * 1_000;
    private const int CountBits = 24;
    private const long CountMask = (1L << CountBits) - 1;

    /// <summary>The state of a window that the sweep has removed. A thread that still holds it looks the key up again.</summary>
    private const long Dead = -1;

    private readonly long _start = time.GetTimestamp();
    private readonly ConcurrentDictionary<string, Window> _windows = new(StringComparer.Ordinal);
    private long _nextSweep = WindowMilliseconds;
    private int _keys;

    /// <summary>The number of windows held. The next request of any key removes idle ones, within two minutes.</summary>
    public int Keys => Volatile.Read(ref _keys);

    /// <summary>Takes a permit if one is left.</summary>
    public RateLimitStatus Take(string key, RateLimitPolicy policy)
    {
        var now = Now();
        Sweep(now);
        while (true)
        {
            var window = Find(key);
            var state = Volatile.Read(ref window.State);
            while (state != Dead)
            {
                var (opened, count) = (state >> CountBits, (int)(state & CountMask));
                if (state == 0 || now - opened >= WindowMilliseconds)
                    (opened, count) = (now, 0);
                if (count >= policy.Permits)
                    return new RateLimitStatus(policy, 0, SecondsLeft(opened, now), Allowed: false);

                var seen = Interlocked.CompareExchange(ref window.State, (opened << CountBits) | (uint)(count + 1), state);
                if (seen == state)
                    return new RateLimitStatus(policy, policy.Permits - count - 1, SecondsLeft(opened, now), Allowed: true);
                state = seen;
            }
        }
    }

    /// <summary>Returns what a request would be told, without taking a permit.</summary>
    public RateLimitStatus Peek(string key, RateLimitPolicy policy)
    {
        var now = Now();
        var state = _windows.TryGetValue(key, out var window) ? Volatile.Read(ref window.State) : 0;
        var (opened, count) = (state >> CountBits, (int)(state & CountMask));
        return state is 0 or Dead || now - opened >= WindowMilliseconds
            ? new RateLimitStatus(policy, policy.Permits, Seconds, Allowed: true)
            : new RateLimitStatus(policy, Math.Max(0, policy.Permits - count), SecondsLeft(opened, now), Allowed: true);
    }

    // From 1, so that the state of an open window is never 0.
    private long Now() => (long)time.GetElapsedTime(_start).TotalMilliseconds + 1;

    // A thread that read the clock just before another opened the window sees it open a moment in its future.
    private static int SecondsLeft(long opened, long now) =>
        (int)Math.Clamp((opened + WindowMilliseconds - now + 999) / 1000, 1, Seconds);

    private Window Find(string key)
    {
        if (_windows.TryGetValue(key, out var window))
            return window;

        // At the bound, new keys share one window: memory stays bounded, and known keys keep their own.
        if (Keys >= maxKeys)
            key = "";

        var made = new Window();
        window = _windows.GetOrAdd(key, made);
        if (ReferenceEquals(window, made))
            Interlocked.Increment(ref _keys);
        return window;
    }

    private void Sweep(long now)
    {
        var due = Volatile.Read(ref _nextSweep);
        if (now < due || Interlocked.CompareExchange(ref _nextSweep, now + WindowMilliseconds, due) != due)
            return;

        foreach (var entry in _windows)
        {
            var state = Volatile.Read(ref entry.Value.State);
            if (state is 0 or Dead || now - (state >> CountBits) < WindowMilliseconds)
                continue;
            if (Interlocked.CompareExchange(ref entry.Value.State, Dead, state) == state && _windows.TryRemove(entry))
                Interlocked.Decrement(ref _keys);
        }
    }

    private sealed class Window
    {
        public long State;
    }
}
