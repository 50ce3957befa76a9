using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using ResultsEs.Access;
using ResultsEs.Commands;

namespace ResultsEs.Tests.Access;

/// <summary>What strangers do at the token endpoint is not the clients' loss. All come from one address, as behind a proxy.</summary>
public sealed class TokenRequestsTests
{
    private static readonly Uri Path = new("/oauth2/token", UriKind.Relative);
    private static readonly Uri Read = new("/caller", UriKind.Relative);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refusals_are_limited_by_address_and_a_right_secret_passes_all_the_same()
    {
        var secret = SecretHash.Generate();
        await using var host = await AccessHost.StartAsync([new("RateLimiting:TokenFailuresPerMinute", "3"), new("Clients:1:SecretHash", SecretHash.Of(secret))]);
        using var http = host.Anonymous();

        Assert.Equal(
            [
                "401 3/2/60 | \"token-failures\";q=3;w=60 | \"token-failures\";r=2;t=60 | ",
                "400 3/1/60 | \"token-failures\";q=3;w=60 | \"token-failures\";r=1;t=60 | ",
                "400 3/0/60 | \"token-failures\";q=3;w=60 | \"token-failures\";r=0;t=60 | ",
                "429 3/0/60 | \"token-failures\";q=3;w=60 | \"token-failures\";r=0;t=60 | 60",
                "429 3/0/60 | \"token-failures\";q=3;w=60 | \"token-failures\";r=0;t=60 | 60",
                "429 3/0/60 | \"token-failures\";q=3;w=60 | \"token-failures\";r=0;t=60 | 60",
                "200 600/599/60 | \"tokens\";q=600;w=60 | \"tokens\";r=599;t=60 | ",
                "200 600/599/60 | \"tokens\";q=600;w=60 | \"tokens\";r=599;t=60 | ",
                "200 600/598/60 | \"tokens\";q=600;w=60 | \"tokens\";r=598;t=60 | ",
            ],
            [
                await RateLimitsTests.Told(Tokens.RequestAsync(http, "nobody", "wrong")),
                await RateLimitsTests.Told(http.PostAsync(Path, new StringContent("nonsense"), Cancel)),
                await RateLimitsTests.Told(http.PostAsync(Path, new FormUrlEncodedContent([new("grant_type", "password")]), Cancel)),
                await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.Reader, "wrong")),
                await RateLimitsTests.Told(http.PostAsync(Path, new StringContent("nonsense"), Cancel)),
                await RateLimitsTests.Told(http.PostAsync(Path, new FormUrlEncodedContent([new("grant_type", "password")]), Cancel)),
                await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret)),
                await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.OtherWorkspace, secret)),
                await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret)),
            ]);
        Assert.Equal("200", (await RateLimitsTests.Told(host.With(await Tokens.AskAsync(http, TestClients.Reader)).GetAsync(Read, Cancel))).Split(' ')[0]);
    }

    [Fact]
    public async Task A_refused_flood_is_told_so_in_problem_details()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:TokenFailuresPerMinute", "1")]);
        using var http = host.Anonymous();
        (await Tokens.RequestAsync(http, "nobody", "wrong")).Dispose();
        using var answer = await Tokens.RequestAsync(http, "nobody", "wrong");

        var problem = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
        Assert.Equal((HttpStatusCode.TooManyRequests, "application/problem+json", "Too Many Requests"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType, (string?)problem["title"]));
    }

    [Fact]
    public async Task Guesses_at_one_client_count_against_it_from_every_address_and_those_at_another_do_not()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:TokenFailuresPerMinute", "2"), new("ForwardedHeaders:KnownNetworks:0", "0.0.0.0/0")]);
        var answers = new List<string>();
        foreach (var (address, client) in new[] { (1, TestClients.Reader), (2, TestClients.Reader), (3, TestClients.Reader), (3, TestClients.OtherAccount) })
        {
            using var http = host.Anonymous();
            http.DefaultRequestHeaders.Add("X-Forwarded-For", $"192.0.2.{address}");
            answers.Add((await RateLimitsTests.Told(Tokens.RequestAsync(http, client, "wrong"))).Split(' ')[0]);
        }

        Assert.Equal(["401", "401", "429", "401"], answers);
    }

    [Fact]
    public async Task A_flood_of_wrong_secrets_and_nonsense_at_once_does_not_keep_the_right_one_away()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:AnonymousPerMinute", "1"), new("RateLimiting:TokenFailuresPerMinute", "5")]);
        using var http = host.Anonymous();
        var flood = Enumerable.Range(0, 60).Select(i => (i % 3) switch
        {
            0 => Tokens.RequestAsync(http, i % 4 == 0 ? TestClients.Reader : TestClients.OtherAccount, i % 2 == 0 ? "wrong" : $"wrong {i}"),
            1 => Tokens.RequestAsync(http, $"nobody {i}", "wrong"),
            _ => http.PostAsync(Path, new StringContent(new string('x', 20_000)), Cancel),
        }).ToList();
        using var right = await Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret);

        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        var answers = await Task.WhenAll(flood);
        Assert.DoesNotContain(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Anonymous_requests_take_nothing_from_tokens()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:AnonymousPerMinute", "1")]);
        using var http = host.Anonymous();
        for (var i = 0; i < 3; i++)
            (await http.GetAsync(Read, Cancel)).Dispose();
        using var answer = await Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_client_learns_that_its_token_has_ended_whatever_strangers_send()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:AnonymousPerMinute", "2")]);
        using var http = await host.ClientAsync();
        host.Clock.Advance(TimeSpan.FromHours(2));
        using var stranger = host.With(Tokens.Forge(new Microsoft.IdentityModel.Tokens.RsaSecurityKey(System.Security.Cryptography.RSA.Create(2048)), host.Clock.GetUtcNow().AddDays(-1)));
        for (var i = 0; i < 3; i++)
            (await stranger.GetAsync(Read, Cancel)).Dispose();

        Assert.Equal(["429", "401", "401", "429"], [await StatusAsync(stranger), await StatusAsync(http), await StatusAsync(http), await StatusAsync(http)]);

        static async Task<string> StatusAsync(HttpClient client) => (await RateLimitsTests.Told(client.GetAsync(Read, Cancel))).Split(' ')[0];
    }

    [Fact]
    public async Task Tokens_have_a_limit_of_their_own_for_each_client()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:TokensPerMinute", "1")]);
        using var http = host.Anonymous();

        Assert.Equal(
            ["200", "429", "200"],
            [
                (await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret))).Split(' ')[0],
                (await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret))).Split(' ')[0],
                (await RateLimitsTests.Told(Tokens.RequestAsync(http, TestClients.OtherAccount, TestClients.Secret))).Split(' ')[0],
            ]);
    }

    [Fact]
    public async Task The_command_makes_a_secret_and_its_hash()
    {
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(["hash-secret", "--generate"]);
        Assert.True(exitCode == 0, output + errors);
        var lines = output.Trim().Split('\n');
        await using var host = await AccessHost.StartAsync([new("Clients:0:SecretHash", lines[1].Trim())]);
        using var answer = await Tokens.RequestAsync(host.Anonymous(), TestClients.Reader, lines[0].Trim());

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("fifteen letters", false)]
    // Each of these is one character, of two code units.
    [InlineData("🔑🔑🔑🔑🔑🔑🔑🔑", false)]
    [InlineData("sixteen letters!", true)]
    [InlineData("correct horse battery staple", true)]
    public void A_secret_that_somebody_chose_has_sixteen_characters(string? secret, bool isLongEnough) =>
        Assert.Equal(isLongEnough ? null : "A secret that somebody chose must have at least 16 characters; --generate makes one.", HashSecretCommand.ProblemOf(secret));

    [Fact]
    public async Task The_command_refuses_a_short_secret_and_prints_no_hash()
    {
        var (exitCode, output, errors) = await ServiceProcess.RunWithInputAsync("fifteen letters\n", ["hash-secret"]);
        Assert.Equal((1, ""), (exitCode, output.Trim()));
        Assert.Contains("at least 16 characters", errors, StringComparison.Ordinal);
    }
}
