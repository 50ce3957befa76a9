using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>
/// Rate-limit windows in Redis, shared by all nodes: like <see cref="RateLimitWindows"/>, but on Redis' clock. Redis is probed once
/// a second. After a failed or late answer no request asks it until a probe succeeds. State: whether it answers, set by the last caller.
/// </summary>
internal sealed partial class SharedWindows(ConfigurationOptions options, ILogger<SharedWindows> logger) : PollingService(ProbeInterval)
{
    // A key is this, then a client's id behind "r " (reads), "w " (writes), "t " (tokens), "fc " (refused requests for tokens) or "e "
    // (tokens that have ended), or an address behind "a " (requests without a token) or "f " (refused requests for tokens). It expires
    // with its window.
    private const string Prefix = "results-es:limits:";

    // A script returns the count and the milliseconds left of the window (at most 60,000) in one number. Redis runs scripts atomically.
    private const int MillisecondBits = 16;

    private const string TakeScript =
        """
        local count = redis.call('INCR', KEYS[1])
        local left = redis.call('PTTL', KEYS[1])
        if left < 0 then
          left = 60000
          redis.call('PEXPIRE', KEYS[1], left)
        end
        return count * 65536 + left
        """;

    private const string PeekScript =
        """
        local left = redis.call('PTTL', KEYS[1])
        if left < 0 then return 0 end
        return (redis.call('GET', KEYS[1]) or 0) * 65536 + left
        """;

    // Milliseconds that a request waits for Redis, and that the library waits before it doubts the connection. The setting overrides both.
    private const string Defaults = "asyncTimeout=100,syncTimeout=1000,";

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);
    private static readonly RedisKey[] Probe = KeyOf("probe");

    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.AsyncTimeout);
    private readonly string _endpoints = string.Join(", ", options.EndPoints.Select(EndPointCollection.ToString));
    private Task<ConnectionMultiplexer>? _connecting;
    private IDatabase? _database;
    private bool _isAnswering;

    /// <summary>True while Redis answers. Otherwise <see cref="TakeAsync"/> and <see cref="PeekAsync"/> return null at once.</summary>
    public bool IsAnswering => Volatile.Read(ref _isAnswering);

    /// <summary>Reads the setting <c>ConnectionStrings:redis</c>, in StackExchange.Redis' format; null without a Redis.</summary>
    /// <exception cref="StartupException">It is malformed. The message does not repeat it, because it may hold a password.</exception>
    public static ConfigurationOptions? ReadSetting(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("redis") is not { } text || string.IsNullOrWhiteSpace(text))
            return null;

        if (Parse(text) is not { EndPoints.Count: > 0 } options
            || options.EndPoints.OfType<DnsEndPoint>().Any(dns => Uri.CheckHostName(dns.Host) == UriHostNameType.Unknown))
            throw new StartupException("ConnectionStrings__redis is not a connection string that StackExchange.Redis understands, "
                + "such as localhost:6379,password=….");

        // The service starts without Redis. A lost connection is retried each second; the default would wait ever longer.
        options.AbortOnConnectFail = false;
        options.ReconnectRetryPolicy = new LinearRetry(1_000);
        // Commands fail at once without a connection: their requests are answered long before it is back.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.IncludeDetailInExceptions = false;
        return options;
    }

    /// <summary>The key of a window; an array, because the library takes one.</summary>
    public static RedisKey[] KeyOf(string window) => [Prefix + window];

    /// <summary>Takes a permit if one is left; null when Redis does not answer in time. A late permit counts all the same.</summary>
    public ValueTask<RateLimitStatus?> TakeAsync(RedisKey[] key, RateLimitPolicy policy) => RunAsync(TakeScript, key, policy);

    /// <summary>Returns what a request would be told, without taking a permit; null when Redis does not answer in time.</summary>
    public ValueTask<RateLimitStatus?> PeekAsync(RedisKey[] key, RateLimitPolicy policy) => RunAsync(PeekScript, key, policy);

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // With Redis, limits are shared from the first request on; without it the node starts all the same. A first answer takes longer.
        var timeout = _timeout > ProbeInterval ? _timeout : ProbeInterval;
        var patient = options.Clone();
        // The library also applies it to the handshake, and drops a connection after four times this silence: it has to be seconds.
        patient.AsyncTimeout = Math.Max(options.AsyncTimeout, options.SyncTimeout);
        _connecting = ConnectionMultiplexer.ConnectAsync(patient);
        await Task.WhenAny(_connecting, Task.Delay(timeout, cancellationToken));
        _isAnswering = true;
        await ProbeAsync(timeout);
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        if (_connecting is { IsCompletedSuccessfully: true })
            _connecting.Result.Dispose();
    }

    protected override TimeSpan Interval => ProbeInterval;

    protected override Task PollAsync(CancellationToken stoppingToken) => ProbeAsync(_timeout);

    protected override void LogFailure(Exception failure) => MarkUnavailable(failure);

    private static ConfigurationOptions? Parse(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(Defaults + text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // The exception is dropped on purpose: its message quotes the string, which may hold a password.
            return null;
        }
    }

    // Takes a permit, because what answers a ping may still refuse to write: a replica, or a Redis without memory.
    private async Task ProbeAsync(TimeSpan timeout)
    {
        try
        {
            // Once made, the connection reconnects by itself for as long as the node lives.
            _database ??= _connecting is { IsCompleted: true }
                ? (await _connecting).GetDatabase()
                : throw new TimeoutException("There is no connection.");
            await _database.ScriptEvaluateAsync(TakeScript, Probe).WaitAsync(timeout);
            if (!Interlocked.Exchange(ref _isAnswering, true))
                LogBack(logger, _endpoints);
        }
        catch (Exception e)
        {
            MarkUnavailable(e);
        }
    }

    // Pooled, because every request runs it.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RateLimitStatus?> RunAsync(string script, RedisKey[] key, RateLimitPolicy policy)
    {
        if (!IsAnswering)
            return null;

        try
        {
            return StatusOf(policy, (long)await _database!.ScriptEvaluateAsync(script, key).WaitAsync(_timeout));
        }
        catch (Exception e)
        {
            // Any failure: a request must not fail because it could not be counted, and the caller then counts it locally.
            MarkUnavailable(e);
            return null;
        }
    }

    private static RateLimitStatus StatusOf(RateLimitPolicy policy, long window)
    {
        var (count, left) = (window >> MillisecondBits, (int)(window & ((1 << MillisecondBits) - 1)));
        var reset = count == 0 ? RateLimitWindows.Seconds : Math.Clamp((left + 999) / 1000, 1, RateLimitWindows.Seconds);
        return new RateLimitStatus(policy, (int)Math.Max(0, policy.Permits - count), reset, Allowed: count <= policy.Permits);
    }

    private void MarkUnavailable(Exception e)
    {
        if (Interlocked.Exchange(ref _isAnswering, false))
            LogAway(logger, _endpoints, e);
    }

    [LoggerMessage(1002, LogLevel.Warning, "Redis at {Where} does not answer; until it does, this node limits requests by itself")]
    private static partial void LogAway(ILogger logger, string where, Exception exception);

    [LoggerMessage(1003, LogLevel.Information, "Redis at {Where} answers again; the nodes share their limits")]
    private static partial void LogBack(ILogger logger, string where);
}
