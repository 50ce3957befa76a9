using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using ResultsEs.Common;
using ResultsEs.Http;
using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>
/// The limiter behind ASP.NET Core's rate-limiting middleware: reads and writes by client, everything without a valid token by
/// address. Its windows are those that all nodes share where Redis is configured and answers, otherwise this node's own.
/// </summary>
internal sealed class RateLimits : PartitionedRateLimiter<HttpContext>
{
    private static readonly Counter<long> Alone = Instruments.Meter.CreateCounter<long>(
        "results.limits.alone", "{request}", "Requests that a node counted by itself, because Redis did not answer.");

    // About 10 MB at 100 bytes a window; clients are far fewer, so this bounds what strangers can make us remember.
    private const int MostAddresses = 100_000;

    private readonly RateLimitWindows _clientWindows;
    private readonly RateLimitWindows _addressWindows;
    private readonly RateLimitPolicy _anonymous;
    private readonly FrozenDictionary<string, ClientLimits> _clients;
    private readonly SharedWindows? _shared;

    public RateLimits(IOptions<AccessOptions> options, TimeProvider time, SharedWindows? shared = null)
    {
        _shared = shared;
        var limits = options.Value.RateLimiting;
        _anonymous = new RateLimitPolicy("anonymous", limits.AnonymousPerMinute);
        _addressWindows = new RateLimitWindows(time, MostAddresses);
        _clientWindows = new RateLimitWindows(time, int.MaxValue);
        _clients = options.Value.Clients.ToFrozenDictionary(
            client => client.Id,
            client => new ClientLimits(
                LimitOf("r " + client.Id, new RateLimitPolicy("default", client.ReadsPerMinute ?? limits.ReadsPerMinute)),
                LimitOf("w " + client.Id, new RateLimitPolicy("writes", client.WritesPerMinute ?? limits.WritesPerMinute))),
            StringComparer.Ordinal);

        static Limit LimitOf(string key, RateLimitPolicy policy) => new(key, policy, SharedWindows.KeyOf(key));
    }

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        // Before the host is built, because it decides whether there are shared windows.
        if (RedisSetting.Read(configuration) is { } redis)
        {
            services.AddSingleton(provider => new SharedWindows(redis, provider.GetRequiredService<ILogger<SharedWindows>>()));
            services.AddHostedService(provider => provider.GetRequiredService<SharedWindows>());
        }

        services.AddSingleton<RateLimits>();
        services.AddRateLimiter(static _ => { });
        services.AddOptions<RateLimiterOptions>().Configure<RateLimits>(static (options, limits) =>
        {
            options.GlobalLimiter = limits;
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.OnRejected = static (rejected, _) => new ValueTask(Refuse(rejected.HttpContext));
        });
    }

    /// <summary>What the request was told; for one that no limit applies to, what the next one would be.</summary>
    public ValueTask<RateLimitStatus> StatusOfAsync(HttpContext context)
    {
        if (context.Features.Get<RateLimitStatus>() is { } status)
            return new(status);
        return _shared is { IsAnswering: true } ? PeekSharedAsync(_shared, context) : new(PeekAlone(context));
    }

    // Of this node's own windows, as nobody waits here.
    /// <inheritdoc/>
    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => new() { CurrentAvailablePermits = PeekAlone(resource).Remaining };

    // Where Redis has to be asked nothing is acquired yet: the middleware then asks again where waiting holds no thread.
    /// <inheritdoc/>
    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount) =>
        _shared is { IsAnswering: true } ? Lease.Refused : TakeAlone(resource);

    // The middleware comes here after a refusal, to wait; nobody waits for the next minute.
    /// <inheritdoc/>
    protected override ValueTask<RateLimitLease> AcquireAsyncCore(HttpContext resource, int permitCount, CancellationToken cancellationToken)
    {
        if (resource.Features.Get<RateLimitStatus>() is { Allowed: false })
            return new(Lease.Refused);
        return _shared is null ? new(TakeAlone(resource)) : TakeSharedAsync(_shared, resource);
    }

    private static Task Refuse(HttpContext context)
    {
        context.Response.Headers.RetryAfter =
            context.Features.GetRequiredFeature<RateLimitStatus>().ResetSeconds.ToString(CultureInfo.InvariantCulture);
        return Problems.Of(StatusCodes.Status429TooManyRequests, type: Problems.QuotaExceeded).ExecuteAsync(context);
    }

    // Pooled, as it is in the path of every request.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RateLimitLease> TakeSharedAsync(SharedWindows shared, HttpContext context)
    {
        var (_, limit) = Find(context);
        return await shared.TakeAsync(limit.Shared, limit.Policy) is { } status ? Tell(context, status) : TakeAlone(context);
    }

    private async ValueTask<RateLimitStatus> PeekSharedAsync(SharedWindows shared, HttpContext context)
    {
        var (_, limit) = Find(context);
        return await shared.PeekAsync(limit.Shared, limit.Policy) ?? PeekAlone(context);
    }

    private Lease TakeAlone(HttpContext context)
    {
        var (windows, limit) = Find(context);
        if (_shared is not null)
            Alone.Add(1);
        return Tell(context, windows.Take(limit.Key, limit.Policy));
    }

    private RateLimitStatus PeekAlone(HttpContext context)
    {
        var (windows, limit) = Find(context);
        return windows.Peek(limit.Key, limit.Policy);
    }

    private static Lease Tell(HttpContext context, RateLimitStatus status)
    {
        context.Features.Set(status);
        return status.Allowed ? Lease.Acquired : Lease.Refused;
    }

    private (RateLimitWindows Windows, Limit Limit) Find(HttpContext context)
    {
        if (!PublicEndpoint.Is(context.GetEndpoint()) && Caller.Find(context.User) is { } caller && _clients.TryGetValue(caller.ClientId, out var client))
            return (_clientWindows, HttpMethods.IsPost(context.Request.Method) ? client.Writes : client.Reads);

        var address = AddressOf(context.Connection.RemoteIpAddress);
        return (_addressWindows, new Limit(address, _anonymous, _shared is null ? [] : SharedWindows.KeyOf("a " + address)));
    }

    /// <summary>One IPv6 subscriber has a /64, so that is what counts as one address.</summary>
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

    private sealed record Limit(string Key, RateLimitPolicy Policy, RedisKey[] Shared);

    private sealed record ClientLimits(Limit Reads, Limit Writes);

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
