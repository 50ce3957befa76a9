using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ResultsEs.Access;

/// <summary>Authentication by our own access tokens, on every endpoint that does not allow anonymous requests.</summary>
internal static class BearerTokens
{
    /// <summary>The realm of challenges (RFC 9110, 11.5): all of the service.</summary>
    public const string Realm = "results";

    /// <summary>The tolerated difference between the clocks of two nodes.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(10);

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<ValidatedTokens>();
        // Before AddAuthentication, which adds its own only when there is none.
        services.AddScoped<IAuthenticationService, CachingAuthenticationService>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKey, Clients, ValidatedTokens, IOptions<AccessOptions>, IConfiguration>(Configure);

        var authorization = services.AddAuthorizationBuilder();
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        foreach (var scope in Scopes.All)
            authorization.AddPolicy(scope, policy => policy.RequireAuthenticatedUser()
                .RequireAssertion(context => Caller.Find(context.User)?.Has(scope) == true));
    }

    private static void Configure(
        JwtBearerOptions bearer, SigningKey key, Clients clients, ValidatedTokens validated,
        IOptions<AccessOptions> options, IConfiguration configuration)
    {
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
            OnMessageReceived = static context =>
            {
                if (ValidatedTokens.TokenOf(context.Request.Headers.Authorization.ToString()).Length > ValidatedTokens.MaxTokenLength)
                    context.Fail("The token is too long.");
                return Task.CompletedTask;
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
                    validated.Add(header, caller.ClientId, current, ticket, token.ValidFrom, token.ValidTo);
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
                    context.HttpContext.Features.Set(new EndedToken(client));
                return Task.CompletedTask;
            },
            OnChallenge = static context =>
            {
                // Without the library's description, which would repeat parts of the token.
                context.HandleResponse();
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                context.Response.Headers.WWWAuthenticate =
                    context.AuthenticateFailure is null ? $"Bearer realm=\"{Realm}\"" : "Bearer error=\"invalid_token\"";
                return Task.CompletedTask;
            },
            OnForbidden = static context =>
            {
                var scopes = context.HttpContext.GetEndpoint()?.Metadata.GetOrderedMetadata<IAuthorizeData>()
                    .Select(asked => asked.Policy).Where(policy => Scopes.All.Contains(policy, StringComparer.Ordinal));
                context.Response.Headers.WWWAuthenticate =
                    $"Bearer error=\"insufficient_scope\", scope=\"{string.Join(' ', scopes ?? [])}\"";
                return Task.CompletedTask;
            },
        };
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

/// <summary>The feature of a request whose token is one of ours and has ended.</summary>
internal sealed record EndedToken(string ClientId);
