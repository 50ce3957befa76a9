using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using OpenIddict.Server.AspNetCore;
using ResultsEs.Http;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace ResultsEs.Access;

/// <summary>
/// The issuer of access tokens for configured clients: <c>POST /oauth2/token</c> and the key set.
/// OpenIddict speaks the protocol but stores nothing ("degraded mode"), so clients and their scopes are checked here.
/// </summary>
internal static class TokenIssuer
{
    public static readonly Operation Description = new("getToken", ApiTag.Service, "An access token for client credentials")
    {
        Route = (HttpMethods.Post, "/" + TokenPath),
        Text = "Client id and secret in the form, or in the `Authorization` header (`Basic`). "
            + "Without `scope` the token carries all scopes of the client.",
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
    public const string KeysPath = ".well-known/jwks";
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3600);

    // The property of OpenIddict's transaction that holds the client whose secret was right.
    private const string Authenticated = "results:client";

    private const string MalformedHost = "The Host header is malformed.";
    private const string BasicChallenge = $"Basic realm=\"{BearerTokens.Realm}\"";

    public static void Add(IServiceCollection services)
    {
        // Before AddAuthentication, which adds its own only when there is none.
        services.AddSingleton<IAuthenticationSchemeProvider, SchemesWithoutRequestHandlers>();

        services.AddOpenIddict().AddServer(server =>
        {
            server.EnableDegradedMode();
            server.AllowClientCredentialsFlow();
            server.SetTokenEndpointUris(TokenPath);
            server.SetJsonWebKeySetEndpointUris(KeysPath);
            server.SetAccessTokenLifetime(Lifetime);
            server.RegisterScopes([.. Scopes.All]);
            server.DisableAccessTokenEncryption();
            // OpenIddict requires an encryption key at start but never uses it: only access tokens are issued, signed and not encrypted.
            // Random bytes, because OpenIddict's ephemeral RSA key takes most of a second to make.
            server.AddEncryptionKey(new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)));
            // TLS ends at the proxy in front of the service.
            server.UseAspNetCore().DisableTransportSecurityRequirement();

            server.AddEventHandler<ValidateTokenRequestContext>(h => h.UseSingletonHandler<ClientHandler>());
            server.AddEventHandler<HandleTokenRequestContext>(h => h.UseSingletonHandler<ClientHandler>());
            server.AddEventHandler<ApplyTokenResponseContext>(h => h.UseSingletonHandler<FailureHandler>().SetOrder(int.MinValue));
            server.AddEventHandler<ApplyTokenResponseContext>(h => h.UseInlineHandler(StateWholeLifetime).SetOrder(int.MinValue));
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
            }).ValidateOnStart(); // A signing key that can be neither read nor made stops the start, not the first request.
    }

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        PublicEndpoint.Map(endpoints, HttpMethods.Get, Discovery.ResourcePath, Discovery.ServeResource);
        if (!endpoints.ServiceProvider.GetRequiredService<IOptions<AccessOptions>>().Value.Access.BuiltInTokens)
            return;

        PublicEndpoint.Map(
            endpoints, Description, ServeToken, new RequestSizeLimitAttribute(TokenForm.MaxBytes), new DisableRateLimitingAttribute(),
            new AuditedAttribute(AuditKind.Token));
        PublicEndpoint.Map(endpoints, HttpMethods.Get, "/" + KeysPath, Serve);
        PublicEndpoint.Map(endpoints, HttpMethods.Get, Discovery.OpenIdPath, Discovery.ServeServer);
        PublicEndpoint.Map(endpoints, HttpMethods.Get, Discovery.ServerPath, Discovery.ServeServer);
    }

    /// <summary>The <c>iss</c> of our tokens; ends with a slash.</summary>
    public static Uri Issuer(AccessOptions options, IConfiguration configuration)
    {
        var issuer = options.Access.Issuer ?? ListenAddress.First(configuration);
        return issuer.AbsoluteUri.EndsWith('/') ? issuer : new Uri(issuer.AbsoluteUri + "/");
    }

    private static async Task ServeToken(HttpContext context)
    {
        Failures.EndConnectionIfBrokenOff(context);
        var limits = context.RequestServices.GetRequiredService<RateLimits>();
        try
        {
            await ServeTokenAsync(context, limits);
        }
        catch (Exception e) when (e is BadHttpRequestException or OperationCanceledException)
        {
            // Whoever breaks off has had its work done, too.
            await limits.TakeFailureAsync(context, client: null);
            throw;
        }
    }

    private static async Task ServeTokenAsync(HttpContext context, RateLimits limits)
    {
        var problem = IsHost(context.Request.Headers.Host.ToString()) ? await TokenForm.ReadAsync(context.Request) : MalformedHost;
        if (problem is not null)
        {
            await (await limits.TakeFailureAsync(context, client: null) is { Allowed: true }
                ? RefuseAsync(context, problem)
                : limits.RefuseAsync(context));
            return;
        }

        context.Response.OnStarting(static state =>
        {
            // OpenIddict asks for Basic whoever is refused. A browser would open its dialog.
            var (request, response) = (((HttpContext)state).Request, ((HttpContext)state).Response);
            var isBasic = request.Headers.Authorization.ToString().StartsWith("Basic", StringComparison.OrdinalIgnoreCase);
            response.Headers.WWWAuthenticate =
                response.StatusCode == StatusCodes.Status401Unauthorized && isBasic ? BasicChallenge : default(string);
            return Task.CompletedTask;
        }, context);
        await Serve(context);
    }

    private static Task RefuseAsync(HttpContext context, string problem) =>
        JsonBody.Of(new TokenRefusal(Errors.InvalidRequest, problem, Uri: null), Json.Of<TokenRefusal>(), StatusCodes.Status400BadRequest)
            .ExecuteAsync(context);

    private static async Task Serve(HttpContext context)
    {
        var request = context.Request;
        if (!IsHost(request.Headers.Host.ToString()))
        {
            await RefuseAsync(context, MalformedHost);
            return;
        }

        // Addresses are the issuer's, and no parameter is in a query: OpenIddict has nothing of the request to make URLs of.
        var options = context.RequestServices.GetRequiredService<IOptionsMonitor<OpenIddictServerOptions>>().CurrentValue;
        (request.Host, request.QueryString) = (new HostString(options.Issuer!.Authority), QueryString.Empty);
        var handlers = context.RequestServices.GetRequiredService<IAuthenticationHandlerProvider>();
        var server = await handlers.GetHandlerAsync(context, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
        if (server is not IAuthenticationRequestHandler handler || !await handler.HandleRequestAsync())
            throw new InvalidOperationException($"OpenIddict did not answer {context.Request.Path}.");
    }

    // The property Request.Host throws for some names.
    private static bool IsHost(string header)
    {
        try
        {
            return header.Length == 0 || Uri.TryCreate($"http://{HostString.FromUriComponent(header)}", UriKind.Absolute, out _);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>
    /// The authentication schemes, none of which handles requests inside <c>UseAuthentication</c>. OpenIddict would run there for every
    /// request, before the rate limiter. Its two paths are routed endpoints instead and take the same pipeline as all others.
    /// </summary>
    private sealed class SchemesWithoutRequestHandlers(IOptions<AuthenticationOptions> options) : AuthenticationSchemeProvider(options)
    {
        public override Task<IEnumerable<AuthenticationScheme>> GetRequestHandlerSchemesAsync() =>
            Task.FromResult<IEnumerable<AuthenticationScheme>>([]);
    }

    /// <summary>The handler that authenticates a client and makes its token.</summary>
    private sealed class ClientHandler(ClientCheck check, RateLimits limits, ClientUses? uses = null)
        : IOpenIddictServerHandler<ValidateTokenRequestContext>, IOpenIddictServerHandler<HandleTokenRequestContext>
    {
        public async ValueTask HandleAsync(ValidateTokenRequestContext context)
        {
            var http = context.Transaction.GetHttpRequest()!.HttpContext;
            var (verdict, client) = await check.CheckAsync(http, context.Request.ClientId, context.Request.ClientSecret ?? "");
            if (verdict is SecretVerdict.Busy)
            {
                http.Response.Headers.RetryAfter = "1";
                await Problems.Of(StatusCodes.Status503ServiceUnavailable).ExecuteAsync(http);
                context.HandleRequest();
            }
            else if (verdict is SecretVerdict.Wrong)
            {
                context.Transaction.SetProperty(FailureHandler.Named, client);
                context.Reject(Errors.InvalidClient, "The client is unknown or its secret is wrong.");
            }
            else
            {
                context.Transaction.SetProperty(Authenticated, client);
                if (!(await limits.TakeTokenAsync(http, client!)).Allowed)
                {
                    await limits.RefuseAsync(http);
                    context.HandleRequest();
                }
                else if (context.Request.GetScopes().Any(scope => !client!.Scopes.Contains(scope, StringComparer.Ordinal)))
                    context.Reject(Errors.InvalidScope, "The client may not ask for this scope.");
            }
        }

        public ValueTask HandleAsync(HandleTokenRequestContext context)
        {
            var client = context.Transaction.GetProperty<Client>(Authenticated)!;
            var identity = new ClaimsIdentity(authenticationType: "client_credentials");
            identity.SetClaim(Claims.Subject, client.Id);
            identity.SetClaim(Claims.ClientId, client.Id);
            identity.SetClaim(Caller.AccountClaim, client.Account.ToString());
            // As JSON, because a single claim of a type would be written as a plain string instead of an array.
            var workspaces = JsonSerializer.Serialize(client.Workspaces);
            identity.AddClaim(new Claim(Caller.WorkspacesClaim, workspaces, JsonClaimValueTypes.JsonArray));
            identity.SetResources(Audience);
            var asked = context.Request.GetScopes();
            identity.SetScopes(asked.IsEmpty ? [.. client.Scopes] : asked);
            identity.SetDestinations(static _ => [Destinations.AccessToken]);
            context.SignIn(new ClaimsPrincipal(identity));
            uses?.Note(client);
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>
    /// The handler that counts refusals. A right secret is not counted among them, so that whoever has it is never refused for others.
    /// </summary>
    private sealed class FailureHandler(RateLimits limits) : IOpenIddictServerHandler<ApplyTokenResponseContext>
    {
        /// <summary>The property that holds the client whose secret was wrong.</summary>
        public const string Named = "results:named";

        public async ValueTask HandleAsync(ApplyTokenResponseContext context)
        {
            if (context.Response.Error is null || context.Transaction.GetProperty<Client>(Authenticated) is not null)
                return;

            var http = context.Transaction.GetHttpRequest()!.HttpContext;
            if ((await limits.TakeFailureAsync(http, context.Transaction.GetProperty<Client>(Named))).Allowed)
                return;
            await limits.RefuseAsync(http);
            context.HandleRequest();
        }
    }

    // OpenIddict computes expires_in from exp, which has whole seconds, so it is mostly one second short.
    private static ValueTask StateWholeLifetime(ApplyTokenResponseContext context)
    {
        if (context.Response.AccessToken is not null)
            context.Response.ExpiresIn = (long)Lifetime.TotalSeconds;
        return ValueTask.CompletedTask;
    }
}
