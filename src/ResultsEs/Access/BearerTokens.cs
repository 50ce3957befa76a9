using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary>
/// Authentication by access tokens, our own and those of other issuers, on every endpoint that does not allow anonymous requests.
/// </summary>
internal static class BearerTokens
{
    /// <summary>The realm of challenges (RFC 9110, 11.5): all of the service.</summary>
    public const string Realm = "results";

    /// <summary>The tolerated difference between the clocks of two nodes.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(10);

    private static readonly string RetryAfter = ((int)IssuerKeys.Between.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<ValidatedTokens>();
        services.AddSingleton<TokenServices>();
        services.AddSingleton<Issuers>();
        services.AddHostedService(provider => provider.GetRequiredService<Issuers>());
        // Before AddAuthentication, which adds its own only when there is none.
        services.AddScoped<IAuthenticationService, CachingAuthenticationService>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKey, TokenServices, IOptions<AccessOptions>, IConfiguration>(Configure);

        var authorization = services.AddAuthorizationBuilder();
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        foreach (var scope in Scopes.All)
            authorization.AddPolicy(scope, policy => policy.RequireAuthenticatedUser()
                .RequireAssertion(context => Caller.Find(context.User)?.Has(scope) == true));
    }

    private static void Configure(
        JwtBearerOptions bearer, SigningKey key, TokenServices services, IOptions<AccessOptions> options, IConfiguration configuration)
    {
        var (clients, validated, issuers) = services;
        var isBuiltIn = options.Value.Access.BuiltInTokens;
        bearer.MapInboundClaims = false;
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = TokenIssuer.Issuer(options.Value, configuration).AbsoluteUri,
            ValidAudience = TokenIssuer.Audience,
            IssuerSigningKey = key.Public,
            TryAllIssuerSigningKeys = false,
            ValidAlgorithms = [SigningKey.Algorithm],
            ValidTypes = ["at+jwt"],
            NameClaimType = Caller.ClientIdClaim,
            LifetimeValidator = (notBefore, expires, _, _) => validated.IsCurrent(notBefore, expires),
        };
        bearer.Events = new JwtBearerEvents
        {
            OnMessageReceived = async context =>
            {
                var header = context.Request.Headers.Authorization.ToString();
                if (ValidatedTokens.TokenOf(header).Length > ValidatedTokens.MaxTokenLength)
                    context.Fail("The token is too long.");
                else if (await issuers.ValidateAsync(
                    ValidatedTokens.TokenOf(header).ToString(), validated.IsCurrent, context.HttpContext.RequestAborted)
                    is { Verdict: not IssuerVerdict.NotTheirs } result)
                    Take(context, result, header, validated);
                else if (!isBuiltIn && !ValidatedTokens.TokenOf(header).IsEmpty)
                    context.Fail("This service issues no tokens.");
            },
            OnTokenValidated = context =>
            {
                // What was taken from a client since counts for its tokens at once, not when the last one expires.
                var current = clients.Current;
                if (context.Principal?.Identity is ClaimsIdentity identity
                    && Caller.Read(identity) is { } said && current.Cut(said) is { } caller)
                {
                    context.Principal = new CallerPrincipal(identity, caller);
                    var ticket = new AuthenticationTicket(context.Principal, context.Scheme.Name);
                    var (header, token) = (context.Request.Headers.Authorization.ToString(), context.SecurityToken);
                    var client = current.Find(caller.ClientId);
                    validated.Add(header, caller.ClientId, new(ticket, token.ValidFrom, token.ValidTo, current) { Client = client });
                }
                else
                    context.Fail("The token names no client of this service.");
                return Task.CompletedTask;
            },
            OnAuthenticationFailed = static context =>
            {
                // The signature is checked before the times, so it is one of ours.
                if (context.Exception is SecurityTokenInvalidLifetimeException
                    && new JsonWebToken(ValidatedTokens.TokenOf(context.Request.Headers.Authorization.ToString()).ToString())
                        .TryGetPayloadValue<string>(Caller.ClientIdClaim, out var client))
                    context.HttpContext.Features.Set(new EndedToken(client, IsOurs: true));
                return Task.CompletedTask;
            },
            OnChallenge = static context =>
            {
                if (context.HttpContext.Features.Get<UnreachableIssuer>() is not null)
                {
                    context.HandleResponse();
                    context.Response.Headers.RetryAfter = RetryAfter;
                    return Problems.Of(
                        StatusCodes.Status503ServiceUnavailable, "The issuer of the token cannot be reached, so its keys are not known.")
                        .ExecuteAsync(context.HttpContext);
                }

                // Without the library's description, which would repeat parts of the token.
                context.HandleResponse();
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                context.Response.Headers.WWWAuthenticate =
                    (context.AuthenticateFailure is null ? $"Bearer realm=\"{Realm}\"" : "Bearer error=\"invalid_token\"")
                    + Discovery.ParameterOf(context.HttpContext);
                return Task.CompletedTask;
            },
            OnForbidden = static context =>
            {
                var scopes = context.HttpContext.GetEndpoint()?.Metadata.GetOrderedMetadata<IAuthorizeData>()
                    .Select(asked => asked.Policy).Where(policy => Scopes.All.Contains(policy, StringComparer.Ordinal));
                context.Response.Headers.WWWAuthenticate =
                    $"Bearer error=\"insufficient_scope\", scope=\"{string.Join(' ', scopes ?? [])}\""
                    + Discovery.ParameterOf(context.HttpContext);
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>Takes what another issuer's token says, or refuses it.</summary>
    private static void Take(MessageReceivedContext context, IssuerResult result, string header, ValidatedTokens validated)
    {
        if (result is { Verdict: IssuerVerdict.Valid, Caller: { } caller, Token: { } token })
        {
            // What waits ends with the token, as for ours.
            var end = new Claim("exp", EpochTime.GetIntDate(token.ValidTo).ToString(CultureInfo.InvariantCulture));
            context.Principal = new CallerPrincipal(new ClaimsIdentity([end], context.Scheme.Name), caller);
            context.Success();
            var ticket = new AuthenticationTicket(context.Principal, context.Scheme.Name);
            validated.Add(
                header, caller.ClientId,
                new(ticket, token.ValidFrom, token.ValidTo, result.KeysUsed!) { IssuerKeys = result.Issuer!.Keys });
            return;
        }

        if (result.Verdict == IssuerVerdict.Unreachable)
            context.HttpContext.Features.Set(new UnreachableIssuer());
        else if (result.Verdict == IssuerVerdict.Ended)
            context.HttpContext.Features.Set(new EndedToken(Issuers.SubjectOf(result), IsOurs: false));
        context.Fail("The token of another issuer is not valid here.");
    }

    /// <summary>Authentication that first asks <see cref="ValidatedTokens"/>, which saves making a handler for each request.</summary>
    private sealed class CachingAuthenticationService(
        ValidatedTokens validated, IAuthenticationSchemeProvider schemes, IAuthenticationHandlerProvider handlers,
        IClaimsTransformation transform, IOptions<AuthenticationOptions> options)
        : AuthenticationService(schemes, handlers, transform, options)
    {
        public override Task<AuthenticateResult> AuthenticateAsync(HttpContext context, string? scheme) =>
            scheme is JwtBearerDefaults.AuthenticationScheme
            && validated.Find(context.Request.Headers.Authorization.ToString()) is { } result
                ? Task.FromResult(result)
                : base.AuthenticateAsync(context, scheme);
    }
}

/// <summary>What tokens are checked with.</summary>
internal sealed record TokenServices(Clients Clients, ValidatedTokens Validated, Issuers Issuers);

/// <summary>The feature of a request whose token was valid and has ended: one of ours, or of another issuer.</summary>
internal sealed record EndedToken(string ClientId, bool IsOurs);

/// <summary>The feature of a request whose token cannot be checked now.</summary>
internal sealed record UnreachableIssuer;
