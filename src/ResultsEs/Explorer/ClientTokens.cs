using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;

namespace ResultsEs.Explorer;

/// <summary>
/// Access tokens for the browser sessions of a client, signed here. They live minutes, because a feed that is open goes on until its token
/// ends. State: the last token of each client, as long as the client is what it was.
/// </summary>
internal sealed class ClientTokens(SigningKey key, IOptions<AccessOptions> options, IConfiguration configuration, TimeProvider time)
{
    /// <summary>How long a token lives.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _credentials = new(key.Private, SigningKey.Algorithm);
    private readonly ConditionalWeakTable<Client, Made> _made = [];
    private readonly string _issuer = TokenIssuer.Issuer(options.Value, configuration).AbsoluteUri;

    /// <summary>A token with all that the client has, good for at least half of a <see cref="Lifetime"/>.</summary>
    public string Of(Client client)
    {
        var now = time.GetUtcNow();
        if (_made.TryGetValue(client, out var made) && now < made.Until)
            return made.Token;

        var fresh = new Made(Make(client, now), now + (Lifetime / 2));
        _made.AddOrUpdate(client, fresh);
        return fresh.Token;
    }

    private string Make(Client client, DateTimeOffset now)
    {
        var payload = new JsonObject
        {
            ["iss"] = _issuer,
            ["aud"] = TokenIssuer.Audience,
            ["sub"] = client.Id,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
            [Caller.ClientIdClaim] = client.Id,
            [Caller.AccountClaim] = client.Account.ToString(),
            [Caller.WorkspacesClaim] = new JsonArray([.. client.Workspaces.Select(workspace => JsonValue.Create(workspace.ToString()))]),
            [Caller.ScopeClaim] = string.Join(' ', client.Scopes),
        };
        return _handler.CreateToken(
            payload.ToJsonString(), _credentials, new Dictionary<string, object>(StringComparer.Ordinal) { ["typ"] = "at+jwt" });
    }

    private sealed record Made(string Token, DateTimeOffset Until);
}
