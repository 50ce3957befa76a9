using System.Net.Http.Headers;
using System.Text;
using ResultsEs.Postgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Postgres;

namespace ResultsEs.Tests.Ingestion.Import;

/// <summary>Lines over the real web server, whose own limits must not be ours.</summary>
public sealed class LargeBodyTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_of_more_than_the_servers_30_MB_is_taken(bool chunked)
    {
        using var data = new TempFolder();
        using var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
            (DataFolder.Variable, data.Path),
            ("Access__Issuer", "http://results.example/"),
            .. TestClients.Settings().Select(setting => (setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value!)),
        ]);
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));

        var (first, last) = (A.Session(), A.Session());
        var blank = new string(' ', 99) + "\n";
        var body = PostEventLinesTests.LinesOf(first) + "\n" + string.Concat(Enumerable.Repeat(blank, 400_000)) + PostEventLinesTests.LinesOf(last);
        using var content = new StringContent(body, Encoding.UTF8, MediaTypeHeaderValue.Parse("application/x-ndjson"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v2/sessionEvents") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        PostEventLinesTests.AssertAnswer(await answer.JsonAsync(), lines: 2, accepted: 2);
        Assert.NotNull(await http.ResultAsync(last.Id));
    }
}
