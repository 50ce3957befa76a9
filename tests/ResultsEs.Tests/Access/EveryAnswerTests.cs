using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using ResultsEs.Http;

namespace ResultsEs.Tests.Access;

/// <summary>The contract's table "Every response", over one request for each way of answering.</summary>
public sealed class EveryAnswerTests(AccessHost.Shared shared) : IClassFixture<AccessHost.Shared>
{
    private readonly AccessHost _host = shared.Host;

    public static TheoryData<string, string, int, string> Answers => new()
    {
        { "GET", "/caller", 200, "application/json; charset=utf-8" },
        { "HEAD", "/caller", 200, "application/json; charset=utf-8" },
        { "GET", "/sized", 200, "application/json; charset=utf-8" },
        { "POST", "/api/v2/sessionEvents", 200, "text/plain; charset=utf-8" },
        { "GET", "/bad", 400, "application/problem+json" },
        { "GET", "/hidden", 404, "application/problem+json" },
        { "GET", "/not-mapped", 404, "application/problem+json" },
        { "HEAD", "/not-mapped", 404, "application/problem+json" },
        { "DELETE", "/caller", 405, "application/problem+json" },
        { "GET", "/breaks/too-large", 413, "application/problem+json" },
        { "POST", "/json", 415, "application/problem+json" },
        { "GET", "/breaks/somehow", 500, "application/problem+json" },
        { "GET", "/breaks/duplicate", 500, "application/problem+json" },
        { "GET", "/breaks/refused", 503, "application/problem+json" },
        { "GET", "/breaks/times-out", 503, "application/problem+json" },
        { "GET", "/breaks/shuts-down", 503, "application/problem+json" },
        { "GET", "/health/live", 200, "application/json; charset=utf-8" },
        { "GET", "/health/ready", 200, "application/json; charset=utf-8" },
        { "POST", "/health/ready", 405, "application/problem+json" },
        { "GET", "/.well-known/openid-configuration", 200, "application/json; charset=UTF-8" },
        { "HEAD", "/.well-known/openid-configuration", 200, "application/json; charset=UTF-8" },
        { "GET", "/.well-known/jwks", 200, "application/json; charset=UTF-8" },
        { "POST", "/oauth2/token", 400, "application/json; charset=utf-8" },
        { "GET", "/oauth2/token", 405, "application/problem+json" },
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Every_answer_carries_the_contracts_headers(string method, string path, int status, string contentType)
    {
        using var http = await _host.ClientAsync();
        using var answer = await SendAsync(http, method, path);

        Assert.Equal(
            (status, contentType, "no-store, private", "no-cache", "max-age=31536000; includeSubDomains", false, false, 5),
            ((int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString(), answer.Headers.CacheControl?.ToString(), answer.Headers.Pragma.ToString(),
                Header(answer, "Strict-Transport-Security"), answer.Headers.Contains("ETag"), answer.Content.Headers.Contains("Expires"),
                answer.Headers.Count(h => h.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase))));
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Browsers_take_it_for_what_it_says_and_tell_no_other_site_of_it(string method, string path, int status, string contentType)
    {
        using var http = await _host.ClientAsync();
        using var answer = await SendAsync(http, method, path);

        Assert.Equal(
            (status, contentType, "nosniff", "no-referrer"),
            ((int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString(), Header(answer, "X-Content-Type-Options"), Header(answer, "Referrer-Policy")));
    }

    [Theory]
    [InlineData("GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "200")]
    [InlineData("GET /not-mapped HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "401")]
    [InlineData("nonsense\r\n\r\n", "400")]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "400")]
    [InlineData("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", "505")]
    public async Task Nobody_is_told_what_server_it_is(string request, string status)
    {
        await using var host = await AccessHost.StartAsync(kestrel: true);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", new Uri(host.App.Urls.Single()).Port, Cancel);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Cancel);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(Cancel);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", answer, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Kestrel", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("", "/caller", 401)]
    [InlineData(TestClients.WriteOnly, "/caller", 403)]
    public async Task So_does_every_refusal_of_access(string client, string path, int status)
    {
        using var http = client.Length == 0 ? _host.Anonymous() : await _host.ClientAsync(client);
        using var answer = await SendAsync(http, "GET", path);

        Assert.Equal(
            (status, "application/problem+json", "no-store, private", "no-cache", "max-age=31536000; includeSubDomains", 5),
            ((int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString(), answer.Headers.CacheControl?.ToString(), answer.Headers.Pragma.ToString(),
                Header(answer, "Strict-Transport-Security"), answer.Headers.Count(h => h.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase))));
    }

    [Theory]
    [InlineData("/bad", """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"Bad Request","status":400,"detail":"limit must be from 1 to 500.","errors":{"limit":["It is 0."]}}""")]
    [InlineData("/hidden", """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.5","title":"Not Found","status":404,"detail":"There is nothing here for this caller."}""")]
    [InlineData("/not-mapped?x=y", """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.5","title":"Not Found","status":404,"detail":"There is nothing here for this caller."}""")]
    [InlineData("/hidden/1", """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.5","title":"Not Found","status":404,"detail":"There is nothing here for this caller."}""")]
    [InlineData("/breaks/somehow", """{"type":"https://tools.ietf.org/html/rfc9110#section-15.6.1","title":"An error occurred while processing your request.","status":500,"detail":"The service failed; the trace id finds the reason in its logs."}""")]
    [InlineData("/breaks/refused", """{"type":"https://tools.ietf.org/html/rfc9110#section-15.6.4","title":"Service Unavailable","status":503,"detail":"The service cannot answer just now; Retry-After says how many seconds to wait."}""")]
    public async Task A_problem_tells_the_status_a_trace_id_and_nothing_of_the_code_or_the_request(string path, string expected)
    {
        using var http = await _host.ClientAsync();
        using var answer = await SendAsync(http, "GET", path);

        var problem = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
        Assert.NotEmpty((string)problem["traceId"]!);
        problem.Remove("traceId");
        Assert.Equal(expected, problem.ToJsonString());
    }

    [Fact]
    public async Task A_problem_is_written_whatever_the_request_accepts()
    {
        using var http = await _host.ClientAsync();
        http.DefaultRequestHeaders.Add("Accept", "text/vtt");

        Assert.Equal(
            ["application/problem+json", "application/problem+json", "application/problem+json"],
            new[] { "/hidden", "/not-mapped", "/breaks/somehow" }.Select(path => SendAsync(http, "GET", path).Result.Content.Headers.ContentType!.MediaType!));
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("times-out")]
    [InlineData("shuts-down")]
    public async Task A_transient_failure_says_when_to_try_again(string how)
    {
        using var http = await _host.ClientAsync();
        using var answer = await SendAsync(http, "GET", $"/breaks/{how}");

        Assert.Equal((503, "2"), ((int)answer.StatusCode, answer.Headers.RetryAfter?.ToString()));
    }

    [Theory]
    [InlineData("/caller", "GET, HEAD")]
    [InlineData("/health/live", "GET, HEAD")]
    [InlineData("/oauth2/token", "POST")]
    [InlineData("/api/v2/sessionEvents", "POST")]
    public async Task A_wrong_method_is_told_the_right_ones(string path, string allowed)
    {
        using var http = await _host.ClientAsync();
        using var answer = await SendAsync(http, "DELETE", path);

        Assert.Equal((405, allowed), ((int)answer.StatusCode, string.Join(", ", answer.Content.Headers.Allow)));
    }

    [Theory]
    [InlineData(false, "/sized")]
    [InlineData(true, "/sized")]
    [InlineData(false, "/caller")]
    [InlineData(true, "/caller")]
    [InlineData(false, "/hidden")]
    [InlineData(true, "/hidden")]
    [InlineData(true, "/.well-known/jwks")]
    [InlineData(false, "/started")]
    [InlineData(true, "/started")]
    [InlineData(true, "/piped")]
    [InlineData(true, "/empty")]
    [InlineData(true, "/breaks/somehow")]
    public async Task Head_answers_as_get_without_the_body(bool kestrel, string path)
    {
        await using var host = await AccessHost.StartAsync(kestrel: kestrel);
        using var http = await host.ClientAsync();
        using var get = await SendAsync(http, "GET", path);
        using var head = await SendAsync(http, "HEAD", path);

        Assert.Equal(Described(get), Described(head));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancel));

        // Chunking is about the body, and each answer has a permit less than the one before.
        static string Described(HttpResponseMessage answer) => (int)answer.StatusCode + "\n" + string.Join('\n', answer.Headers.Concat(answer.Content.Headers)
            .Where(h => h.Key is not ("Date" or "Transfer-Encoding" or "x-ratelimit-remaining" or "RateLimit"))
            .Select(h => $"{h.Key}: {string.Join(", ", h.Value)}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_token_request_is_not_read_for_longer_than_one_can_be()
    {
        await using var host = await AccessHost.StartAsync(kestrel: true);
        using var http = host.Anonymous();
        using var answer = await Tokens.RequestAsync(http, TestClients.Reader, new string('x', 20_000));

        Assert.Equal((413, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task Health_lists_the_checks_by_name_to_operators_alone_and_is_503_when_one_fails()
    {
        await using var host = await AccessHost.StartAsync([new("Management:Url", Operators.AnyPort)], services: services => services.AddHealthChecks()
            .AddCheck("database", () => HealthCheckResult.Unhealthy("does not answer", new InvalidOperationException("the password is wrong")))
            .AddCheck("keys", () => HealthCheckResult.Healthy()));
        using var http = host.Anonymous();
        using var ready = await SendAsync(http, "GET", "/health/ready");
        using var live = await SendAsync(http, "GET", "/health/live");

        Assert.Equal(
            (503, """{"status":"Unhealthy"}""", 200, """{"status":"Healthy"}"""),
            ((int)ready.StatusCode, await ready.Content.ReadAsStringAsync(Cancel), (int)live.StatusCode, await live.Content.ReadAsStringAsync(Cancel)));
        var (status, health) = await Operators.ReadyAsync(Operators.Of(host.App.Services));
        foreach (var (_, check) in health["checks"]!.AsObject())
            Assert.True(check!.AsObject().Remove("durationMs"));
        Assert.Equal(
            (503, """{"status":"Unhealthy","checks":{"database":{"status":"Unhealthy","detail":"does not answer"},"keys":{"status":"Healthy"}}}"""),
            ((int)status, health.ToJsonString()));
    }

    [Fact]
    public void Only_outages_are_transient() => Assert.Equal(
        [true, true, true, true, false, false, false, false],
        new Exception?[]
        {
            new NpgsqlException("x", new TimeoutException()),
            new InvalidOperationException("x", new PostgresException("x", "x", "x", PostgresErrorCodes.ReadOnlySqlTransaction)),
            new InvalidOperationException("x", new InvalidOperationException("y", new SocketException(111))),
            new AggregateException(new InvalidOperationException("x"), new PostgresException("x", "x", "x", PostgresErrorCodes.TooManyConnections)),
            new PostgresException("x", "x", "x", PostgresErrorCodes.UniqueViolation),
            new NpgsqlException("x"),
            new InvalidOperationException("x"),
            null,
        }.Select(Failures.IsTransient));

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, string method, string path)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST")
            request.Content = new StringContent("x", Encoding.UTF8, "text/plain");
        return http.SendAsync(request, Cancel);
    }

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
