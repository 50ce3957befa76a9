using System.Net.Http.Headers;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>What became of asking an issuer for tokens.</summary>
internal enum ProviderVerdict
{
    Given,

    /// <summary>The issuer says no, or gives what it should not.</summary>
    Refused,

    /// <summary>The issuer gives tokens by which nobody may do anything here.</summary>
    WithoutAccess,

    /// <summary>The issuer does not answer. Another time it may.</summary>
    Unreachable,
}

/// <summary>Tokens that an issuer gave, with their caller; nothing but the verdict when it gave none.</summary>
internal sealed record ProviderAnswer(
    ProviderVerdict Verdict, ProviderTokens? Tokens = null, Caller? Caller = null, DateTime? EndsAt = null);

/// <summary>
/// The explorer as a client of the issuers (OpenID Connect Core, 3.1): authorization code with PKCE, and refresh tokens. An access token
/// counts by the very rules of a bearer token. Nothing of an answer is logged but the issuer's own word for an error.
/// </summary>
internal sealed partial class ProviderClient(
    Issuers issuers, ValidatedTokens validated, TimeProvider time, ILogger<ProviderClient> logger) : IDisposable
{
    private const int MaxAnswerBytes = 128 * 1024;
    private const int MaxName = 100;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly JsonWebTokenHandler _handler = new();

    private readonly HttpClient _http = Issuers.CreateHttp(Longest, MaxAnswerBytes);

    public void Dispose() => _http.Dispose();

    /// <summary>Where to send a browser that signs in; null while the issuer cannot be reached.</summary>
    public async Task<Uri?> AddressAsync(Issuer issuer, SignInState state, Uri callback, CancellationToken cancellation)
    {
        if ((await KeysAsync(issuer, cancellation))?.AuthorizationEndpoint is not { } endpoint)
            return null;

        var client = issuer.Options.Explorer!;
        var scopes = client.Scopes.Count > 0 ? client.Scopes : [issuer.Options.ScopePrefix + Scopes.StudiesRead];
        var query = new List<KeyValuePair<string, string?>>
        {
            new("response_type", "code"),
            new("client_id", client.ClientId),
            new("redirect_uri", callback.AbsoluteUri),
            new("scope", string.Join(' ', scopes.Prepend("openid").Distinct(StringComparer.Ordinal))),
            new("state", state.State),
            new("nonce", state.Nonce),
            new("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(state.Verifier)))),
            new("code_challenge_method", "S256"),
        };
        query.AddRange(OfResource(client));
        return new Uri(Microsoft.AspNetCore.WebUtilities.QueryHelpers.AddQueryString(endpoint.AbsoluteUri, query));
    }

    /// <summary>
    /// Where to send a browser that signs out (OpenID Connect RP-Initiated Logout 1.0); null where the issuer names no such place, or
    /// cannot be reached.
    /// </summary>
    public async Task<Uri?> SignOutAddressAsync(Issuer issuer, string? idToken, Uri back, CancellationToken cancellation)
    {
        if ((await KeysAsync(issuer, cancellation))?.EndSessionEndpoint is not { } endpoint)
            return null;

        var query = new List<KeyValuePair<string, string?>>
        {
            new("client_id", issuer.Options.Explorer!.ClientId),
            new("post_logout_redirect_uri", back.AbsoluteUri),
        };
        if (idToken is not null)
            query.Add(new("id_token_hint", idToken));
        return new Uri(Microsoft.AspNetCore.WebUtilities.QueryHelpers.AddQueryString(endpoint.AbsoluteUri, query));
    }

    /// <summary>True when the answer names this issuer, or none (RFC 9207).</summary>
    public static bool IsOf(Issuer issuer, string? named) => named is null || named == issuer.Keys.Current?.Issuer;

    /// <summary>Turns the code that a browser brought into tokens.</summary>
    public async Task<ProviderAnswer> TakeCodeAsync(
        Issuer issuer, string code, SignInState state, Uri callback, CancellationToken cancellation)
    {
        var (verdict, answer) = await AskAsync(issuer, cancellation,
            new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", callback.AbsoluteUri),
            new("code_verifier", state.Verifier));
        if (answer is null)
            return new(verdict);
        if (await PersonAsync(issuer, answer.IdToken, state.Nonce, cancellation) is not { } name)
        {
            LogRefused(logger, issuer.Name, "its id token is not one for this browser");
            return new(ProviderVerdict.Refused);
        }

        return await AcceptAsync(issuer, answer, new("", Refresh: null, name, answer.IdToken), cancellation);
    }

    /// <summary>Renews tokens. The caller stays the same, or they are refused.</summary>
    public async Task<ProviderAnswer> RenewAsync(Issuer issuer, ProviderTokens tokens, string caller, CancellationToken cancellation)
    {
        if (tokens.Refresh is not { } refresh)
            return new(ProviderVerdict.Refused);

        var (verdict, answer) =
            await AskAsync(issuer, cancellation, new("grant_type", "refresh_token"), new("refresh_token", refresh));
        if (answer is null)
            return new(verdict);
        var accepted = await AcceptAsync(issuer, answer, tokens, cancellation);
        return accepted.Caller is { } renewed && renewed.ClientId != caller ? new(ProviderVerdict.Refused) : accepted;
    }

    private async Task<(ProviderVerdict Verdict, TokenAnswer? Answer)> AskAsync(
        Issuer issuer, CancellationToken cancellation, params List<KeyValuePair<string, string?>> form)
    {
        try
        {
            if (await KeysAsync(issuer, cancellation) is not { TokenEndpoint: { } endpoint } keys)
                return (ProviderVerdict.Unreachable, null);

            var client = issuer.Options.Explorer!;
            form.AddRange(OfResource(client));
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint);
            if (client.ClientSecret is { Length: > 0 } secret && keys.TakesBasic)
                // RFC 6749, 2.3.1: both are encoded as in a form first.
                request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(
                    Encoding.UTF8.GetBytes($"{Uri.EscapeDataString(client.ClientId)}:{Uri.EscapeDataString(secret)}")));
            else
            {
                form.Add(new("client_id", client.ClientId));
                if (client.ClientSecret is { Length: > 0 } inForm)
                    form.Add(new("client_secret", inForm));
            }

            request.Content = new FormUrlEncodedContent(form);
            request.Headers.Accept.Add(new("application/json"));
            using var response = await _http.SendAsync(request, cancellation);
            var body = await response.Content.ReadAsByteArrayAsync(cancellation);
            if ((int)response.StatusCode >= 500)
                return (ProviderVerdict.Unreachable, null);

            var answer = JsonSerializer.Deserialize(body, Json.Of<TokenAnswer>());
            if (response.IsSuccessStatusCode && answer is { AccessToken.Length: > 0 and <= ValidatedTokens.MaxTokenLength })
                return (ProviderVerdict.Given, answer);
            LogRefused(logger, issuer.Name, Printable.Excerpt(answer?.Error ?? "no access token", 100));
            return (ProviderVerdict.Refused, null);
        }
        catch (JsonException)
        {
            LogRefused(logger, issuer.Name, "no JSON of a token");
            return (ProviderVerdict.Refused, null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            LogUnreachable(logger, issuer.Name, Printable.Excerpt(e.Message, 200));
            return (ProviderVerdict.Unreachable, null);
        }
    }

    /// <summary>The name of the person of an id token; null when it is not one for us, or not of this signing in.</summary>
    private async Task<string?> PersonAsync(Issuer issuer, string? idToken, string nonce, CancellationToken cancellation)
    {
        if (idToken is not { Length: > 0 and <= ValidatedTokens.MaxTokenLength } || !_handler.CanReadToken(idToken))
            return null;

        var read = _handler.ReadJsonWebToken(idToken);
        if (string.IsNullOrEmpty(read.Kid) || await issuer.Keys.FindAsync(read.Kid, cancellation) is not { } keys)
            return null;

        var result = await _handler.ValidateTokenAsync(read, new TokenValidationParameters
        {
            ValidIssuer = keys.Issuer,
            ValidAudience = issuer.Options.Explorer!.ClientId,
            ValidAlgorithms = issuer.Options.AllowedAlgorithms,
            IssuerSigningKeys = keys.Keys,
            TryAllIssuerSigningKeys = false,
            LifetimeValidator = (notBefore, expires, _, _) => validated.IsCurrent(notBefore, expires),
        });
        return result.IsValid && TextOf(read, "nonce") == nonce && TextOf(read, "sub") is { } subject
            // OpenID Connect Core, 3.1.3.7: with several audiences it names the one it was issued to.
            && (TextOf(read, "azp") is not { } party || party == issuer.Options.Explorer.ClientId)
            ? Printable.Excerpt(TextOf(read, "name") ?? TextOf(read, "preferred_username") ?? TextOf(read, "email") ?? subject, MaxName)
            : null;
    }

    private async Task<ProviderAnswer> AcceptAsync(
        Issuer issuer, TokenAnswer answer, ProviderTokens before, CancellationToken cancellation)
    {
        var result = await issuers.ValidateAsync(answer.AccessToken!, validated.IsCurrent, cancellation);
        if (result is not { Verdict: IssuerVerdict.Valid, Caller: { } caller, Token: { } token } || result.Issuer != issuer)
        {
            LogRefused(logger, issuer.Name, "its access token is none for this service; see the warning before, and Issuers__n__Explorer");
            return new(result.Verdict == IssuerVerdict.Unreachable ? ProviderVerdict.Unreachable : ProviderVerdict.WithoutAccess);
        }

        var kept = answer.RefreshToken is { Length: > 0 and <= ValidatedTokens.MaxTokenLength } next ? next : before.Refresh;
        // Without a lifetime it is never renewed, and ends with the session.
        var endsAt = token.ValidTo == DateTime.MinValue ? time.GetUtcNow().UtcDateTime : token.ValidTo;
        return new(ProviderVerdict.Given, before with { Access = answer.AccessToken!, Refresh = kept }, caller, endsAt);
    }

    // A fetch for no key is as rare as one for a key that is not known.
    private static async Task<IssuerKeySet?> KeysAsync(Issuer issuer, CancellationToken cancellation) =>
        issuer.Keys.Current ?? await issuer.Keys.FindAsync("", cancellation);

    private static IEnumerable<KeyValuePair<string, string?>> OfResource(ExplorerClientOptions client)
    {
        if (client.Resource is { Length: > 0 } resource)
            yield return new("resource", resource);
        if (client.Audience is { Length: > 0 } audience)
            yield return new("audience", audience);
    }

    private static string? TextOf(JsonWebToken token, string claim) =>
        token.TryGetPayloadValue<string>(claim, out var value) && !string.IsNullOrWhiteSpace(value) ? value : null;

    [LoggerMessage(4801, LogLevel.Warning, "The issuer {Issuer} signs nobody in to the explorer: {Reason}")]
    private static partial void LogRefused(ILogger logger, string issuer, string reason);

    [LoggerMessage(4802, LogLevel.Warning, "The issuer {Issuer} cannot be asked for tokens of the explorer: {Reason}")]
    private static partial void LogUnreachable(ILogger logger, string issuer, string reason);
}

/// <summary>An answer of a token endpoint, RFC 6749, 5.</summary>
internal sealed record TokenAnswer(
    [property: JsonPropertyName("access_token")] string? AccessToken,
    [property: JsonPropertyName("refresh_token")] string? RefreshToken,
    [property: JsonPropertyName("id_token")] string? IdToken,
    string? Error);
