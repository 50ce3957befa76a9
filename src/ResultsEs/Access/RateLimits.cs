using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.RateLimiting;
using ResultsEs.Http;
using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>
/// The limiter behind ASP.NET Core's rate-limiting middleware. Clients have a limit for reads and one for writes; requests without
/// a valid token count by address. The token endpoint asks by itself: a right secret counts for its client alone, and what is refused by
/// address and client. While Redis is configured and answers, all nodes share their windows; otherwise each has its own.
/// </summary>
internal sealed class RateLimits : PartitionedRateLimiter<HttpContext>
{
    private static readonly Counter<long> CountedLocally = Instruments.Meter.CreateCounter<long>(
        "results.limits.alone", "{request}", "Requests that a node counted by itself, because Redis did not answer.");

    // About 10 MB at 100 bytes a window. Clients are far fewer, so this bounds the memory that strangers can take, and other issuers'
    // subjects.
    private const int MaxAddresses = 100_000;

    private readonly RateLimitWindows _addressWindows;
    private readonly RateLimitWindows _failureWindows;
    private readonly RateLimitWindows _clientWindows;
    private readonly RateLimitWindows _subjectWindows;
    private readonly RateLimitPolicy _anonymous;
    private readonly RateLimitPolicy _failures;
    private readonly RateLimitPolicy _tokens;
    private readonly RateLimitingOptions _options;
    private readonly Clients _clients;
    private readonly SharedWindows? _shared;
    private readonly FrozenDictionary<string, (RateLimitPolicy Reads, RateLimitPolicy Writes)> _issuers;
    private readonly RefusalPace _refusals = new();
    private volatile LimitSet? _limits;

    public RateLimits(
        IOptions<AccessOptions> options, Clients clients, Issuers issuers, TimeProvider time, SharedWindows? shared = null)
    {
        (_options, _clients, _shared) = (options.Value.RateLimiting, clients, shared);
        _issuers = issuers.All.ToFrozenDictionary(issuer => issuer.Name, issuer => (
            PolicyOfReads(issuer.Options.ReadsPerMinute), PolicyOfWrites(issuer.Options.WritesPerMinute)), StringComparer.Ordinal);
        _anonymous = new RateLimitPolicy("anonymous", _options.AnonymousPerMinute);
        _failures = new RateLimitPolicy("token-failures", _options.TokenFailuresPerMinute);
        _tokens = new RateLimitPolicy("tokens", _options.TokensPerMinute);
        _addressWindows = new RateLimitWindows(time, MaxAddresses);
        _failureWindows = new RateLimitWindows(time, MaxAddresses);
        _clientWindows = new RateLimitWindows(time, int.MaxValue);
        _subjectWindows = new RateLimitWindows(time, MaxAddresses);
    }

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        // Read before the host is built, because it decides whether there are shared windows.
        if (SharedWindows.ReadSetting(configuration) is { } redis)
        {
            services.AddSingleton(provider => new SharedWindows(redis, provider.GetRequiredService<ILogger<SharedWindows>>()));
            services.AddHostedService(provider => provider.GetRequiredService<SharedWindows>());
        }

