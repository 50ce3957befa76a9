namespace ResultsEs.Tests.Access;

/// <summary>Pages of configured origins may call the API; others get no header that lets a browser show them the answer.</summary>
public sealed class CorsTests
{
    private const string Origin = "https://app.example";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/caller")]
    [InlineData("/api/v2/sessionEvents")]
    [InlineData("/oauth2/token")]
    [InlineData("/not-mapped")]
    public async Task A_preflight_is_answered_without_a_token_and_takes_no_permit(string path)
    {
        await using var host = await AccessHost.StartAsync([new("Cors:Origins:0", Origin), new("RateLimiting:AnonymousPerMinute", "1")]);
        using var http = host.Anonymous();
        for (var i = 0; i < 3; i++)
        {
            using var answer = await SendAsync(http, HttpMethod.Options, path, Origin, isPreflight: true);

            Assert.Equal(
                (204, Origin, "GET,HEAD,POST,PATCH,DELETE", "authorization,content-type", "3600"),
                ((int)answer.StatusCode, Header(answer, "Access-Control-Allow-Origin"), Header(answer, "Access-Control-Allow-Methods"),
                    Header(answer, "Access-Control-Allow-Headers"), Header(answer, "Access-Control-Max-Age")));
        }
    }

    [Theory]
    [InlineData("/caller", 200)]
    [InlineData("/bad", 400)]
    [InlineData("/not-mapped", 404)]
    [InlineData("/breaks/somehow", 500)]
    [InlineData("/breaks/refused", 503)]
    public async Task Answers_and_errors_can_be_read_with_their_limits(string path, int status)
    {
        await using var host = await AccessHost.StartAsync([new("Cors:Origins:0", "http://other.example:8080"), new("Cors:Origins:1", Origin)]);
        using var http = await host.ClientAsync();
        using var answer = await SendAsync(http, HttpMethod.Get, path, Origin);

        Assert.Equal((status, Origin, null), ((int)answer.StatusCode, Header(answer, "Access-Control-Allow-Origin"), Header(answer, "Access-Control-Allow-Credentials")));
        Assert.Contains("x-ratelimit-remaining", Header(answer, "Access-Control-Expose-Headers"), StringComparison.Ordinal);
        Assert.Contains("x-as-of", Header(answer, "Access-Control-Expose-Headers"), StringComparison.Ordinal);
        Assert.Contains("Retry-After", Header(answer, "Access-Control-Expose-Headers"), StringComparison.Ordinal);
        Assert.Contains("Origin", answer.Headers.Vary);
    }

    [Fact]
    public async Task So_can_refusals_of_access_and_of_limits()
    {
        await using var host = await AccessHost.StartAsync([new("Cors:Origins:0", Origin), new("RateLimiting:AnonymousPerMinute", "1")]);
        using var http = host.Anonymous();
        using var refused = await SendAsync(http, HttpMethod.Get, "/caller", Origin);
        using var limited = await SendAsync(http, HttpMethod.Get, "/caller", Origin);

        Assert.Equal(
            (401, Origin, 429, Origin),
            ((int)refused.StatusCode, Header(refused, "Access-Control-Allow-Origin"), (int)limited.StatusCode, Header(limited, "Access-Control-Allow-Origin")));
    }

    [Theory]
    [InlineData("https://app.example.evil")]
    [InlineData("http://app.example")]
    [InlineData("https://app.example:8443")]
    [InlineData("null")]
    public async Task Another_origin_is_told_nothing(string origin)
    {
        await using var host = await AccessHost.StartAsync([new("Cors:Origins:0", Origin)]);
        using var http = await host.ClientAsync();
        using var answer = await SendAsync(http, HttpMethod.Get, "/caller", origin);
        using var preflight = await SendAsync(http, HttpMethod.Options, "/caller", origin, isPreflight: true);

        Assert.Equal((null, null), (Header(answer, "Access-Control-Allow-Origin"), Header(preflight, "Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task Without_origins_nobody_is()
    {
        await using var host = await AccessHost.StartAsync();
        using var http = await host.ClientAsync();
        using var answer = await SendAsync(http, HttpMethod.Get, "/caller", Origin);

        Assert.Equal((200, null), ((int)answer.StatusCode, Header(answer, "Access-Control-Allow-Origin")));
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, HttpMethod method, string path, string origin, bool isPreflight = false)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Origin", origin);
        if (isPreflight)
        {
            request.Headers.Add("Access-Control-Request-Method", "POST");
            request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        }

        return http.SendAsync(request, Cancel);
    }

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
