using System.Collections.Concurrent;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Benchmarks;

/// <summary>What those the service is measured against know of the service's tokens: its key is read from the folder in which it keeps it.</summary>
internal static class ServiceTokens
{
    /// <summary>What a token must be, as the service has it.</summary>
    public static TokenValidationParameters Parameters() => new()
    {
        ValidIssuer = Service.Issuer,
        ValidAudience = TokenIssuer.Audience,
        IssuerSigningKey = SigningKey.Load(Path.Combine(Environment.GetEnvironmentVariable(DataFolder.Variable)!, "keys", "signing.pem")).Public,
        TryAllIssuerSigningKeys = false,
        ValidAlgorithms = [SigningKey.Algorithm],
        ValidTypes = ["at+jwt"],
        ClockSkew = BearerTokens.ClockSkew,
    };
}

/// <summary>
/// The least that authorizes a request and counts it: a token is validated when it comes for the first time, and is known from then on until it expires; each client has a counter, which begins
/// anew each minute.
/// </summary>
internal sealed class FloorAccess
{
    private const string Scheme = "Bearer ";

    // Only valid tokens are kept, of which one client gets few; all are forgotten beyond this.
    private const int MostTokens = 10_000;

    private readonly TokenValidationParameters _parameters = ServiceTokens.Parameters();
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly ConcurrentDictionary<string, FloorCaller> _callers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, FloorWindow> _windows = new(StringComparer.Ordinal);

    /// <summary>The caller whose token this header shows; null where it shows none that is valid.</summary>
    public ValueTask<FloorCaller?> FindAsync(string authorization) =>
        _callers.TryGetValue(authorization, out var caller) && DateTime.UtcNow < caller.Expires ? new(caller) : ValidateAsync(authorization);

    private async ValueTask<FloorCaller?> ValidateAsync(string authorization)
    {
        if (!authorization.StartsWith(Scheme, StringComparison.Ordinal))
            return null;

        var result = await _handler.ValidateTokenAsync(authorization[Scheme.Length..], _parameters);
        if (!result.IsValid || Caller.Read(result.ClaimsIdentity) is not { } known)
            return null;

        var caller = new FloorCaller(known.Account.ToString(), known.Workspaces, known.Scopes, result.SecurityToken.ValidTo, _windows.GetOrAdd(known.ClientId, static _ => new FloorWindow()));
        if (_callers.Count >= MostTokens)
            _callers.Clear();
        return _callers[authorization] = caller;
    }
}

/// <summary>Who asks.</summary>
internal sealed record FloorCaller(string Tenant, Guid[] Workspaces, string[] Scopes, DateTime Expires, FloorWindow Window)
{
    /// <summary>Whether it may read results.</summary>
    public bool MayRead { get; } = Scopes.Contains(Access.Scopes.StudiesRead, StringComparer.Ordinal);
}

/// <summary>How often a client may still ask this minute.</summary>
internal sealed class FloorWindow
{
    private const int Milliseconds = 60_000;

    private long _end;
    private int _taken;

    /// <summary>Takes a permit if one is left.</summary>
    public bool Take()
    {
        var (now, end) = (Environment.TickCount64, Volatile.Read(ref _end));
        if (now >= end && Interlocked.CompareExchange(ref _end, now + Milliseconds, end) == end)
            Volatile.Write(ref _taken, 0);
        return Interlocked.Increment(ref _taken) <= Service.PermitsPerMinute;
    }
}
