using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Sessions;

/// <summary>How a session's result is asked for and refused, the same in both versions.</summary>
public sealed partial class ReadingTests(AppFixture app)
{
    /// <summary>What no two answers have in common.</summary>
    private static readonly string[] OfTheMoment = ["Date", "x-ratelimit-remaining", "x-ratelimit-reset", "RateLimit"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> MalformedIds =>
    [
        .. Versions(
            "not-a-uuid",
            "123",
            "0192f1c4000070008000000000000001",
            "{0192f1c4-0000-7000-8000-000000000001}",
            "0192f1c4-0000-7000-8000-00000000000g",
            "0192f1c4-0000-7000-8000-0000000000012",
            "%200192f1c4-0000-7000-8000-000000000001",
            "0x92f1c4-0000-7000-8000-000000000001",
            "+192f1c4-0000-7000-8000-000000000001"),
    ];

    public static TheoryData<string, string> OtherMethods => [.. Versions("POST", "PUT", "DELETE", "PATCH")];

    public static TheoryData<string, string, string> Conditions =>
    [
        .. from version in new[] { "v2", "v3" }
           from condition in new[]
           {
               ("If-None-Match", "*"),
               ("If-None-Match", "\"1\""),
               ("If-Match", "\"1\""),
               ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
               ("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"),
               ("Range", "bytes=0-3"),
           }
           select (version, condition.Item1, condition.Item2),
    ];

    [Theory]
    [MemberData(nameof(MalformedIds))]
    public async Task An_id_that_is_not_a_UUID_is_refused(string version, string id)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.GetAsync(new Uri($"/api/{version}/sessionResults/{id}", UriKind.Relative), Cancelled);

        var problem = await answer.JsonAsync();
        Assert.True(problem.Remove("traceId"));
        Assert.Equal(
            (HttpStatusCode.BadRequest, """{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"Bad Request","status":400,"detail":"The request\u0027s parameters are malformed.","errors":{"sessionId":["must be a UUID"]}}"""),
            (answer.StatusCode, problem.ToJsonString()));
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task An_id_in_capital_letters_is_the_same_id(string version)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);

