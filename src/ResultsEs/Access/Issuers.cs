using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ResultsEs.Access;

/// <summary>Another issuer: its settings, its keys, and how its callers are named.</summary>
internal sealed record Issuer(IssuerOptions Options, IssuerKeys Keys)
{
    /// <summary>Its address without a slash at the end, by which callers are named and tokens are told.</summary>
    public string Name { get; } = Options.Authority!.AbsoluteUri.TrimEnd('/');
}

internal enum IssuerVerdict
{
    /// <summary>The token is none of another issuer's.</summary>
    NotTheirs,

    Valid,
    Refused,

    /// <summary>The token was an issuer's, and its time is over.</summary>
    Ended,

    /// <summary>The keys of the issuer that the token names are not known, because it cannot be reached.</summary>
    Unreachable,
}

/// <summary>What became of a token. <paramref name="Caller"/> and <paramref name="KeysUsed"/> are there when it is valid.</summary>
internal sealed record IssuerResult(
    IssuerVerdict Verdict, Issuer? Issuer = null, Caller? Caller = null, JsonWebToken? Token = null, IssuerKeySet? KeysUsed = null);

/// <summary>
/// The other issuers, and the validation of their tokens. Their keys are fetched in the background from the start on; an issuer that
/// cannot be reached concerns its own tokens alone.
/// </summary>
internal sealed partial class Issuers : PollingService
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestFetch = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    // A discovery document or a set of keys.
    private const int MaxDocumentBytes = 256 * 1024;

    private readonly JsonWebTokenHandler _handler = new();
    private readonly ConcurrentDictionary<Issuer, long> _warned = new();
    private readonly HttpClient _http;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private bool _isStarted;

    public Issuers(IOptions<AccessOptions> options, TimeProvider time, ILogger<Issuers> logger) : base(TimeSpan.FromHours(1))
    {
        (_time, _logger) = (time, logger);
        _interval = TimeSpan.FromSeconds(options.Value.Access.KeysRefreshSeconds);
        _http = CreateHttp(LongestFetch, MaxDocumentBytes);
        All = [.. options.Value.Issuers.Select(issuer => new Issuer(issuer, new IssuerKeys(issuer.Authority!, _http, time, logger)))];
    }

    /// <summary>Creates a client that asks issuers: it follows no redirects, keeps no cookies, and bounds time and answer.</summary>
    internal static HttpClient CreateHttp(TimeSpan longest, int maxBytes) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = longest,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = longest,
        MaxResponseContentBufferSize = maxBytes,
    };

    public IReadOnlyList<Issuer> All { get; }

    protected override TimeSpan Interval =>
        All.Any(issuer => issuer.Keys.IsFailing) && _interval > BetweenTries ? BetweenTries : _interval;

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    /// <summary>Validates a token that names another issuer; all others are not theirs.</summary>
    public async Task<IssuerResult> ValidateAsync(
        string token, Func<DateTime?, DateTime?, bool> isCurrent, CancellationToken cancellation)
    {
        if (All.Count == 0 || Read(token) is not { } read || Find(read.Issuer) is not { } issuer)
            return new(IssuerVerdict.NotTheirs);

        var options = issuer.Options;
        // Before anything is fetched for it.
        if (!options.AllowedAlgorithms.Contains(read.Alg, StringComparer.Ordinal) || string.IsNullOrEmpty(read.Kid))
            return new(IssuerVerdict.Refused, issuer);

        if (await issuer.Keys.FindAsync(read.Kid, cancellation) is not { } keys)
            return new(IssuerVerdict.Unreachable, issuer);

        var result = await _handler.ValidateTokenAsync(read, new TokenValidationParameters
        {
            ValidIssuer = keys.Issuer,
            ValidAudience = options.Audience,
            ValidAlgorithms = options.AllowedAlgorithms,
            ValidTypes = options.AllowedTypes,
            IssuerSigningKeys = keys.Keys,
            TryAllIssuerSigningKeys = false,
            LifetimeValidator = (notBefore, expires, _, _) => isCurrent(notBefore, expires),
        });
        // All but a wrong signature is a matter of settings, of which the operator should hear.
        if (!result.IsValid)
        {
            if (result.Exception is SecurityTokenInvalidAudienceException or SecurityTokenInvalidTypeException)
                Warn(issuer, result.Exception is SecurityTokenInvalidTypeException
                    ? "its type is none of Types" : "its audience is not Audience");
            return new(
                result.Exception is SecurityTokenInvalidLifetimeException ? IssuerVerdict.Ended : IssuerVerdict.Refused, issuer,
                Token: read);
        }

        using var claims = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(read.EncodedPayload));
        if (IssuerClaims.Read(options, issuer.Name, claims.RootElement, out var problem) is { } caller)
            return new(IssuerVerdict.Valid, issuer, caller, read, keys);

        Warn(issuer, problem!);
        return new(IssuerVerdict.Refused, issuer);
    }

    /// <summary>The issuer of this address; null when there is none.</summary>
    public Issuer? Find(string? name) => name is null ? null : All.FirstOrDefault(issuer => issuer.Name == name.TrimEnd('/'));

    /// <summary>The name under which a caller of an ended token counts.</summary>
    public static string SubjectOf(IssuerResult ended) => $"{ended.Issuer!.Name} {AuditEntry.Shortened(ended.Token!.Subject)}";

    /// <summary>Begins to fetch keys. A start waits for no issuer.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _ = RefreshAsync();
        return base.StartAsync(cancellationToken);
    }

    protected override Task PollAsync(CancellationToken stoppingToken)
    {
        // The start has begun the first.
        if (_isStarted)
            return RefreshAsync().WaitAsync(stoppingToken);
        _isStarted = true;
        return Task.CompletedTask;
    }

    /// <summary>Fetches the keys of all issuers. Each notes its own failure.</summary>
    private Task RefreshAsync() => Task.WhenAll(All.Select(issuer => issuer.Keys.RefreshAsync()));

    protected override void LogFailure(Exception failure) => LogNotFetched(_logger, failure);

    private static JsonWebToken? Read(string token)
    {
        // Three parts; an exception for each request without a token would be dear.
        if (token.AsSpan().Count('.') != 2)
            return null;

        try
        {
            return new JsonWebToken(token);
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or FormatException or JsonException)
        {
            // Not one at all: others say so.
            return null;
        }
    }

    private void Warn(Issuer issuer, string problem)
    {
        var now = _time.GetTimestamp();
        if (_warned.TryGetValue(issuer, out var last) && _time.GetElapsedTime(last, now) < BetweenWarnings)
            return;
        _warned[issuer] = now;
        LogRefused(_logger, issuer.Name, problem);
    }

    [LoggerMessage(3412, LogLevel.Warning, "A token of the issuer {Issuer} is refused: {Problem}")]
    private static partial void LogRefused(ILogger logger, string issuer, string problem);

    [LoggerMessage(3413, LogLevel.Warning, "The keys of issuers cannot be fetched")]
    private static partial void LogNotFetched(ILogger logger, Exception exception);
}
