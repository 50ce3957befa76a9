using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;
using ResultsEs.Access;
using ResultsEs.Tests.Brokers;

namespace ResultsEs.Tests.Access;

/// <summary>Tokens of other issuers: an OpenID provider of somebody else, a second service, and one that cannot be reached.</summary>
public sealed class IssuersTests(IssuersTests.Others others) : IClassFixture<IssuersTests.Others>
{
    private const string Unreachable = "http://127.0.0.1:1";

    private static readonly Uri Read = new("/caller", UriKind.Relative);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Their_tokens_name_callers_whom_limits_and_the_audit_know_by_issuer_and_subject()
    {
        await using var host = await others.StartAsync(new KeyValuePair<string, string?>("Issuers:0:ReadsPerMinute", "7"));
        using var app = host.With(await others.TokenAsync(scope: "studies:read billing:all clients:admin"));
        using var another = host.With(await others.TokenAsync("another"));
        using var own = await host.ClientAsync();

        Assert.Equivalent(
            new Caller(TestClients.AccountOne, [TestClients.WorkspaceA], $"{others.Provider} app", [Scopes.StudiesRead]),
            await app.GetFromJsonAsync<Caller>(Read, Cancelled), strict: true);
        using var second = await app.GetAsync(Read, Cancelled);
        using var firstOfAnother = await another.GetAsync(Read, Cancelled);
        using var firstOwn = await own.GetAsync(Read, Cancelled);
        Assert.Equal(("5", "6", "599"), (Remaining(second), Remaining(firstOfAnother), Remaining(firstOwn)));

        using var refused = await app.PostAsync(new Uri("/api/v2/sessionEvents", UriKind.Relative), content: null, Cancelled);
        Assert.Equal(
            (HttpStatusCode.Forbidden, "Bearer error=\"insufficient_scope\", scope=\"events:write\""), (refused.StatusCode, refused.Headers.WwwAuthenticate.ToString()));
        Assert.Contains(Noted(host), entry => entry is { Kind: AuditKind.Refusal, Outcome: "403" } && entry.Client == $"{others.Provider} app" && entry.Account == TestClients.AccountOne);

        var resource = (await own.GetFromJsonAsync<JsonObject>(Discovery.ResourcePath, Cancelled))!;
        Assert.Equal(
            ["http://localhost:5080/", others.Provider, others.Second.App.Urls.Single() + "/", Unreachable],
            resource["authorization_servers"]!.AsArray().Select(server => (string)server!));

        static string Remaining(HttpResponseMessage answer) => answer.Headers.GetValues("x-ratelimit-remaining").Single();
    }

    [Fact]
    public async Task Their_tokens_read_and_record_and_may_more_only_where_the_settings_name_it()
    {
        await using var host = await others.StartAsync(
            new("Issuers:1:Scopes:0", Scopes.OperationsRead), new("Issuers:1:Scopes:1", Scopes.PrivacyWrite), new("Issuers:1:Scopes:2", Scopes.ClientsAdmin));
        using var app = host.With(await others.TokenAsync(scope: string.Join(' ', Scopes.All)));
        using var ofSecond = others.Second.Anonymous();
        using var named = host.With(await Tokens.AskAsync(ofSecond, TestClients.Privacy));

        Assert.Equal([Scopes.StudiesRead, Scopes.EventsWrite], await AllowedAsync(app));
        Assert.Equal([Scopes.PrivacyWrite, Scopes.ClientsAdmin, Scopes.OperationsRead], await AllowedAsync(named));

        static async Task<List<string>> AllowedAsync(HttpClient http)
        {
            var allowed = new List<string>();
            foreach (var scope in Scopes.All)
            {
                using var answer = await http.GetAsync(new Uri($"/needs/{scope}", UriKind.Relative), Cancelled);
                if (answer.StatusCode == HttpStatusCode.OK)
                    allowed.Add(scope);
                else
                    Assert.Equal((HttpStatusCode.Forbidden, $"Bearer error=\"insufficient_scope\", scope=\"{scope}\""), (answer.StatusCode, answer.Headers.WwwAuthenticate.ToString()));
            }

            return allowed;
        }
    }

