[assembly: JsonContext<ResultsEs.Access.AccessJson>]

namespace ResultsEs.Access;

/// <summary>An access token, RFC 6749, 5.1.</summary>
internal sealed record AccessToken(
    [property: JsonPropertyName("access_token")] string Token,
    [property: JsonPropertyName("token_type")] string TokenType,
    [property: JsonPropertyName("expires_in")] long ExpiresIn,
    string? Scope);

/// <summary>A refusal of a token, RFC 6749, 5.2.</summary>
internal sealed record TokenRefusal(
    string Error,
    [property: JsonPropertyName("error_description")] string? Description,
    [property: JsonPropertyName("error_uri")] string? Uri);

/// <summary>The source-generated JSON contracts that describe the token endpoint's responses, which OpenIddict writes.</summary>
[JsonSerializable(typeof(AccessToken))]
[JsonSerializable(typeof(TokenRefusal))]
internal sealed partial class AccessJson : JsonSerializerContext;
