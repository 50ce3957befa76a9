using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

public sealed class BearerTokensTests(AccessHost.Shared shared) : IClassFixture<AccessHost.Shared>
{
    private static readonly RsaSecurityKey Stranger = new(RSA.Create(2048));

    private readonly AccessHost _host = shared.Host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_token_of_this_service_names_the_caller()
    {
        using var http = await _host.ClientAsync(TestClients.BothWorkspaces);

        var caller = await http.GetFromJsonAsync<Caller>("/caller", Cancel);

        Assert.Equivalent(
            new Caller(TestClients.AccountOne, [TestClients.WorkspaceA, TestClients.WorkspaceB], TestClients.BothWorkspaces, [Scopes.StudiesRead, Scopes.EventsWrite]),
            caller, strict: true);
    }

    [Theory]
    [InlineData("/caller")]
    [InlineData("/says-nothing")]
    [InlineData("/not-mapped")]
    public async Task Without_a_token_nothing_is_told(string path)
    {
        using var http = _host.Anonymous();
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancel);

        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer realm=\"results\""), (answer.StatusCode, answer.Headers.WwwAuthenticate.ToString()));
    }

    [Theory]
    [InlineData(TestClients.WriteOnly, "GET", "/caller", "studies:read")]
    [InlineData(TestClients.ReadOnly, "POST", "/api/v2/sessionEvents", "events:write")]
    public async Task A_token_that_lacks_the_scope_is_told_which(string client, string method, string path, string scope)
    {
        using var http = await _host.ClientAsync(client);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await http.SendAsync(request, Cancel);

        Assert.Equal(
            (HttpStatusCode.Forbidden, $"Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
            (answer.StatusCode, answer.Headers.WwwAuthenticate.ToString()));
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearer")]
    [InlineData("Digest username=\"x\"")]
    public async Task Another_scheme_is_asked_for_a_token_like_none(string authorization)
    {
        using var http = _host.Anonymous();
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        using var answer = await http.GetAsync(new Uri("/caller", UriKind.Relative), Cancel);

        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer realm=\"results\""), (answer.StatusCode, answer.Headers.WwwAuthenticate.ToString()));
    }

    [Fact]
    public async Task A_forged_token_that_differs_in_nothing_is_accepted() =>
        Assert.Equal((HttpStatusCode.OK, ""), await Answer(Forge()));

    [Fact]
    public async Task A_token_signed_by_another_key_is_refused() =>
        await Refused(Tokens.Forge(Stranger, _host.Clock.GetUtcNow()));

    [Fact]
    public async Task A_token_signed_by_another_key_under_our_keys_id_is_refused()
    {
        var key = new RsaSecurityKey(RSA.Create(2048)) { KeyId = _host.Key.Public.KeyId };
        await Refused(Tokens.Forge(key, _host.Clock.GetUtcNow()));
    }

    [Fact]
    public async Task A_token_for_another_audience_is_refused() => await Refused(Forge(p => p["aud"] = "another-api"));

    [Fact]
    public async Task A_token_of_another_issuer_is_refused() => await Refused(Forge(p => p["iss"] = "https://elsewhere.example/"));

    [Fact]
    public async Task An_expired_token_is_refused() =>
        await Refused(Forge(p => p["exp"] = _host.Clock.GetUtcNow().ToUnixTimeSeconds() - 60));

    [Fact]
    public async Task A_token_that_never_expires_is_refused() => await Refused(Forge(p => p.Remove("exp")));

    [Fact]
    public async Task A_token_from_the_future_is_refused() =>
        await Refused(Forge(p => p["nbf"] = _host.Clock.GetUtcNow().ToUnixTimeSeconds() + 60));

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    public async Task An_unsigned_token_is_refused(string algorithm)
    {
        var parts = Forge().Split('.');
        var header = Base64UrlEncoder.Encode($$"""{"alg":"{{algorithm}}","typ":"at+jwt"}""");

        await Refused($"{header}.{parts[1]}.");
        await Refused($"{header}.{parts[1]}.{parts[2]}");
    }

    [Fact]
    public async Task A_token_signed_with_our_public_key_as_a_shared_secret_is_refused()
    {
        using var rsa = RSA.Create(_host.Key.Public.Parameters);
        var secret = new SymmetricSecurityKey(Encoding.ASCII.GetBytes(rsa.ExportSubjectPublicKeyInfoPem())) { KeyId = _host.Key.Public.KeyId };

        await Refused(Tokens.Forge(secret, _host.Clock.GetUtcNow(), SecurityAlgorithms.HmacSha256));
    }

    [Fact]
    public async Task A_token_of_another_type_is_refused() =>
        await Refused(Tokens.Forge(_host.Key.Private, _host.Clock.GetUtcNow(), type: "JWT"));

    [Fact]
    public async Task A_changed_payload_is_refused()
    {
        var parts = Forge().Split('.');
        var payload = Base64UrlEncoder.Decode(parts[1]).Replace("11111111", "22222222", StringComparison.Ordinal);

        await Refused($"{parts[0]}.{Base64UrlEncoder.Encode(payload)}.{parts[2]}");
    }

    [Fact]
    public async Task A_token_of_a_client_that_was_removed_is_refused() => await Refused(Forge(p => p["client_id"] = "removed"));

    [Theory]
    [InlineData("account")]
    [InlineData("workspaces")]
    [InlineData("client_id")]
    public async Task A_token_that_lacks_a_claim_is_refused(string claim) => await Refused(Forge(p => p.Remove(claim)));

    [Theory]
    [InlineData("x")]
    [InlineData("a.b.c")]
    public async Task Something_that_is_no_token_is_refused(string token) => await Refused(token);

    [Fact]
    public async Task A_token_lasts_its_hour_and_the_clock_skew_and_no_longer()
    {
        await using var host = await AccessHost.StartAsync();
        using var http = await host.ClientAsync();

        host.Clock.Advance(TokenIssuer.Lifetime + BearerTokens.ClockSkew - TimeSpan.FromSeconds(1));
        using var before = await http.GetAsync(new Uri("/caller", UriKind.Relative), Cancel);
        host.Clock.Advance(TimeSpan.FromSeconds(1));
        using var after = await http.GetAsync(new Uri("/caller", UriKind.Relative), Cancel);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.StatusCode, after.StatusCode));
    }

    [Theory]
    [InlineData(TestClients.ReadOnly, HttpStatusCode.OK, HttpStatusCode.Forbidden)]
    [InlineData(TestClients.WriteOnly, HttpStatusCode.Forbidden, HttpStatusCode.OK)]
    [InlineData(TestClients.Reader, HttpStatusCode.OK, HttpStatusCode.OK)]
    public async Task A_token_reaches_what_its_scopes_allow(string client, HttpStatusCode read, HttpStatusCode write)
    {
        using var http = await _host.ClientAsync(client);
        using var reading = await http.GetAsync(new Uri("/caller", UriKind.Relative), Cancel);
        using var writing = await http.PostAsync(new Uri("/api/v2/sessionEvents", UriKind.Relative), content: null, Cancel);

        Assert.Equal((read, write), (reading.StatusCode, writing.StatusCode));
    }

    [Fact]
    public void A_user_without_a_token_has_no_caller() =>
        Assert.Throws<InvalidOperationException>(() => Caller.From(new ClaimsPrincipal()));

    private string Forge(Action<Dictionary<string, object>>? change = null) =>
        Tokens.Forge(_host.Key.Private, _host.Clock.GetUtcNow(), change: change);

    private async Task Refused(string token) =>
        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer error=\"invalid_token\""), await Answer(token));

    private async Task<(HttpStatusCode, string)> Answer(string token)
    {
        using var http = _host.With(token);
        using var answer = await http.GetAsync(new Uri("/caller", UriKind.Relative), Cancel);
        return (answer.StatusCode, answer.Headers.WwwAuthenticate.ToString());
    }
}
