using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace ResultsEs.Access;

/// <summary>Accepts our own access tokens, and nothing else, on every endpoint that does not allow anonymous requests.</summary>
internal static class BearerTokens
{
    /// <summary>How far the clocks of two nodes may be apart.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(10);

    public static void Add(IServiceCollection services)
    {
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKey, Clients, IOptions<AccessOptions>, IConfiguration, TimeProvider>(Configure);

        var authorization = services.AddAuthorizationBuilder();
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        foreach (var scope in Scopes.All)
        {
            authorization.AddPolicy(scope, policy => policy.RequireAuthenticatedUser()
                .RequireAssertion(context => Caller.Find(context.User)?.Has(scope) == true));
        }
    }

    private static void Configure(
        JwtBearerOptions bearer, SigningKey key, Clients clients, IOptions<AccessOptions> options, IConfiguration configuration, TimeProvider time)
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
            LifetimeValidator = (notBefore, expires, _, _) => IsCurrent(notBefore, expires, time.GetUtcNow().UtcDateTime),
        };
        var known = new ValidatedTokens(time);
        bearer.Events = new JwtBearerEvents
        {
            OnMessageReceived = context =>
            {
                if (known.Find(context.Request.Headers.Authorization.ToString()) is { } principal)
                {
                    context.Principal = principal;
                    context.Success();
                }

                return Task.CompletedTask;
            },
            OnTokenValidated = context =>
            {
                // A client taken out of the configuration is refused at once, not when its last token expires.
                if (context.Principal?.Identity is ClaimsIdentity identity && Caller.Read(identity) is { } caller && clients.Find(caller.ClientId) is not null)
                {
                    var principal = new CallerPrincipal(identity, caller);
                    known.Add(context.Request.Headers.Authorization.ToString(), principal, context.SecurityToken.ValidFrom, context.SecurityToken.ValidTo);
                    context.Principal = principal;
                }
                else
                    context.Fail("The token names no client of this service.");
                return Task.CompletedTask;
            },
            OnChallenge = static context =>
            {
                // The description would repeat parts of the token.
                context.ErrorDescription = null;
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>Whether a token is valid now, by its own times.</summary>
    public static bool IsCurrent(DateTime? notBefore, DateTime? expires, DateTime now) =>
        expires is { } end && now - ClockSkew < end && (notBefore is not { } start || start <= now + ClockSkew);
}
