using ResultsEs.Http;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace ResultsEs.Access;

/// <summary>
/// The documents by which clients find the token endpoint and what it grants: the authorization server's (RFC 8414, also at OpenID
/// Connect's address) and the API's as a protected resource (RFC 9728). Written here, because OpenIddict's tells of logins.
/// </summary>
internal static class Discovery
{
    public const string OpenIdPath = "/.well-known/openid-configuration";
    public const string ServerPath = "/.well-known/oauth-authorization-server";
    public const string ResourcePath = "/.well-known/oauth-protected-resource";

    // Addresses are the issuer's, because the request's host is not the public one behind a proxy.
    public static Task ServeServer(HttpContext context) => WriteAsync(context, (issuer, _) => new JsonObject
    {
        ["issuer"] = issuer.AbsoluteUri,
        ["token_endpoint"] = new Uri(issuer, TokenIssuer.TokenPath).AbsoluteUri,
        ["jwks_uri"] = new Uri(issuer, TokenIssuer.KeysPath).AbsoluteUri,
        ["scopes_supported"] = Strings(Scopes.All),
        ["response_types_supported"] = new JsonArray(),
        ["grant_types_supported"] = Strings([GrantTypes.ClientCredentials]),
        ["token_endpoint_auth_methods_supported"] =
            Strings([ClientAuthenticationMethods.ClientSecretPost, ClientAuthenticationMethods.ClientSecretBasic]),
    });

    public static Task ServeResource(HttpContext context) => ServeResource(context, "", Scopes.All);

    /// <summary>Serves the metadata of what is at a path below the issuer's, and asks for these scopes.</summary>
    public static Task ServeResource(
        HttpContext context, string path, IReadOnlyList<string> scopes) => WriteAsync(context, (issuer, options) =>
    {
        var resource = new JsonObject
        {
            ["resource"] = new Uri(issuer, path.TrimStart('/')).AbsoluteUri,
            ["authorization_servers"] = Strings(
            [
                .. options.Access.BuiltInTokens ? [issuer.AbsoluteUri] : (string[])[],
                .. options.Issuers.Select(other => other.Authority!.OriginalString),
            ]),
            ["scopes_supported"] = Strings(scopes),
            ["bearer_methods_supported"] = Strings(["header"]),
        };
        if (context.RequestServices.GetRequiredService<IOptions<DocsOptions>>().Value.Enabled)
            resource["resource_documentation"] = new Uri(issuer, ApiPages.PagePath).AbsoluteUri;
        return resource;
    });

    /// <summary>
    /// The parameter of a challenge that names the metadata of the endpoint's own resource; empty where it has none.
    /// </summary>
    public static string ParameterOf(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ResourceOfItsOwn>() is not { } resource)
            return "";

        var services = context.RequestServices;
        var issuer = TokenIssuer.Issuer(
            services.GetRequiredService<IOptions<AccessOptions>>().Value, services.GetRequiredService<IConfiguration>());
        return $", resource_metadata=\"{new Uri(issuer, ResourcePath[1..] + resource.Path).AbsoluteUri}\"";
    }

    private static async Task WriteAsync(HttpContext context, Func<Uri, AccessOptions, JsonObject> document)
    {
        var services = context.RequestServices;
        var options = services.GetRequiredService<IOptions<AccessOptions>>().Value;
        var issuer = TokenIssuer.Issuer(options, services.GetRequiredService<IConfiguration>());
        var body = Encoding.UTF8.GetBytes(document(issuer, options).ToJsonString());
        context.Response.ContentType = "application/json; charset=UTF-8";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static JsonArray Strings(IEnumerable<string> texts) => [.. texts.Select(text => JsonValue.Create(text))];
}

/// <summary>Marks an endpoint that is a protected resource of its own (RFC 9728), with its path.</summary>
internal sealed record ResourceOfItsOwn(string Path);
