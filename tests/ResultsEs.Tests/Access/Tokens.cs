using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>Asking for tokens, and forging them.</summary>
internal static class Tokens
{
    public static async Task<string> AskAsync(HttpClient http, string client, params string[] scopes)
    {
        using var answer = await RequestAsync(http, client, client == TestClients.Demo ? TestClients.DemoSecret : TestClients.Secret, scopes);
        var body = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>();
        return (string)body!["access_token"]!;
    }

    public static Task<HttpResponseMessage> RequestAsync(HttpClient http, string client, string secret, params string[] scopes)
    {
        Dictionary<string, string> form = new(StringComparer.Ordinal)
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = client,
            ["client_secret"] = secret,
        };
        if (scopes.Length > 0)
            form["scope"] = string.Join(' ', scopes);
        return http.PostAsync(new Uri("/oauth2/token", UriKind.Relative), new FormUrlEncodedContent(form));
    }

    /// <summary>A part of a token as JSON: 0 the header, 1 the payload.</summary>
    public static JsonObject Part(string token, int part) =>
        JsonNode.Parse(Base64UrlEncoder.Decode(token.Split('.')[part]))!.AsObject();

    /// <summary>A token as this service would issue it at <paramref name="now"/>, but for what is changed.</summary>
    public static string Forge(
        SecurityKey key, DateTimeOffset now, string algorithm = SecurityAlgorithms.RsaSha256, string type = "at+jwt", Action<Dictionary<string, object>>? change = null)
    {
        var payload = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = "http://localhost:5080/",
            ["aud"] = "results-api",
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.ToUnixTimeSeconds() + 3600,
            ["sub"] = TestClients.Reader,
            ["client_id"] = TestClients.Reader,
            ["account"] = TestClients.AccountOne.ToString(),
            ["workspaces"] = new[] { TestClients.WorkspaceA.ToString() },
            ["scope"] = Scopes.StudiesRead,
        };
        change?.Invoke(payload);
        return new JsonWebTokenHandler().CreateToken(
            JsonSerializer.Serialize(payload), new SigningCredentials(key, algorithm), new Dictionary<string, object>(StringComparer.Ordinal) { ["typ"] = type });
    }
}
