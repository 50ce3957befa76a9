using System.Runtime.CompilerServices;
using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>
/// Rate-limit windows in Redis, shared by all nodes: like <see cref="RateLimitWindows"/>, but on Redis' clock. Redis is probed once
/// a second. After a failed or late answer no request asks it until a probe succeeds. State: whether it answers, set by the last caller.
/// </summary>
internal sealed partial class SharedWindows : PollingService
{
    // A key is this, then "r " or "w " and a client's id for its reads or writes, or "a " and an address. It expires with its window.
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

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);
    private static readonly RedisKey[] Probe = KeyOf("probe");

    private readonly ConfigurationOptions _options;
    private readonly ILogger<SharedWindows> _logger;
    private readonly TimeSpan _timeout;
    private readonly string _endpoints;
    private Task<ConnectionMultiplexer>? _connecting;
    private IDatabase? _database;
    private bool _isAnswering;

    public SharedWindows(ConfigurationOptions options, ILogger<SharedWindows> logger)
        : base(ProbeInterval)
    {
        (_options, _logger) = (options.Clone(), logger);
        _timeout = TimeSpan.FromMilliseconds(options.AsyncTimeout);
        _endpoints = string.Join(", ", options.EndPoints.Select(EndPointCollection.ToString));
        // The library also applies it to the handshake, and drops a connection after four times this silence: it has to be seconds.
        _options.AsyncTimeout = Math.Max(options.AsyncTimeout, options.SyncTimeout);
    }

    /// <summary>True while Redis answers. Otherwise <see cref="TakeAsync"/> and <see cref="PeekAsync"/> return null at once.</summary>
    public bool IsAnswering => Volatile.Read(ref _isAnswering);

    /// <summary>The key of a window; an array, because the library takes one.</summary>
    public static RedisKey[] KeyOf(string window) => [Prefix + window];

    /// <summary>Takes a permit if one is left; null when Redis does not answer in time. A late permit counts all the same.</summary>
    public ValueTask<RateLimitStatus?> TakeAsync(RedisKey[] key, RateLimitPolicy policy) => RunAsync(TakeScript, key, policy);

    /// <summary>Returns what a request would be told, without taking a permit; null when Redis does not answer in time.</summary>
    public ValueTask<RateLimitStatus?> PeekAsync(RedisKey[] key, RateLimitPolicy policy) => RunAsync(PeekScript, key, policy);

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // With Redis, limits are shared from the first request on; without it the node starts all the same. A first answer takes longer.
        var timeout = _timeout > ProbeInterval ? _timeout : ProbeInterval;
        _connecting = ConnectionMultiplexer.ConnectAsync(_options);
        await Task.WhenAny(_connecting, Task.Delay(timeout, cancellationToken));
        _isAnswering = true;
        await ProbeAsync(timeout);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        if (_connecting is { IsCompletedSuccessfully: true })
            _connecting.Result.Dispose();
    }

    /// <inheritdoc/>
    protected override TimeSpan Interval => ProbeInterval;

    /// <inheritdoc/>
    protected override Task PollAsync(CancellationToken stoppingToken) => ProbeAsync(_timeout);

    /// <inheritdoc/>
    protected override void LogFailure(Exception failure) => MarkUnavailable(failure);

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
                LogBack(_logger, _endpoints);
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
            LogAway(_logger, _endpoints, e);
    }

    [LoggerMessage(1002, LogLevel.Warning, "Redis at {Where} does not answer; until it does, this node limits requests by itself")]
    private static partial void LogAway(ILogger logger, string where, Exception exception);

    [LoggerMessage(1003, LogLevel.Information, "Redis at {Where} answers again; the nodes share their limits")]
    private static partial void LogBack(ILogger logger, string where);
}
