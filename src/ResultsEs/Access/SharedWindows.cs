using System.Runtime.CompilerServices;
using ResultsEs.Common;
using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>
/// The windows that all nodes share, in Redis: as those of <see cref="RateLimitWindows"/>, on Redis' clock. Redis is asked once a second
/// whether it answers. When it does not, or too late, it is
/// away until it answers that question, and nobody else asks it meanwhile. State: whether it is there, set by whoever asked last.
/// </summary>
internal sealed partial class SharedWindows : PollingService
{
    // A key is this, then r, w or a for a client's reads, its writes or an address, then the client's id or the address. It lives as long
    // as its window.
    private const string Prefix = "results-es:limits:";

    // A count and the milliseconds that are left of its window, at most 60,000, in one number. Redis runs a script as a whole, and
    // nothing else meanwhile.
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

    private static readonly TimeSpan BetweenProbes = TimeSpan.FromSeconds(1);
    private static readonly RedisKey[] Probe = KeyOf("probe");

    private readonly ConfigurationOptions _options;
    private readonly ILogger<SharedWindows> _logger;
    private readonly TimeSpan _patience;
    private readonly string _where;
    private Task<ConnectionMultiplexer>? _connecting;
    private IDatabase? _database;
    private bool _isAnswering;

    public SharedWindows(ConfigurationOptions options, ILogger<SharedWindows> logger)
        : base(BetweenProbes)
    {
        (_options, _logger) = (options.Clone(), logger);
        _patience = TimeSpan.FromMilliseconds(options.AsyncTimeout);
        _where = string.Join(", ", options.EndPoints.Select(EndPointCollection.ToString));
        // The library applies it to the handshake, too, and takes a connection that was silent four times as long for a dead one: a
        // matter of seconds.
        _options.AsyncTimeout = Math.Max(options.AsyncTimeout, options.SyncTimeout);
    }

    /// <summary>
    /// Whether Redis answers, as far as this node knows; where it does not, <see cref="TakeAsync"/> and <see cref="PeekAsync"/> answer
    /// null at once.
    /// </summary>
    public bool IsAnswering => Volatile.Read(ref _isAnswering);

    /// <summary>The key of a window, as an array because the library takes one.</summary>
    public static RedisKey[] KeyOf(string window) => [Prefix + window];

    /// <summary>Takes a permit if one is left; null when Redis does not say. One that is taken too late is counted all the same.</summary>
    public ValueTask<RateLimitStatus?> TakeAsync(RedisKey[] key, RateLimitPolicy policy) => RunAsync(TakeScript, key, policy);

    /// <summary>What a request would be told, without taking a permit; null when Redis does not say.</summary>
    public ValueTask<RateLimitStatus?> PeekAsync(RedisKey[] key, RateLimitPolicy policy) => RunAsync(PeekScript, key, policy);

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // A node shares limits from its first request on where Redis is there; where it is not, it starts all the same. First times take
        // longer than others.
        var patience = _patience > BetweenProbes ? _patience : BetweenProbes;
        _connecting = ConnectionMultiplexer.ConnectAsync(_options);
        await Task.WhenAny(_connecting, Task.Delay(patience, cancellationToken));
        _isAnswering = true;
        await AskAsync(patience);
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
    protected override TimeSpan Interval => BetweenProbes;

    /// <inheritdoc/>
    protected override Task PollAsync(CancellationToken stoppingToken) => AskAsync(_patience);

    /// <inheritdoc/>
    protected override void LogFailure(Exception failure) => Lost(failure);

    // By a permit, because what answers a ping may still refuse to write: a replica, or a Redis without memory.
    private async Task AskAsync(TimeSpan patience)
    {
        try
        {
            // Once made, the connection seeks Redis by itself for as long as the node lives.
            _database ??= _connecting is { IsCompleted: true } ? (await _connecting).GetDatabase() : throw new TimeoutException("There is no connection.");
            await _database.ScriptEvaluateAsync(TakeScript, Probe).WaitAsync(patience);
            if (!Interlocked.Exchange(ref _isAnswering, true))
                LogBack(_logger, _where);
        }
        catch (Exception e)
        {
            Lost(e);
        }
    }

    // Pooled, as it is in the path of every request.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RateLimitStatus?> RunAsync(string script, RedisKey[] key, RateLimitPolicy policy)
    {
        if (!IsAnswering)
            return null;

        try
        {
            return Status(policy, (long)await _database!.ScriptEvaluateAsync(script, key).WaitAsync(_patience));
        }
        catch (Exception e)
        {
            // Whatever it is: a request is not answered with a failure of what only counts it, and it is not let pass uncounted either.
            Lost(e);
            return null;
        }
    }

    private static RateLimitStatus Status(RateLimitPolicy policy, long window)
    {
        var (count, left) = (window >> MillisecondBits, (int)(window & ((1 << MillisecondBits) - 1)));
        var reset = count == 0 ? RateLimitWindows.Seconds : Math.Clamp((left + 999) / 1000, 1, RateLimitWindows.Seconds);
        return new RateLimitStatus(policy, (int)Math.Max(0, policy.Permits - count), reset, Allowed: count <= policy.Permits);
    }

    private void Lost(Exception e)
    {
        if (Interlocked.Exchange(ref _isAnswering, false))
            LogAway(_logger, _where, e);
    }

    [LoggerMessage(1002, LogLevel.Warning, "Redis at {Where} does not answer; until it does, this node limits requests by itself")]
    private static partial void LogAway(ILogger logger, string where, Exception exception);

    [LoggerMessage(1003, LogLevel.Information, "Redis at {Where} answers again; the nodes share their limits")]
    private static partial void LogBack(ILogger logger, string where);
}
