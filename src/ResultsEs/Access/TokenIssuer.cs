using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using OpenIddict.Server.AspNetCore;
using ResultsEs.Hosting;
using ResultsEs.Http;
using ResultsEs.TestResults;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace ResultsEs.Access;

/// <summary>
/// Issues access tokens to configured clients: <c>POST /oauth2/token</c>, the discovery document and the key set. OpenIddict
/// speaks the protocol; it keeps nothing ("degraded mode"), so who a client is and what it may ask for is decided here.
/// </summary>
internal static class TokenIssuer
{
    public static readonly Operation Description = new("getToken", ApiTag.Service, "An access token for client credentials")
    {
        Route = (HttpMethods.Post, "/" + TokenPath),
        Text = "Client id and secret in the form, or in the `Authorization` header (`Basic`). Without `scope` the token carries all scopes of the client.",
        Replies =
        [
            Reply.Ok<AccessToken>("The token."),
            Reply.Json<TokenRefusal>(StatusCodes.Status400BadRequest, "The request is malformed."),
            Reply.Json<TokenRefusal>(StatusCodes.Status401Unauthorized, "The client is unknown or its secret is wrong."),
        ],
        Refusals = [413],
    };

    public const string Audience = "results-api";
    public const string TokenPath = "oauth2/token";
    public const string DiscoveryPath = ".well-known/openid-configuration";
    public const string KeysPath = ".well-known/jwks";
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3600);

    public static void Add(IServiceCollection services)
    {
        // Before AddAuthentication, which adds its own unless there is one.
        services.AddSingleton<IAuthenticationSchemeProvider, SchemesWithoutRequestHandlers>();

        services.AddOpenIddict().AddServer(server =>
        {
            server.EnableDegradedMode();
            server.AllowClientCredentialsFlow();
            server.SetTokenEndpointUris(TokenPath);
            server.SetConfigurationEndpointUris(DiscoveryPath);
            server.SetJsonWebKeySetEndpointUris(KeysPath);
            server.SetAccessTokenLifetime(Lifetime);
            server.RegisterScopes([.. Scopes.All]);
            server.DisableAccessTokenEncryption();
            // Asked for at start, used for nothing: only access tokens are issued, and they are signed, not encrypted.
            // Random bytes rather than OpenIddict's ephemeral RSA key, which takes most of a second to make.
            server.AddEncryptionKey(new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)));
            // TLS ends at the proxy in front.
            server.UseAspNetCore().DisableTransportSecurityRequirement();

            server.AddEventHandler<ValidateTokenRequestContext>(h => h.UseSingletonHandler<AuthenticateClient>());
            server.AddEventHandler<HandleTokenRequestContext>(h => h.UseSingletonHandler<SignIn>());
            server.AddEventHandler<ApplyTokenResponseContext>(h => h.UseSingletonHandler<StateWholeLifetime>().SetOrder(int.MinValue));
            server.AddEventHandler<HandleConfigurationRequestContext>(h => h.UseSingletonHandler<DescribeEndpoints>());
        });

        services.AddOptions<OpenIddictServerOptions>().Configure<SigningKey, IOptions<AccessOptions>, IConfiguration, TimeProvider>(
            static (server, key, options, configuration, time) =>
            {
                server.Issuer = Issuer(options.Value, configuration);
                server.SigningCredentials.Add(new SigningCredentials(key.Private, SigningKey.Algorithm));
                server.TimeProvider = time;
                server.Scopes.IntersectWith(Scopes.All);
                server.ClientAuthenticationMethods.IntersectWith(
                    [ClientAuthenticationMethods.ClientSecretPost, ClientAuthenticationMethods.ClientSecretBasic]);
            }).ValidateOnStart(); // So that a signing key that can be neither read nor made stops the start, not the first request.
    }

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        // Three short form fields; strangers need not be read for longer.
        PublicEndpoint.Map(endpoints, Description, Serve, new RequestSizeLimitAttribute(16 * 1024));
        PublicEndpoint.Map(endpoints, HttpMethods.Get, DiscoveryPath, Serve);
        PublicEndpoint.Map(endpoints, HttpMethods.Get, KeysPath, Serve);
    }

    /// <summary>The issuer of our tokens; ends with a slash.</summary>
    public static Uri Issuer(AccessOptions options, IConfiguration configuration)
    {
        var issuer = options.Access.Issuer ?? ListenAddress.First(configuration);
        return issuer.AbsoluteUri.EndsWith('/') ? issuer : new Uri(issuer.AbsoluteUri + "/");
    }

    private static async Task Serve(HttpContext context)
    {
        var handlers = context.RequestServices.GetRequiredService<IAuthenticationHandlerProvider>();
        var server = await handlers.GetHandlerAsync(context, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
        if (server is not IAuthenticationRequestHandler handler || !await handler.HandleRequestAsync())
            throw new InvalidOperationException($"OpenIddict did not answer {context.Request.Path}.");
    }

    /// <summary>
    /// OpenIddict would otherwise run inside <c>UseAuthentication</c>: for every request of the API, and before the rate
    /// limiter could refuse one. As routed endpoints its three paths go through the same pipeline as all others.
    /// </summary>
    private sealed class SchemesWithoutRequestHandlers(IOptions<AuthenticationOptions> options) : AuthenticationSchemeProvider(options)
    {
        public override Task<IEnumerable<AuthenticationScheme>> GetRequestHandlerSchemesAsync() =>
            Task.FromResult<IEnumerable<AuthenticationScheme>>([]);
    }

    private sealed class AuthenticateClient(Clients clients) : IOpenIddictServerHandler<ValidateTokenRequestContext>
    {
        public ValueTask HandleAsync(ValidateTokenRequestContext context)
        {
            if (clients.Authenticate(context.Request.ClientId, context.Request.ClientSecret) is not { } client)
                context.Reject(Errors.InvalidClient, "The client is unknown or its secret is wrong.");
            else if (context.Request.GetScopes().Any(scope => !client.Scopes.Contains(scope, StringComparer.Ordinal)))
                context.Reject(Errors.InvalidScope, "The client may not ask for this scope.");

            return ValueTask.CompletedTask;
        }
    }

    private sealed class SignIn(Clients clients) : IOpenIddictServerHandler<HandleTokenRequestContext>
    {
        public ValueTask HandleAsync(HandleTokenRequestContext context)
        {
            var client = clients.Find(context.Request.ClientId)!;
            var identity = new ClaimsIdentity(authenticationType: "client_credentials");
            identity.SetClaim(Claims.Subject, client.Id);
            identity.SetClaim(Claims.ClientId, client.Id);
            identity.SetClaim(Caller.AccountClaim, client.Account.ToString());
            // As JSON, because a single claim of a type would be written as a plain string instead of an array.
            identity.AddClaim(new Claim(Caller.WorkspacesClaim, JsonSerializer.Serialize(client.Workspaces), JsonClaimValueTypes.JsonArray));
            identity.SetResources(Audience);
            var asked = context.Request.GetScopes();
            identity.SetScopes(asked.IsEmpty ? [.. client.Scopes] : asked);
            identity.SetDestinations(static _ => [Destinations.AccessToken]);
            context.SignIn(new ClaimsPrincipal(identity));
            return ValueTask.CompletedTask;
        }
    }

    /// <summary><c>exp</c> has whole seconds, so what OpenIddict reckons from it is mostly a second short.</summary>
    private sealed class StateWholeLifetime : IOpenIddictServerHandler<ApplyTokenResponseContext>
    {
        public ValueTask HandleAsync(ApplyTokenResponseContext context)
        {
            if (context.Response.AccessToken is not null)
                context.Response.ExpiresIn = (long)Lifetime.TotalSeconds;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Addresses under the issuer instead of the request's host, which behind a proxy is not the public one.</summary>
    private sealed class DescribeEndpoints : IOpenIddictServerHandler<HandleConfigurationRequestContext>
    {
        public ValueTask HandleAsync(HandleConfigurationRequestContext context)
        {
            context.TokenEndpoint = new Uri(context.Options.Issuer!, TokenPath);
            context.JsonWebKeySetEndpoint = new Uri(context.Options.Issuer!, KeysPath);
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>RFC 6749, 5.1.</summary>
internal sealed record AccessToken(
    [property: JsonPropertyName("access_token")] string Token,
    [property: JsonPropertyName("token_type")] string TokenType,
    [property: JsonPropertyName("expires_in")] long ExpiresIn,
    string? Scope);

/// <summary>RFC 6749, 5.2.</summary>
internal sealed record TokenRefusal(
    string Error,
    [property: JsonPropertyName("error_description")] string? Description,
    [property: JsonPropertyName("error_uri")] string? Uri);
