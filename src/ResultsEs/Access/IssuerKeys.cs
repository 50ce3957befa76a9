using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace ResultsEs.Access;

/// <summary>The keys of an issuer at one moment. Immutable: tokens that were validated by them count while they are current.</summary>
/// <param name="Issuer">The issuer as its tokens spell it.</param>
/// <param name="Keys">The public keys, each with an id.</param>
internal sealed record IssuerKeySet(string Issuer, IReadOnlyList<SecurityKey> Keys)
{
    /// <summary>Where people sign in; null when its discovery document names none.</summary>
    public Uri? AuthorizationEndpoint { get; init; }

    /// <summary>Where codes and refresh tokens are turned into tokens; null when its discovery document names none.</summary>
    public Uri? TokenEndpoint { get; init; }

    /// <summary>Where people sign out; null when its discovery document names none.</summary>
    public Uri? EndSessionEndpoint { get; init; }

    /// <summary>False where the token endpoint takes a client's secret in the form alone.</summary>
    public bool TakesBasic { get; init; } = true;

    public bool Has(string keyId) => Keys.Any(key => key.KeyId == keyId);

    public bool IsLike(IssuerKeySet other) =>
        (Issuer, AuthorizationEndpoint, TokenEndpoint, EndSessionEndpoint, TakesBasic)
            == (other.Issuer, other.AuthorizationEndpoint, other.TokenEndpoint, other.EndSessionEndpoint, other.TakesBasic)
        && Prints().SetEquals(other.Prints());

    private HashSet<string> Prints() =>
        Keys.Select(key => $"{key.KeyId} {Base64UrlEncoder.Encode(key.ComputeJwkThumbprint())}").ToHashSet(StringComparer.Ordinal);
}

/// <summary>
/// The keys of one issuer, fetched by its discovery document. They are fetched again at intervals, and for a token of a key that is not
/// known, but then not more often than strangers should make a node ask. One fetch is under way at a time, and all wait for it. While the
/// issuer cannot be reached its keys count on, for a day. State: keys, and when they were asked for and got.
/// </summary>
internal sealed partial class IssuerKeys(Uri authority, HttpClient http, TimeProvider time, ILogger logger)
{
    /// <summary>The least time between two fetches that tokens ask for.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(10);

    /// <summary>How long keys count that cannot be fetched again.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    private const int MaxKeys = 50;
    private const int LeastRsaBits = 2_048;

    private readonly Lock _lock = new();
    private volatile IssuerKeySet? _current;
    private Task _fetching = Task.CompletedTask;
    private long? _asked;
    private long _got;

    /// <summary>The keys that count; null while there are none.</summary>
    public IssuerKeySet? Current => _current;

    /// <summary>True when the last fetch failed.</summary>
    public bool IsFailing { get; private set; }

    /// <summary>The current keys, after a fetch if they lack this one and it is time for a fetch.</summary>
    public async ValueTask<IssuerKeySet?> FindAsync(string keyId, CancellationToken cancellation)
    {
        if (_current is not { } known || !known.Has(keyId))
            await FetchOrJoin(Between).WaitAsync(cancellation);
        return _current;
    }

    /// <summary>Fetches the keys now.</summary>
    public Task RefreshAsync() => FetchOrJoin(TimeSpan.Zero);

    private Task FetchOrJoin(TimeSpan between)
    {
        lock (_lock)
        {
            if (!_fetching.IsCompleted || (_asked is { } asked && time.GetElapsedTime(asked) < between))
                return _fetching;
            _asked = time.GetTimestamp();
            return _fetching = FetchAsync();
        }
    }

    private async Task FetchAsync()
    {
        // Not within the lock.
        await Task.Yield();
        try
        {
            var read = await ReadAsync();
            if (_current is not { } before || !before.IsLike(read))
            {
                _current = read;
                LogKeys(logger, authority, read.Keys.Count);
            }

            (_got, IsFailing) = (time.GetTimestamp(), false);
        }
        catch (Exception e)
        {
            // Whatever a foreign document makes a library throw: it concerns this issuer alone.
            IsFailing = true;
            LogFailed(logger, authority, Printable.Excerpt(e.InnerException?.Message ?? e.Message, 500));
            if (_current is not null && time.GetElapsedTime(_got) > KeptFor)
                _current = null;
        }
    }

    private async Task<IssuerKeySet> ReadAsync()
    {
        var address = authority.AbsoluteUri.TrimEnd('/') + "/.well-known/openid-configuration";
        var retriever = new HttpDocumentRetriever(http) { RequireHttps = authority.Scheme == "https" };
        var document = await OpenIdConnectConfigurationRetriever.GetAsync(address, retriever, CancellationToken.None);
        // OpenID Connect Discovery, 4.3; what is configured may have a slash at its end, or lack it.
        if (document.Issuer?.TrimEnd('/') != authority.AbsoluteUri.TrimEnd('/'))
            throw new InvalidDataException("Its discovery document names another issuer.");

        List<SecurityKey> keys = [.. document.SigningKeys.Where(IsFit).Take(MaxKeys)];
        if (keys.Count == 0)
            throw new InvalidDataException("It has no key that signs tokens.");
        var methods = document.TokenEndpointAuthMethodsSupported;
        return new(document.Issuer, keys)
        {
            AuthorizationEndpoint = EndpointOf(document.AuthorizationEndpoint),
            TokenEndpoint = EndpointOf(document.TokenEndpoint),
            EndSessionEndpoint = EndpointOf(document.EndSessionEndpoint),
            // Without a list it is the default (OpenID Connect Discovery, 3).
            TakesBasic = methods.Count == 0 || methods.Contains("client_secret_basic", StringComparer.Ordinal),
        };
    }

    /// <summary>An endpoint of the document; null for one that is as little protected as the issuer's own address is not.</summary>
    private Uri? EndpointOf(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == "https" || uri.Scheme == authority.Scheme) ? uri : null;

    private static bool IsFit(SecurityKey key) =>
        key is AsymmetricSecurityKey { KeyId.Length: > 0 } && key.CanComputeJwkThumbprint()
        && (key is not RsaSecurityKey rsa || rsa.KeySize >= LeastRsaBits);

    [LoggerMessage(3410, LogLevel.Information, "The issuer {Issuer} has {Count} keys")]
    private static partial void LogKeys(ILogger logger, Uri issuer, int count);

    [LoggerMessage(3411, LogLevel.Warning, "The keys of the issuer {Issuer} cannot be fetched; those of before stay for a day: {Reason}")]
    private static partial void LogFailed(ILogger logger, Uri issuer, string reason);
}
