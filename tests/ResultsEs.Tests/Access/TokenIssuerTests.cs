using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

public sealed class TokenIssuerTests(AccessHost.Shared shared) : IClassFixture<AccessHost.Shared>
{
    private readonly AccessHost _host = shared.Host;
    private readonly HttpClient _http = shared.Host.Anonymous();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_names_the_clients_account_workspaces_and_scopes()
    {
        var token = await Tokens.AskAsync(_http, TestClients.Reader);

        var payload = Tokens.Part(token, 1);
        payload.Remove("jti");
        payload.Remove("oi_prst");
        Assert.Equal(
            """{"iss":"http://localhost:5080/","exp":1741068367,"iat":1741064767,"aud":"results-api","scope":"studies:read events:write","sub":"account-one","account":"11111111-0000-4000-8000-000000000001","workspaces":["11111111-0000-4000-8000-00000000000a"],"client_id":"account-one"}""",
            payload.ToJsonString());
        Assert.Equal($$"""{"alg":"RS256","kid":"{{_host.Key.Public.KeyId}}","typ":"at+jwt"}""", Base64UrlEncoder.Decode(token.Split('.')[0]));
    }

    [Fact]
    public async Task The_answer_is_OAuths_and_lasts_an_hour()
    {
        using var answer = await Tokens.RequestAsync(_http, TestClients.Reader, TestClients.Secret, Scopes.StudiesRead);

        var body = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
        body.Remove("access_token");
        Assert.Equal("""{"token_type":"Bearer","expires_in":3600}""", body.ToJsonString());
    }

    [Fact]
    public async Task A_secret_may_come_by_basic_authentication()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/oauth2/token");
        request.Content = new FormUrlEncodedContent([new("grant_type", "client_credentials")]);
        var credentials = $"{TestClients.Reader}:{Uri.EscapeDataString(TestClients.Secret)}";
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials)));

        using var answer = await _http.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData(TestClients.Reader, new string[0], "studies:read events:write")]
    [InlineData(TestClients.Reader, new[] { "studies:read" }, "studies:read")]
    [InlineData(TestClients.WriteOnly, new string[0], "events:write")]
    public async Task A_token_carries_the_scopes_asked_for_and_without_any_all_of_the_client(string client, string[] asked, string granted)
    {
        var token = await Tokens.AskAsync(_http, client, asked);

        Assert.Equal(granted, (string?)Tokens.Part(token, 1)["scope"]);
    }

    [Theory]
    [InlineData(TestClients.ReadOnly, "events:write")]
    [InlineData(TestClients.WriteOnly, "studies:read")]
    [InlineData(TestClients.Reader, "studies:delete")]
    [InlineData(TestClients.Reader, "openid")]
    public async Task A_scope_that_the_client_lacks_is_refused(string client, string scope)
    {
        using var answer = await Tokens.RequestAsync(_http, client, TestClients.Secret, scope);

        var body = await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_scope"), (answer.StatusCode, (string?)body!["error"]));
    }

    [Theory]
    [InlineData(TestClients.Reader, "wrong")]
    [InlineData("nobody", TestClients.Secret)]
    [InlineData("ACCOUNT-ONE", TestClients.Secret)]
    public async Task A_wrong_secret_and_an_unknown_client_get_the_same_refusal(string client, string secret)
    {
        using var answer = await Tokens.RequestAsync(_http, client, secret);

        Assert.Equal(
            (HttpStatusCode.Unauthorized, "application/json", """{"error":"invalid_client","error_description":"The client is unknown or its secret is wrong."}"""),
            (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType, (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!.ToJsonString()));
    }

    [Fact]
    public async Task A_request_without_a_secret_is_refused()
    {
        using var form = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("client_id", TestClients.Reader)]);
        using var answer = await _http.PostAsync(new Uri("/oauth2/token", UriKind.Relative), form, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task No_other_grant_is_offered()
    {
        using var form = new FormUrlEncodedContent([new("grant_type", "password"), new("client_id", TestClients.Reader), new("username", "a"), new("password", "b")]);
        using var answer = await _http.PostAsync(new Uri("/oauth2/token", UriKind.Relative), form, Cancel);

        var body = await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel);
        Assert.Equal((HttpStatusCode.BadRequest, "unsupported_grant_type"), (answer.StatusCode, (string?)body!["error"]));
    }

    [Fact]
    public async Task The_discovery_document_leads_to_the_key_that_verifies_a_token()
    {
        var discovery = (await _http.GetFromJsonAsync<JsonObject>("/.well-known/openid-configuration", Cancel))!;
        var keys = new JsonWebKeySet(await _http.GetStringAsync(new Uri((string)discovery["jwks_uri"]!), Cancel));
        var token = await Tokens.AskAsync(_http, TestClients.Reader);

        var verified = await new JsonWebTokenHandler().ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = (string)discovery["issuer"]!,
            ValidAudience = "results-api",
            IssuerSigningKeys = keys.Keys,
            ValidateLifetime = false,
        });

        Assert.True(verified.IsValid);
        Assert.Equal("http://localhost:5080/oauth2/token", (string?)discovery["token_endpoint"]);
        Assert.Equal("""["studies:read","events:write"]""", discovery["scopes_supported"]!.ToJsonString());
        Assert.Equal("""["client_secret_post","client_secret_basic"]""", discovery["token_endpoint_auth_methods_supported"]!.ToJsonString());
    }

    [Fact]
    public async Task The_addresses_are_the_issuers_whatever_host_the_request_names()
    {
        await using var host = await AccessHost.StartAsync([new("Access:Issuer", "https://api.example.org/results")]);
        using var http = host.Anonymous();

        var discovery = (await http.GetFromJsonAsync<JsonObject>("/.well-known/openid-configuration", Cancel))!;

        Assert.Equal(
            ("https://api.example.org/results/", "https://api.example.org/results/oauth2/token", "https://api.example.org/results/.well-known/jwks"),
            ((string?)discovery["issuer"], (string?)discovery["token_endpoint"], (string?)discovery["jwks_uri"]));
    }
}
