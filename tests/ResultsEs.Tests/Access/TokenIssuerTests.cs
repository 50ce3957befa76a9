using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
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
        Assert.Equal("""["studies:read","events:write","privacy:write","privacy:read","clients:admin","webhooks:write","operations:read","operations:write"]""", discovery["scopes_supported"]!.ToJsonString());
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

    [Theory]
    [InlineData("/.well-known/openid-configuration")]
    [InlineData("/.well-known/oauth-authorization-server")]
    public async Task Discovery_tells_of_tokens_and_of_no_logins(string path) => Assert.Equal(
        """
        {"issuer":"http://localhost:5080/","token_endpoint":"http://localhost:5080/oauth2/token","jwks_uri":"http://localhost:5080/.well-known/jwks","scopes_supported":["studies:read","events:write","privacy:write","privacy:read","clients:admin","webhooks:write","operations:read","operations:write"],"response_types_supported":[],"grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]}
        """,
        await _http.GetStringAsync(new Uri(path, UriKind.Relative), Cancel));

    [Fact]
    public async Task The_protected_resource_names_its_issuer() => Assert.Equal(
        """
        {"resource":"http://localhost:5080/","authorization_servers":["http://localhost:5080/"],"scopes_supported":["studies:read","events:write","privacy:write","privacy:read","clients:admin","webhooks:write","operations:read","operations:write"],"bearer_methods_supported":["header"],"resource_documentation":"http://localhost:5080/docs"}
        """,
        await _http.GetStringAsync(new Uri("/.well-known/oauth-protected-resource", UriKind.Relative), Cancel));

    [Theory]
    [InlineData(null, 401, "")]
    [InlineData("Basic YWNjb3VudC1vbmU6d3Jvbmc=", 401, "Basic realm=\"results\"")]
    [InlineData("basic bm9ib2R5Ong=", 401, "Basic realm=\"results\"")]
    [InlineData("Basic !!!", 400, "")]
    [InlineData("Bearer x", 400, "")]
    public async Task Basic_is_asked_for_where_it_was_tried(string? authorization, int status, string challenge)
    {
        using var http = _host.Anonymous();
        if (authorization is not null)
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        var secret = authorization is null ? "&client_id=account-one&client_secret=wrong" : "";
        using var answer = await PostAsync(http, "grant_type=client_credentials" + secret);

        Assert.Equal((status, challenge), ((int)answer.StatusCode, answer.Headers.WwwAuthenticate.ToString()));
    }

    /// <summary>Forms that are malformed, one for each thing that a reader or the library trips over.</summary>
    [Theory]
    [InlineData("grant_type=%00")]
    [InlineData("grant_type=\0")]
    [InlineData("grant_type=client_credentials&client_id=%00&client_secret=x")]
    [InlineData("grant_type=client_credentials&client_id=a&client_secret=x%0A")]
    [InlineData("grant_type=client_credentials&a%00b=c")]
    [InlineData("request_uri=%00")]
    [InlineData("grant_type=%zz")]
    [InlineData("grant_type=%f")]
    [InlineData("grant_type=%")]
    [InlineData("grant_type=%ff")]
    [InlineData("grant_type=%ed%a0%80")]
    [InlineData("scope=+")]
    [InlineData("")]
    [InlineData("&&&")]
    [InlineData("=")]
    [InlineData("grant_type=client_credentials", "multipart/form-data; boundary=x")]
    [InlineData("grant_type=client_credentials", "application/json")]
    [InlineData("grant_type=client_credentials", "application/x-www-form-urlencoded; charset=utf-16")]
    [InlineData("grant_type=client_credentials", "application/x-www-form-urlencoded; charset=nope")]
    [InlineData("grant_type=client_credentials", ";;;")]
    [InlineData("grant_type=client_credentials", "application/x-www-form-urlencoded,text/plain")]
    [InlineData("grant_type=client_credentials", "")]
    public Task A_malformed_form_is_an_invalid_request(string form, string contentType = Form) => RefusedAsync(form, contentType);

    [Fact]
    public async Task So_is_one_of_very_many_keys_or_very_long_ones()
    {
        await RefusedAsync(string.Join('&', Enumerable.Range(0, 2_000).Select(i => $"k{i}=")));
        await RefusedAsync(new string('k', 5_000) + "=1");
    }

    [Theory]
    [InlineData("scope=studies%3Aread&scope=studies%3Aread", "scope")]
    [InlineData("scope=&scope=", "scope")]
    [InlineData("grant_type=client_credentials", "grant_type")]
    [InlineData("client_id=account-one", "client_id")]
    [InlineData("client_secret=x", "client_secret")]
    [InlineData("client%5Fsecret=x", "client_secret")]
    [InlineData("client_assertion=x&client_assertion=x", "client_assertion")]
    [InlineData("resource=x&resource=y", "resource")]
    public async Task A_parameter_that_comes_twice_is_an_invalid_request(string more, string name)
    {
        var refusal = await RefusedAsync($"{Right}&{more}");

        Assert.Equal($"The parameter {name} is there more than once.", refusal);
    }

    [Fact]
    public async Task Parameters_of_other_names_are_ignored()
    {
        using var answer = await PostAsync(_http, Right + "&a=1&a=2&SCOPE=events%3Awrite&request=x&scope=studies%3Aread");
        var body = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>(Cancel);

        Assert.Equal("studies:read", (string?)Tokens.Part((string)body!["access_token"]!, 1)["scope"]);
    }

    [Theory]
    [InlineData("a:99999")]
    [InlineData("a..b")]
    [InlineData("..")]
    [InlineData("xn--")]
    public async Task A_malformed_host_is_an_invalid_request(string name)
    {
        await using var host = await AccessHost.StartAsync(kestrel: true);
        foreach (var (method, path) in new[] { ("POST", "/oauth2/token"), ("GET", "/.well-known/jwks") })
        {
            var answer = await SendRawAsync(host, $"{method} {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nContent-Type: {Form}\r\nContent-Length: {Right.Length}\r\n\r\n{Right}");
            Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
            Assert.Contains("\"error\":\"invalid_request\"", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nothing_that_strangers_send_or_break_off_is_logged()
    {
        using var logs = new CollectedLogs();
        await using var host = await AccessHost.StartAsync(kestrel: true, services: services => services.AddSingleton<ILoggerProvider>(logs));
        foreach (var head in new[] { "Content-Length: 5000\r\n\r\ngrant_type=c", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "Transfer-Encoding: chunked\r\n\r\nzz\r\n" })
        {
            foreach (var isReset in new[] { false, true })
                await BreakOffAsync(host, $"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: {Form}\r\n{head}", isReset);
        }

        await SendRawAsync(host, $"POST /oauth2/token HTTP/1.1\r\nHost: xn--\r\nConnection: close\r\nContent-Type: {Form}\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\ngrant_type=%00");
        await host.App.StopAsync(Cancel);

        Assert.Empty(logs.Warnings);
    }

    private const string Form = "application/x-www-form-urlencoded";
    private const string Right = "grant_type=client_credentials&client_id=account-one&client_secret=correct+horse+battery+staple";

    private async Task<string> RefusedAsync(string form, string contentType = Form)
    {
        using var answer = await PostAsync(_http, form, contentType);
        var body = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), (answer.StatusCode, (string?)body["error"]));
        return (string)body["error_description"]!;
    }

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string form, string contentType = Form)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(form));
        if (contentType.Length > 0)
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return http.PostAsync(new Uri("/oauth2/token", UriKind.Relative), content, Cancel);
    }

    private static async Task<string> SendRawAsync(AccessHost host, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(host.App.Urls.Single()).Port, Cancel);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancel);
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        return await reader.ReadToEndAsync(Cancel);
    }

    private static async Task BreakOffAsync(AccessHost host, string request, bool isReset)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(host.App.Urls.Single()).Port, Cancel);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancel);
        // The service has the request before the connection ends: a request behind it is answered.
        await SendRawAsync(host, "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        if (isReset)
            client.LingerState = new LingerOption(enable: true, seconds: 0);
        else
            client.Client.Shutdown(SocketShutdown.Send);
    }
}
