using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

public sealed class RateLimitsTests
{
    private static readonly Uri Read = new("/caller", UriKind.Relative);
    private static readonly Uri Write = new("/api/v2/sessionEvents", UriKind.Relative);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_reads_a_minute_reproduce_the_reference()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:ReadsPerMinute", "10")]);
        using var http = await host.ClientAsync();
        var told = new List<string>();
        for (var i = 0; i < 11; i++)
            told.Add(await Told(http.GetAsync(Read, Cancel)));
        host.Clock.Advance(TimeSpan.FromSeconds(60));
        told.Add(await Told(http.GetAsync(Read, Cancel)));

        Assert.Equal(
            [
                .. Enumerable.Range(0, 10).Select(i => $"200 10/{9 - i}/60 | \"default\";q=10;w=60 | \"default\";r={9 - i};t=60 | "),
                "429 10/0/60 | \"default\";q=10;w=60 | \"default\";r=0;t=60 | 60",
                "200 10/9/60 | \"default\";q=10;w=60 | \"default\";r=9;t=60 | ",
            ],
            told);
    }

    [Fact]
    public async Task Exactly_the_permitted_number_is_answered_when_all_come_at_once()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:ReadsPerMinute", "10")]);
        using var http = await host.ClientAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => http.GetAsync(Read, Cancel), Cancel)));

        Assert.Equal((10, 40), (answers.Count(a => a.StatusCode == HttpStatusCode.OK), answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests)));
    }

    [Theory]
    [InlineData("/caller", false)]
    [InlineData("/oauth2/token", true)]
    public async Task Refusals_by_the_hundred_wait_and_others_are_answered_as_ever(string path, bool isForm)
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:ReadsPerMinute", "1"), new("RateLimiting:TokenFailuresPerMinute", "1")]);
        using var http = await host.ClientAsync();
        (await AskAsync()).Dispose();

        var began = Stopwatch.GetTimestamp();
        var took = await Task.WhenAll(Enumerable.Range(0, 8 * RefusalPace.AtOnce).Select(async _ =>
        {
            using var refused = await AskAsync();
            Assert.Equal((HttpStatusCode.TooManyRequests, true), (refused.StatusCode, refused.Headers.RetryAfter?.Delta is not null));
            return Stopwatch.GetElapsedTime(began);
        }));

        var seconds = (int)took.Max().TotalSeconds + 2;
        Assert.InRange(
            took.Count(one => one > TimeSpan.FromMilliseconds(450)), Math.Max(1, (8 - seconds) * RefusalPace.AtOnce), took.Length);
        using var other = await host.ClientAsync(TestClients.OtherAccount);
        using var answer = await other.GetAsync(Read, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        Task<HttpResponseMessage> AskAsync()
        {
            var request = new HttpRequestMessage(isForm ? HttpMethod.Post : HttpMethod.Get, path);
            if (isForm)
                request.Content = new StringContent("no=client", Encoding.UTF8, "application/x-www-form-urlencoded");
            return http.SendAsync(request, Cancel);
        }
    }

    [Fact]
    public async Task A_refusal_says_so_in_problem_details_and_when_to_come_back()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:ReadsPerMinute", "1")]);
        using var http = await host.ClientAsync();
        (await http.GetAsync(Read, Cancel)).Dispose();
        host.Clock.Advance(TimeSpan.FromSeconds(20.4));

        using var answer = await http.GetAsync(Read, Cancel);

        var problem = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
        problem.Remove("traceId");
        Assert.Equal("40", answer.Headers.RetryAfter!.ToString());
        Assert.Equal(
            """{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,"detail":"Too many requests; Retry-After says how many seconds to wait."}""",
            problem.ToJsonString());
    }

    [Fact]
    public async Task Reads_writes_and_clients_are_counted_apart()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:ReadsPerMinute", "2"), new("RateLimiting:WritesPerMinute", "3")]);
        using var one = await host.ClientAsync();
        using var two = await host.ClientAsync(TestClients.OtherAccount);

        Assert.Equal(
            [
                "200 2/1/60 | \"default\";q=2;w=60 | \"default\";r=1;t=60 | ",
                "200 3/2/60 | \"writes\";q=3;w=60 | \"writes\";r=2;t=60 | ",
                "200 2/1/60 | \"default\";q=2;w=60 | \"default\";r=1;t=60 | ",
            ],
            [await Told(one.GetAsync(Read, Cancel)), await Told(one.PostAsync(Write, content: null, Cancel)), await Told(two.GetAsync(Read, Cancel))]);
    }

    [Fact]
    public async Task A_client_may_have_limits_of_its_own()
    {
        await using var host = await AccessHost.StartAsync([new("Clients:0:ReadsPerMinute", "7"), new("Clients:0:WritesPerMinute", "8")]);
        using var own = await host.ClientAsync(TestClients.Reader);
        using var other = await host.ClientAsync(TestClients.OtherAccount);

        Assert.Equal(
            ["7", "8", "600", "6000"],
            [
                await Limit(own.GetAsync(Read, Cancel)), await Limit(own.PostAsync(Write, content: null, Cancel)),
                await Limit(other.GetAsync(Read, Cancel)), await Limit(other.PostAsync(Write, content: null, Cancel)),
            ]);

        static async Task<string> Limit(Task<HttpResponseMessage> asked)
        {
            using var answer = await asked;
            return answer.Headers.GetValues("x-ratelimit-limit").Single();
        }
    }

    [Fact]
    public async Task Two_tokens_of_one_client_share_its_limit()
    {
        await using var host = await AccessHost.StartAsync();
        using var one = host.With(await Tokens.AskAsync(host.Anonymous(), TestClients.Reader));
        using var two = host.With(await Tokens.AskAsync(host.Anonymous(), TestClients.Reader, Scopes.StudiesRead));
        (await one.GetAsync(Read, Cancel)).Dispose();

        Assert.Equal("200 600/598/60 | \"default\";q=600;w=60 | \"default\";r=598;t=60 | ", await Told(two.GetAsync(Read, Cancel)));
    }

    [Fact]
    public async Task Guessing_tokens_is_limited_by_address()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:AnonymousPerMinute", "2")]);
        using var guesser = host.With("a.b.c");

        Assert.Equal(
            [
                "401 2/1/60 | \"anonymous\";q=2;w=60 | \"anonymous\";r=1;t=60 | ",
                "401 2/0/60 | \"anonymous\";q=2;w=60 | \"anonymous\";r=0;t=60 | ",
                "429 2/0/60 | \"anonymous\";q=2;w=60 | \"anonymous\";r=0;t=60 | 60",
            ],
            [
                await Told(guesser.GetAsync(Read, Cancel)),
                await Told(guesser.GetAsync(new Uri("/not-mapped", UriKind.Relative), Cancel)),
                await Told(guesser.GetAsync(Read, Cancel)),
            ]);
    }

    [Fact]
    public async Task Health_is_never_refused()
    {
        await using var host = await AccessHost.StartAsync([new("RateLimiting:AnonymousPerMinute", "1")]);
        using var http = host.Anonymous();
        (await http.GetAsync(Read, Cancel)).Dispose();

        Assert.Equal(
            [
                "200 1/0/60 | \"anonymous\";q=1;w=60 | \"anonymous\";r=0;t=60 | ",
                "200 1/0/60 | \"anonymous\";q=1;w=60 | \"anonymous\";r=0;t=60 | ",
                "429 1/0/60 | \"anonymous\";q=1;w=60 | \"anonymous\";r=0;t=60 | 60",
            ],
            [
                await Told(http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancel)),
                await Told(http.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancel)),
                await Told(http.GetAsync(Read, Cancel)),
            ]);
    }

    [Fact]
    public async Task The_defaults_are_600_reads_6000_writes_600_anonymous_requests_600_tokens_and_600_failures()
    {
        await using var host = await AccessHost.StartAsync();

        Assert.Equivalent(
            new RateLimitingOptions { ReadsPerMinute = 600, WritesPerMinute = 6000, AnonymousPerMinute = 600, TokensPerMinute = 600, TokenFailuresPerMinute = 600 },
            host.App.Services.GetRequiredService<IOptions<AccessOptions>>().Value.RateLimiting, strict: true);
    }

    /// <summary>What an answer says of limits: status, <c>x-ratelimit-*</c>, the two fields of the draft, <c>Retry-After</c>.</summary>
    internal static async Task<string> Told(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        string One(string name) => answer.Headers.GetValues(name).Single();
        return $"{(int)answer.StatusCode} {One("x-ratelimit-limit")}/{One("x-ratelimit-remaining")}/{One("x-ratelimit-reset")} | {One("RateLimit-Policy")} | {One("RateLimit")} | {answer.Headers.RetryAfter}";
    }
}