        services.AddSingleton<RateLimits>();
        services.AddRateLimiter(static _ => { });
        services.AddOptions<RateLimiterOptions>().Configure<RateLimits>((options, limits) =>
        {
            options.GlobalLimiter = limits;
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.OnRejected = (rejected, _) => new ValueTask(limits.RefuseAsync(rejected.HttpContext));
        });
    }

    /// <summary>Returns what the limiter told this request, or would tell the next one when it was not asked.</summary>
    public async ValueTask<RateLimitStatus> StatusOfAsync(HttpContext context)
    {
        if (context.Features.Get<RateLimitStatus>() is { } status)
            return status;

        var limit = Find(context);
        var shared = _shared is null ? null : await _shared.PeekAsync(limit.Shared, limit.Policy);
        return shared ?? limit.Windows.Peek(limit.Key, limit.Policy);
    }

    /// <summary>Counts a request for a token with the right secret.</summary>
    public ValueTask<RateLimitStatus> TakeTokenAsync(HttpContext context, Client client) =>
        TakeAsync(context, OfKey(_clientWindows, "t " + client.Id, _tokens));

    /// <summary>Counts a refused request for a token by its address and, when it named one that exists, by its client.</summary>
    public async ValueTask<RateLimitStatus> TakeFailureAsync(HttpContext context, Client? client)
    {
        var ofAddress = await TakeAsync(context, FailuresOf(context));
        if (!ofAddress.Allowed || client is null)
            return ofAddress;

        var ofClient = await TakeAsync(context, OfKey(_clientWindows, "fc " + client.Id, _failures));
        var told = ofClient.Remaining < ofAddress.Remaining || !ofClient.Allowed ? ofClient : ofAddress;
        context.Features.Set(told);
        return told;
    }

    /// <summary>True when so many requests for tokens failed from the request's address that the next failure is refused.</summary>
    public bool IsSuspect(HttpContext context) =>
        FailuresOf(context) is var limit && limit.Windows.Peek(limit.Key, limit.Policy).Remaining == 0;

    // Nobody asks for statistics: the response headers come from StatusOfAsync.
    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => null;

    // While Redis answers nothing is acquired here: the middleware then calls AcquireAsyncCore, where waiting holds no thread.
    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount) =>
        _shared is { IsAnswering: true } ? Lease.Refused : TakeLocal(resource);

    // The middleware calls this after a refusal, to let the request wait; it does not wait for the next minute.
    protected override ValueTask<RateLimitLease> AcquireAsyncCore(
        HttpContext resource, int permitCount, CancellationToken cancellationToken)
    {
        if (resource.Features.Get<RateLimitStatus>() is { Allowed: false })
            return new(Lease.Refused);
        return _shared is null ? new(TakeLocal(resource)) : TakeSharedAsync(_shared, resource);
    }

    /// <summary>
    /// Answers 429 to a request that was counted and not allowed. When there are many the answer waits: clients that ask again at once,
    /// whatever they are told, take no more of the processor than others.
    /// </summary>
    public async Task RefuseAsync(HttpContext context)
    {
        await _refusals.WaitAsync(context.RequestAborted);
        context.Response.Headers.RetryAfter =
            context.Features.GetRequiredFeature<RateLimitStatus>().ResetSeconds.ToString(CultureInfo.InvariantCulture);
        await Problems.Of(StatusCodes.Status429TooManyRequests, type: Problems.QuotaExceeded).ExecuteAsync(context);
    }

    // Pooled, because every request runs it.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RateLimitLease> TakeSharedAsync(SharedWindows shared, HttpContext context)
    {
        var limit = Find(context);
        return await shared.TakeAsync(limit.Shared, limit.Policy) is { } status ? LeaseOf(context, status) : TakeLocal(context);
    }

    private Lease TakeLocal(HttpContext context) => LeaseOf(context, TakeLocal(context, Find(context)));

    private RateLimitStatus TakeLocal(HttpContext context, Limit limit)
    {
        if (_shared is not null && !Caller.IsNobody(context.User))
            CountedLocally.Add(1);
        return limit.Windows.Take(limit.Key, limit.Policy);
    }

    private async ValueTask<RateLimitStatus> TakeAsync(HttpContext context, Limit limit)
    {
        var shared = _shared is null ? null : await _shared.TakeAsync(limit.Shared, limit.Policy);
        // This node's window is kept up, too, because IsSuspect looks at it.
        if (shared is not null)
            limit.Windows.Take(limit.Key, limit.Policy);
        var status = shared ?? TakeLocal(context, limit);
        context.Features.Set(status);
        return status;
    }

    private static Lease LeaseOf(HttpContext context, RateLimitStatus status)
    {
        context.Features.Set(status);
        return status.Allowed ? Lease.Acquired : Lease.Refused;
    }

    private Limit Find(HttpContext context)
    {
        if (!PublicEndpoint.Is(context.GetEndpoint()) && Caller.Find(context.User) is { } caller)
        {
            var isWrite = IsWrite(context.Request.Method) && context.GetEndpoint()?.Metadata.GetMetadata<ReadsAttribute>() is null;
            if (caller.Issuer is { } issuer && _issuers.TryGetValue(issuer, out var limits))
                return OfKey(_subjectWindows, (isWrite ? "w " : "r ") + caller.ClientId, isWrite ? limits.Writes : limits.Reads);
            if (Limits().ByClient.TryGetValue(caller.ClientId, out var client))
                return isWrite ? client.Writes : client.Reads;
        }

        // Its client has to learn that it has ended, however many strangers come from its address.
        if (context.Features.Get<EndedToken>() is { } ended && !(ended.IsOurs && _clients.Current.Find(ended.ClientId) is null))
            return OfKey(ended.IsOurs ? _clientWindows : _subjectWindows, "e " + ended.ClientId, _anonymous);

        return OfKey(_addressWindows, "a " + AddressOf(context.Connection.RemoteIpAddress), _anonymous);
    }

    private Limit FailuresOf(HttpContext context) =>
        OfKey(_failureWindows, "f " + AddressOf(context.Connection.RemoteIpAddress), _failures);

    private Limit OfKey(RateLimitWindows windows, string key, RateLimitPolicy policy) =>
        new(windows, key, policy, _shared is null ? [] : SharedWindows.KeyOf(key));

    // Made anew when clients have changed; the windows stay.
    private LimitSet Limits()
    {
        var clients = _clients.Current;
        if (_limits is { } limits && ReferenceEquals(limits.Of, clients))
            return limits;

        return _limits = new LimitSet(clients, clients.ById.Values.ToFrozenDictionary(
            client => client.Id,
            client => new ClientLimits(
                Reads: OfKey(_clientWindows, "r " + client.Id, PolicyOfReads(client.ReadsPerMinute)),
                Writes: OfKey(_clientWindows, "w " + client.Id, PolicyOfWrites(client.WritesPerMinute))),
            StringComparer.Ordinal));
    }

    private RateLimitPolicy PolicyOfReads(int? own) => new("default", own ?? _options.ReadsPerMinute);

    private RateLimitPolicy PolicyOfWrites(int? own) => new("writes", own ?? _options.WritesPerMinute);

    private static bool IsWrite(string method) =>
        HttpMethods.IsPost(method) || HttpMethods.IsDelete(method) || HttpMethods.IsPatch(method);

    /// <summary>The address a request counts by. An IPv6 address counts by its /64, which is one subscriber.</summary>
    private static string AddressOf(IPAddress? address)
    {
        if (address is null)
            return "unknown";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes).ToString();
    }

    private sealed record Limit(RateLimitWindows Windows, string Key, RateLimitPolicy Policy, RedisKey[] Shared);

    private sealed record ClientLimits(Limit Reads, Limit Writes);

    private sealed record LimitSet(ClientSet Of, FrozenDictionary<string, ClientLimits> ByClient);

    private sealed class Lease(bool acquired) : RateLimitLease
    {
        public static readonly Lease Acquired = new(acquired: true);
        public static readonly Lease Refused = new(acquired: false);

        public override bool IsAcquired { get; } = acquired;

        public override IEnumerable<string> MetadataNames => [];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }
    }
}

/// <summary>Marks an endpoint whose requests count as reads, whatever their method.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ReadsAttribute : Attribute;