    [Fact]
    public async Task Keys_roll_over_without_a_restart_and_strangers_do_not_make_a_node_ask()
    {
        await using var host = await others.StartAsync();
        var before = await others.TokenAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, before));

        // The first request with a key that is not known has keys fetched, and no other does for a while.
        host.Clock.Advance(IssuerKeys.Between);
        await others.PostAsync("/roll?type=EC");
        var after = await others.TokenAsync();
        var asked = await others.AskedAsync();
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await StatusAsync(host, after), await StatusAsync(host, before)));
        Assert.Equal(asked + 1, await others.AskedAsync());

        foreach (var wait in new[] { TimeSpan.Zero, IssuerKeys.Between, IssuerKeys.Between })
        {
            host.Clock.Advance(wait);
            var strangers = Enumerable.Range(0, 40).Select(_ => StatusAsync(host, WithHeader(after, header => header["kid"] = Guid.NewGuid().ToString())));
            Assert.All(await Task.WhenAll(strangers), status => Assert.Equal(HttpStatusCode.Unauthorized, status));
        }

        Assert.Equal(asked + 3, await others.AskedAsync());
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (await StatusAsync(host, after), await StatusAsync(host, before)));
    }

    [Fact]
    public async Task A_token_of_a_key_that_its_issuer_has_withdrawn_is_refused()
    {
        await using var host = await others.StartAsync(new KeyValuePair<string, string?>("Access:KeysRefreshSeconds", "1"));
        var before = await others.TokenAsync();
        using var own = await host.ClientAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, before));

        await others.PostAsync("/roll?withdraw=1");

        await Wait.UntilAsync(async () => await StatusAsync(host, before) == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, await others.TokenAsync()));
        using var answer = await own.GetAsync(Read, Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task What_is_forged_for_somebody_else_or_over_is_refused()
    {
        await using var host = await others.StartAsync();
        var token = await others.TokenAsync();
        var parts = token.Split('.');
        var key = new JsonWebKeySet(await others.GetAsync("/jwks")).GetSigningKeys().First(one => one.KeyId == (string)Tokens.Part(token, 0)["kid"]!);
        var shared = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(await others.GetAsync("/jwks"))) { KeyId = key.KeyId };
        var stranger = new RsaSecurityKey(RSA.Create(2048)) { KeyId = key.KeyId };

        (string What, string Token)[] forged =
        [
            ("another audience", await others.TokenAsync(audience: "other-api")),
            ("an account that is not allowed", await others.TokenAsync(account: TestClients.AccountTwo)),
            ("no workspace", await others.TokenAsync(workspaces: [])),
            ("no algorithm", WithHeader($"{parts[0]}.{parts[1]}.", header => header["alg"] = "none")),
            ("no algorithm, signed", WithHeader(token, header => header["alg"] = "none")),
            ("the public key as a shared secret", Forge(shared, SecurityAlgorithms.HmacSha256)),
            ("another key of the same id", Forge(stranger, SecurityAlgorithms.RsaSha256)),
            ("a changed payload", $"{parts[0]}.{Base64UrlEncoder.Encode(Base64UrlEncoder.Decode(parts[1]).Replace("\"app\"", "\"any\"", StringComparison.Ordinal))}.{parts[2]}"),
            ("an issuer that nobody named", Forge(stranger, SecurityAlgorithms.RsaSha256, "https://elsewhere.example")),
            ("ours, but of their key", Forge(stranger, SecurityAlgorithms.RsaSha256, "http://localhost:5080/")),
            ("no key's id", WithHeader(token, header => header.Remove("kid"))),
        ];
        foreach (var (what, one) in forged)
            Assert.Equal((what, HttpStatusCode.Unauthorized), (what, await StatusAsync(host, one)));

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, token));
        host.Clock.SetUtcNow(DateTimeOffset.FromUnixTimeSeconds((long)Tokens.Part(token, 1)["exp"]!) + BearerTokens.ClockSkew + TimeSpan.FromSeconds(1));
        using var late = host.With(token);
        using var ended = await late.GetAsync(Read, Cancelled);
        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer error=\"invalid_token\""), (ended.StatusCode, ended.Headers.WwwAuthenticate.ToString()));
        Assert.All(Noted(host), entry => Assert.DoesNotContain(parts[2], entry.ToString(), StringComparison.Ordinal));

        string Forge(SecurityKey by, string algorithm, string? issuer = null) => Tokens.Forge(by, host.Clock.GetUtcNow(), algorithm, change: payload => payload["iss"] = issuer ?? others.Provider);
    }

    [Fact]
    public async Task An_issuer_that_cannot_be_reached_concerns_its_own_tokens_alone()
    {
        await using var host = await others.StartAsync();
        var lost = Tokens.Forge(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "1" }, host.Clock.GetUtcNow(), change: payload => payload["iss"] = Unreachable);
        using var own = await host.ClientAsync();
        for (var i = 0; i < 5; i++)
        {
            using var http = host.With(lost);
            using var answer = await http.GetAsync(Read, Cancelled);
            var problem = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancelled))!;
            Assert.Equal(
                (HttpStatusCode.ServiceUnavailable, "10", "The issuer of the token cannot be reached, so its keys are not known."),
                (answer.StatusCode, answer.Headers.RetryAfter?.ToString(), (string)problem["detail"]!));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(host, await others.TokenAsync()));
            using var read = await own.GetAsync(Read, Cancelled);
            Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        }
    }

    [Fact]
    public async Task A_second_service_is_an_issuer_like_any_other_and_ours_can_be_switched_off()
    {
        using var ofSecond = others.Second.Anonymous();
        var token = await Tokens.AskAsync(ofSecond, TestClients.Reader);
        await using var host = await others.StartAsync(new KeyValuePair<string, string?>("Access:BuiltInTokens", "false"));
        using var http = host.With(token);

        var caller = (await http.GetFromJsonAsync<Caller>(Read, Cancelled))!;
        Assert.Equal(
            (TestClients.AccountOne, $"{others.Second.App.Urls.Single()} {TestClients.Reader}", "studies:read events:write"),
            (caller.Account, caller.ClientId, string.Join(' ', caller.Scopes)));

        // Its other accounts are none of ours.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(host, await Tokens.AskAsync(ofSecond, TestClients.OtherAccount)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(host, Tokens.Forge(host.Key.Private, host.Clock.GetUtcNow())));
        using var anonymous = host.Anonymous();
        using var asked = await Tokens.RequestAsync(anonymous, TestClients.Reader, TestClients.Secret);
        Assert.Equal(HttpStatusCode.Unauthorized, asked.StatusCode);
        var resource = (await anonymous.GetFromJsonAsync<JsonObject>(Discovery.ResourcePath, Cancelled))!;
        Assert.DoesNotContain("http://localhost:5080/", resource["authorization_servers"]!.AsArray().Select(server => (string)server!));
    }

    private static async Task<HttpStatusCode> StatusAsync(AccessHost host, string token)
    {
        using var http = host.With(token);
        using var answer = await http.GetAsync(Read, Cancelled);
        return answer.StatusCode;
    }

    private static string WithHeader(string token, Action<JsonObject> change)
    {
        var header = Tokens.Part(token, 0);
        change(header);
        return $"{Base64UrlEncoder.Encode(header.ToJsonString())}{token[token.IndexOf('.', StringComparison.Ordinal)..]}";
    }

    private static List<AuditEntry> Noted(AccessHost host)
    {
        var entries = new List<AuditEntry>();
        while (host.App.Services.GetRequiredService<Audit>().Waiting.TryRead(out var entry))
            entries.Add(entry);
        return entries;
    }

    /// <summary>The other issuers, once for the class.</summary>
    public sealed class Others : IAsyncLifetime
    {
        private readonly HttpClient _http = new();
        private readonly SemaphoreSlim _one = new(1);
        private Process? _process;

        /// <summary>The provider's address.</summary>
        public string Provider { get; private set; } = "";

        /// <summary>The other service.</summary>
        public AccessHost Second { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await NodeTools.NeedAsync();
            (_process, var said) = await NodeTools.StartAsync("oidc.mjs");
            Provider = said.Split(' ')[^1];
            var address = $"http://127.0.0.1:{RabbitNode.FreePort()}/";
            Second = await AccessHost.StartAsync([new("Access:Issuer", address)], kestrel: true, address: address);
        }

        public async ValueTask DisposeAsync()
        {
            if (Second is not null)
                await Second.DisposeAsync();
            _process?.Kill();
            _process?.Dispose();
            _one.Dispose();
            _http.Dispose();
        }

        /// <summary>A host that takes the tokens of all of them.</summary>
        internal Task<AccessHost> StartAsync(params KeyValuePair<string, string?>[] settings) => AccessHost.StartAsync(
        [
            .. Issuer(0, Provider),
            .. Issuer(1, Second.App.Urls.Single() + "/"),
            .. Issuer(2, Unreachable),
            .. settings,
        ]);

        /// <summary>A token of the provider.</summary>
        internal async Task<string> TokenAsync(
            string client = "app", string scope = "studies:read", string audience = "results-api", Guid? account = null, Guid[]? workspaces = null)
        {
            await _one.WaitAsync(Cancelled);
            try
            {
                using var claims = await _http.PostAsJsonAsync($"{Provider}/claims", new { account = account ?? TestClients.AccountOne, workspaces = workspaces ?? [TestClients.WorkspaceA] }, Cancelled);
                using var request = new HttpRequestMessage(HttpMethod.Post, $"{Provider}/token");
                request.Content = new FormUrlEncodedContent([
                    new("grant_type", "client_credentials"), new("client_id", client), new("client_secret", "secret"), new("scope", scope), new("resource", $"https://{audience}/"),
                ]);
                using var answer = await _http.SendAsync(request, Cancelled);
                return (string)(await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>(Cancelled))!["access_token"]!;
            }
            finally
            {
                _one.Release();
            }
        }

        internal async Task PostAsync(string path)
        {
            using var answer = await _http.PostAsync(new Uri(Provider + path), content: null, Cancelled);
            answer.EnsureSuccessStatusCode();
        }

        internal Task<string> GetAsync(string path) => _http.GetStringAsync(new Uri(Provider + path), Cancelled);

        internal async Task<int> AskedAsync() => int.Parse(await GetAsync("/asked"), System.Globalization.CultureInfo.InvariantCulture);

        private static IEnumerable<KeyValuePair<string, string?>> Issuer(int index, string authority) =>
        [
            new($"Issuers:{index}:Authority", authority),
            new($"Issuers:{index}:Audience", "results-api"),
            new($"Issuers:{index}:Accounts:0", TestClients.AccountOne.ToString()),
            new($"Issuers:{index}:AccountClaim", "account"),
        ];
    }
}