        using var answer = await http.GetAsync(new Uri($"/api/{version}/sessionResults/{session.Id.ToString().ToUpperInvariant()}", UriKind.Relative), Cancelled);
        Assert.Equal(session.Id, (Guid)(await answer.JsonAsync())["sessionId"]!);
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task What_is_not_there_and_what_is_not_the_callers_read_alike(string version)
    {
        using var http = await app.ClientAsync();
        using var elsewhere = await app.ClientAsync(TestClients.OtherWorkspace);
        using var otherAccount = await app.ClientAsync(TestClients.OtherAccount);
        var inOtherWorkspace = TestData.Session(TestClients.WorkspaceB).WithAnswer(Answers.Nps(9)).Completed();
        var ofOtherAccount = TestData.Session(TestClients.WorkspaceOfTwo).WithAnswer(Answers.Nps(9)).Completed();
        // Of a workspace with the caller's workspace id, so that nothing but the account keeps it apart.
        using var namesake = await app.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        var ofNamesake = TestData.Session(TestClients.WorkspaceA).WithAnswer(Answers.Nps(9)).Completed();
        var notStarted = TestData.SessionOnly().WithAnswer(Answers.Nps(9));
        await namesake.RecordAsync(ofNamesake);
        await elsewhere.RecordAsync(inOtherWorkspace);
        await otherAccount.RecordAsync(ofOtherAccount);
        await http.RecordAsync(notStarted);

        var answers = new List<string>();
        foreach (var id in new[] { Guid.NewGuid(), inOtherWorkspace.Id, ofOtherAccount.Id, ofNamesake.Id, notStarted.Id })
        {
            using var answer = await http.GetResultAsync(id, version);
            answers.Add(await DescribedAsync(answer));
        }

        Assert.StartsWith("404 ", answers[0], StringComparison.Ordinal);
        Assert.Single(answers.Distinct(StringComparer.Ordinal));
        Assert.Equal(inOtherWorkspace.Id, (Guid)(await elsewhere.ResultAsync(inOtherWorkspace.Id, version))["sessionId"]!);
        Assert.Equal(ofOtherAccount.Id, (Guid)(await otherAccount.ResultAsync(ofOtherAccount.Id, version))["sessionId"]!);
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task A_member_of_two_workspaces_reads_the_sessions_of_both(string version)
    {
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var (a, b) = (TestData.Session(TestClients.WorkspaceA), TestData.Session(TestClients.WorkspaceB));
        await both.RecordAsync(a);
        await both.RecordAsync(b);

        Assert.Equal(
            [a.Id, b.Id],
            [(Guid)(await both.ResultAsync(a.Id, version))["sessionId"]!, (Guid)(await both.ResultAsync(b.Id, version))["sessionId"]!]);
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task One_session_id_in_two_accounts_is_two_sessions(string version)
    {
        using var one = await app.ClientAsync();
        using var two = await app.ClientAsync(TestClients.OtherAccount);
        var mine = TestData.Session().WithAnswer(Answers.Nps(9));
        var theirs = TestData.SessionOnly(mine.Id).Started(TestClients.WorkspaceOfTwo);
        await one.RecordAsync(mine);
        await two.RecordAsync(theirs);

        Assert.Equal(
            [TestClients.WorkspaceA, TestClients.WorkspaceOfTwo],
            [(Guid)(await one.ResultAsync(mine.Id, version))["workspaceId"]!, (Guid)(await two.ResultAsync(mine.Id, version))["workspaceId"]!]);
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task Head_answers_as_get_without_the_body(string version)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Image());
        await http.RecordAsync(session);

        foreach (var id in new[] { session.Id.ToString(), Guid.NewGuid().ToString(), "not-a-uuid" })
        {
            using var get = await SendAsync(http, "GET", version, id);
            using var head = await SendAsync(http, "HEAD", version, id);
            var body = await get.Content.ReadAsByteArrayAsync(Cancelled);

            Assert.Equal((get.StatusCode, Headers(get)), (head.StatusCode, Headers(head)));
            Assert.Equal(body.Length.ToString(System.Globalization.CultureInfo.InvariantCulture), head.Content.Headers.NonValidated["Content-Length"].ToString());
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancelled));
        }
    }

    [Theory]
    [MemberData(nameof(OtherMethods))]
    public async Task A_result_can_only_be_read(string version, string method)
    {
        using var http = await app.ClientAsync();
        using var answer = await SendAsync(http, method, version, Guid.NewGuid().ToString());

        Assert.Equal((HttpStatusCode.MethodNotAllowed, "GET, HEAD"), (answer.StatusCode, answer.Content.Headers.NonValidated["Allow"].ToString()));
    }

    [Theory]
    [MemberData(nameof(Conditions))]
    public async Task Conditions_and_ranges_are_ignored(string version, string header, string value)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);

        using var plain = await SendAsync(http, "GET", version, session.Id.ToString());
        http.DefaultRequestHeaders.TryAddWithoutValidation(header, value);
        using var answer = await SendAsync(http, "GET", version, session.Id.ToString());

        Assert.StartsWith("200 ", await DescribedAsync(answer), StringComparison.Ordinal);
        Assert.Equal(await DescribedAsync(plain), await DescribedAsync(answer));
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("v3")]
    public async Task Every_answer_carries_the_contracts_headers(string version)
    {
        using var reader = await app.ClientAsync();
        using var writer = await app.ClientAsync(TestClients.WriteOnly);
        using var stranger = DescribedAnswers.Of(app.Host);
        var session = TestData.Session();
        await reader.RecordAsync(session);

        var id = session.Id.ToString();
        await IsAnsweredAsync(reader, "GET", id, 200, "application/json; charset=utf-8");
        await IsAnsweredAsync(reader, "GET", "not-a-uuid", 400, "application/problem+json");
        await IsAnsweredAsync(stranger, "GET", id, 401, "application/problem+json");
        await IsAnsweredAsync(writer, "GET", id, 403, "application/problem+json");
        await IsAnsweredAsync(reader, "GET", Guid.NewGuid().ToString(), 404, "application/problem+json");
        await IsAnsweredAsync(reader, "DELETE", id, 405, "application/problem+json");

        async Task IsAnsweredAsync(HttpClient http, string method, string path, int status, string contentType)
        {
            using var answer = await SendAsync(http, method, version, path);
            var headers = answer.Headers.NonValidated;
            Assert.Equal(
                (status, contentType, "private, no-store", "no-cache", "max-age=31536000; includeSubDomains"),
                ((int)answer.StatusCode, answer.Content.Headers.NonValidated["Content-Type"].ToString(), headers["Cache-Control"].ToString(),
                    headers["Pragma"].ToString(), headers["Strict-Transport-Security"].ToString()));
            Assert.False(headers.Contains("ETag") || answer.Content.Headers.NonValidated.Contains("Last-Modified"));
            Assert.Equal(status is 401 or 403, headers.Contains("WWW-Authenticate"));

            var (limit, remaining, reset) = (headers["x-ratelimit-limit"].ToString(), headers["x-ratelimit-remaining"].ToString(), headers["x-ratelimit-reset"].ToString());
            var policy = status == 401 ? "anonymous" : method == "GET" ? "default" : "writes";
            Assert.Equal(
                ("100000", $"\"{policy}\";q=100000;w=60", $"\"{policy}\";r={remaining};t={reset}"),
                (limit, headers["RateLimit-Policy"].ToString(), headers["RateLimit"].ToString()));
        }
    }

    private static IEnumerable<(string Version, string Item)> Versions(params string[] items) =>
        from version in new[] { "v2", "v3" }
        from item in items
        select (version, item);

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, string method, string version, string id)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), $"/api/{version}/sessionResults/{id}");
        if (method is "POST" or "PUT" or "PATCH")
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        return http.SendAsync(request, Cancelled);
    }

    /// <summary>Status, headers and body to the byte, without what no two answers have in common.</summary>
    private static async Task<string> DescribedAsync(HttpResponseMessage answer) =>
        $"{(int)answer.StatusCode} {Headers(answer)}\n{TraceId().Replace(await answer.Content.ReadAsStringAsync(Cancelled), "")}";

    private static string Headers(HttpResponseMessage answer) => string.Join('\n', answer.Headers.NonValidated.Concat(answer.Content.Headers.NonValidated)
        .Where(header => !OfTheMoment.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
        .Select(header => $"{header.Key}: {header.Value}")
        .Order(StringComparer.Ordinal));

    [GeneratedRegex("(?<=\"traceId\":\")[^\"]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TraceId();
}
