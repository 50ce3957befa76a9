using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace ResultsEs.Access;

/// <summary>
/// The limiter behind ASP.NET Core's rate-limiting middleware: reads and writes by client, everything without a valid token by
/// address. Its windows are this node's own.
/// </summary>
internal sealed class RateLimits : PartitionedRateLimiter<HttpContext>
{
    // About 10 MB at 100 bytes a window; clients are far fewer, so this bounds what strangers can make us remember.
    private const int MostAddresses = 100_000;

    private readonly RateLimitWindows _clientWindows;
    private readonly RateLimitWindows _addressWindows;
    private readonly RateLimitPolicy _anonymous;
    private readonly FrozenDictionary<string, ClientLimits> _clients;

    public RateLimits(IOptions<AccessOptions> options, TimeProvider time)
    {
        var limits = options.Value.RateLimiting;
        _anonymous = new RateLimitPolicy("anonymous", limits.AnonymousPerMinute);
        _addressWindows = new RateLimitWindows(time, MostAddresses);
        _clientWindows = new RateLimitWindows(time, int.MaxValue);
        _clients = options.Value.Clients.ToFrozenDictionary(
            client => client.Id,
            client => new ClientLimits(
                new Limit("r " + client.Id, new RateLimitPolicy("default", client.ReadsPerMinute ?? limits.ReadsPerMinute)),
                new Limit("w " + client.Id, new RateLimitPolicy("writes", client.WritesPerMinute ?? limits.WritesPerMinute))),
            StringComparer.Ordinal);
    }

    public static void Add(IServiceCollection services)
    {
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
    public RateLimitStatus StatusOf(HttpContext context)
    {
        if (context.Features.Get<RateLimitStatus>() is { } status)
            return status;
        var (windows, limit) = Find(context);
        return windows.Peek(limit.Key, limit.Policy);
    }

    /// <inheritdoc/>
    public override RateLimiterStatistics? GetStatistics(HttpContext resource)
    {
        var (windows, limit) = Find(resource);
        return new RateLimiterStatistics { CurrentAvailablePermits = windows.Peek(limit.Key, limit.Policy).Remaining };
    }

    /// <inheritdoc/>
    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount)
    {
        var (windows, limit) = Find(resource);
        var status = windows.Take(limit.Key, limit.Policy);
        resource.Features.Set(status);
        return status.Allowed ? Lease.Acquired : Lease.Refused;
    }

    // The middleware comes here after a refusal, to wait; nobody waits for the next minute.
    /// <inheritdoc/>
    protected override ValueTask<RateLimitLease> AcquireAsyncCore(HttpContext resource, int permitCount, CancellationToken cancellationToken) =>
        new(resource.Features.Get<RateLimitStatus>() is { Allowed: false } ? Lease.Refused : AttemptAcquireCore(resource, permitCount));

    private static Task Refuse(HttpContext context)
    {
        context.Response.Headers.RetryAfter =
            context.Features.GetRequiredFeature<RateLimitStatus>().ResetSeconds.ToString(CultureInfo.InvariantCulture);
        return Problems.Of(StatusCodes.Status429TooManyRequests, type: Problems.QuotaExceeded).ExecuteAsync(context);
    }

    private (RateLimitWindows Windows, Limit Limit) Find(HttpContext context)
    {
        if (!PublicEndpoint.Is(context.GetEndpoint()) && Caller.Find(context.User) is { } caller && _clients.TryGetValue(caller.ClientId, out var client))
            return (_clientWindows, HttpMethods.IsPost(context.Request.Method) ? client.Writes : client.Reads);

        return (_addressWindows, new Limit(AddressOf(context.Connection.RemoteIpAddress), _anonymous));
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

    private sealed record Limit(string Key, RateLimitPolicy Policy);

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
