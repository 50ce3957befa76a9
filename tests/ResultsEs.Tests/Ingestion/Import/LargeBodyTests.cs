using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Ingestion.Import;

/// <summary>Lines over the real web server, whose own limits must not be ours.</summary>
public sealed class LargeBodyTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_of_more_than_the_servers_30_MB_is_taken(bool chunked)
    {
        using var data = new TempFolder();
        using var service = await StartAsync(data);
        using var http = await ClientAsync(service);

        var (first, last) = (TestData.Session(), TestData.Session());
        var blank = new string(' ', 99) + "\n";
        var body = PostEventLinesTests.LinesOf(first) + "\n" + string.Concat(Enumerable.Repeat(blank, 400_000)) + PostEventLinesTests.LinesOf(last);
        using var content = new StringContent(body, Encoding.UTF8, MediaTypeHeaderValue.Parse("application/x-ndjson"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v2/sessionEvents") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        using var answer = await http.SendAsync(request, Cancelled);
        PostEventLinesTests.AssertAnswer(await answer.JsonAsync(), lines: 2, accepted: 2);
        Assert.NotNull(await http.ResultAsync(last.Id));
    }

    [Fact]
    public async Task A_service_that_stops_says_through_which_line_all_is_stored()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals.");
        using var data = new TempFolder();
        using var service = await StartAsync(data);
        using var http = await ClientAsync(service);
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        var body = PostEventLinesTests.LinesOf(session) + "\nnonsense\n";

        // By hand: HttpClient looks at no answer before it has sent all, and this body does not end.
        using var client = new TcpClient();
        await client.ConnectAsync(service.Address.Host, service.Address.Port, Cancelled);
        await using var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.UTF8.GetBytes(
                $"POST /api/v2/sessionEvents HTTP/1.1\r\nHost: {service.Address.Authority}\r\nAuthorization: {http.DefaultRequestHeaders.Authorization}\r\n" +
                $"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n{Encoding.UTF8.GetByteCount(body):x}\r\n{body}\r\n"),
            Cancelled);
        await http.RecordAsync(TestData.Session());

        var stopping = service.StopAsync();
        using var reader = new StreamReader(stream);
        var answer = new StringBuilder();
        while (!answer.ToString().Contains("storedThroughLine", StringComparison.Ordinal))
        {
            var buffer = new char[4_096];
            var count = await reader.ReadAsync(buffer, Cancelled);
            Assert.True(count > 0, answer.ToString());
            answer.Append(buffer, 0, count);
        }

        var text = answer.ToString();
        Assert.StartsWith("HTTP/1.1 503 ", text, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: ", text, StringComparison.Ordinal);
        Assert.Contains("The service is stopping; every line through 3 is stored or refused. Send the lines after it again, or all of them.", text, StringComparison.Ordinal);
        Assert.Contains("\"storedThroughLine\":3,\"refused\":1,\"refusals\":[{\"line\":3,", text, StringComparison.Ordinal);
        client.Close();
        await stopping;
    }

    private static async Task<ServiceProcess> StartAsync(TempFolder data)
    {
        var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
            (DataFolder.Variable, data.Path),
            ("Access__Issuer", "http://results.example/"),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ]);
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        return service;
    }

    private static async Task<HttpClient> ClientAsync(ServiceProcess service)
    {
        var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        return http;
    }
}
