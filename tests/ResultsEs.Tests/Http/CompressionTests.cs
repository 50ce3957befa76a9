using System.IO.Compression;
using System.Net;
using System.Text;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Http;

/// <summary>Compressed answers: where the client asks and the answer holds no secret, and the same bytes within.</summary>
public sealed class CompressionTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("gzip, deflate, br, zstd", "br")]
    [InlineData("br;q=0.1, gzip", "gzip")]
    [InlineData("zstd", null)]
    [InlineData("identity", null)]
    [InlineData("br;q=0", null)]
    [InlineData(null, null)]
    public async Task A_session_comes_as_the_client_asks_with_the_same_content(string? accepted, string? encoding)
    {
        using var http = await ClientAsync();
        var session = TestData.SessionWithEverything();
        await http.RecordAsync(session);
        foreach (var path in new[] { $"/api/v3/sessionResults/{session.Id}", $"/api/v2/sessionResults/{session.Id}" })
        {
            using var plain = await GetAsync(http, path, null);
            using var answer = await GetAsync(http, path, accepted);

            Assert.Equal(
                (encoding, "Accept-Encoding"),
                (answer.Content.Headers.ContentEncoding.SingleOrDefault(), string.Join(", ", answer.Headers.Vary)));
            Assert.Equal(await TextAsync(plain), await TextAsync(answer));
        }
    }

    [Fact]
    public async Task Lines_and_transcripts_are_compressed_too_and_a_range_of_bytes_is_not()
    {
        using var http = await ClientAsync();
        var session = TestData.SessionWithEverything().With("SessionTranscribed", TranscriptOf(200));
        await http.RecordAsync(session);
        using var export = await GetAsync(http, $"/api/v3/testResults/{session.TestId}/sessionResults?status=COMPLETE&status=IN_PROGRESS&status=ABANDONED", "gzip");
        using var transcript = await GetAsync(http, $"/api/v2/sessionResults/{session.Id}/transcript", "br");
        using var range = await GetAsync(http, $"/api/v2/sessionResults/{session.Id}/transcript", "br", "bytes=0-1999");

        Assert.Equal(("gzip", "br", 0), (export.Content.Headers.ContentEncoding.Single(), transcript.Content.Headers.ContentEncoding.Single(), range.Content.Headers.ContentEncoding.Count));
        Assert.Contains(session.Id.ToString(), await TextAsync(export), StringComparison.Ordinal);
        Assert.StartsWith("WEBVTT\n", await TextAsync(transcript), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.PartialContent, 2_000), (range.StatusCode, (await range.Content.ReadAsByteArrayAsync(Cancel)).Length));
    }

    [Fact]
    public async Task So_are_tests_and_workspaces_of_the_first_version()
    {
        using var http = await ClientAsync();
        var session = TestData.Session();
        for (var i = 0; i < 20; i++)
            session.WithAnswer(Answers.Nps(i % 11)).But("data.text", $"\"{new string('t', 100)}\"");
        await http.RecordAsync(session);
        foreach (var path in new[] { "/v1/workspaces", $"/v1/workspaces/{TestClients.WorkspaceA}", $"/v1/studies/{session.TestId}" })
        {
            using var plain = await GetAsync(http, path, null);
            using var answer = await GetAsync(http, path, "br");
            var text = await TextAsync(plain);

            Assert.Equal((HttpStatusCode.OK, "Accept-Encoding"), (answer.StatusCode, string.Join(", ", answer.Headers.Vary)));
            Assert.Equal(Encoding.UTF8.GetByteCount(text) < 1_400 ? null : "br", answer.Content.Headers.ContentEncoding.SingleOrDefault());
            Assert.Equal(text.Length, (await TextAsync(answer)).Length);
        }
    }

    [Fact]
    public async Task An_answer_with_a_secret_never_is()
    {
        using var http = await ClientAsync();
        var session = TestData.Session().WithVideo();
        await http.RecordAsync(session);
        http.DefaultRequestHeaders.Add("Accept-Encoding", "br, gzip");
        using var token = await Tokens.RequestAsync(http, TestClients.Reader, TestClients.Secret);
        using var url = await http.GetAsync(new Uri($"/api/v2/sessionResults/{session.Id}/videoDownloadUrl", UriKind.Relative), Cancel);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (token.StatusCode, url.StatusCode));
        Assert.Empty(token.Content.Headers.ContentEncoding);
        Assert.Empty(url.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task Small_answers_and_problems_are_sent_as_they_are()
    {
        using var http = await ClientAsync();
        using var missing = await GetAsync(http, $"/api/v3/sessionResults/{Guid.NewGuid()}", "br");
        using var tests = await GetAsync(http, "/api/v2/testResults?limit=1", "br");

        Assert.Empty(missing.Content.Headers.ContentEncoding);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal(HttpStatusCode.OK, tests.StatusCode);
    }

    /// <summary>Without the check against the description, which reads plain bodies.</summary>
    private async Task<HttpClient> ClientAsync()
    {
        var http = app.Host.Server.CreateClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", await app.TokenAsync());
        return http;
    }

    private static System.Text.Json.Nodes.JsonObject TranscriptOf(int cues) => new()
    {
        ["language"] = "en-GB",
        ["cues"] = new System.Text.Json.Nodes.JsonArray([.. Enumerable.Range(0, cues).Select(i => new System.Text.Json.Nodes.JsonObject
        {
            ["startMs"] = i * 1_000,
            ["endMs"] = (i * 1_000) + 900,
            ["text"] = $"This is cue {i}.",
        })]),
    };

    private static Task<HttpResponseMessage> GetAsync(HttpClient http, string path, string? accepted, string? range = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accepted is not null)
            request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        if (range is not null)
            request.Headers.TryAddWithoutValidation("Range", range);
        return http.SendAsync(request, Cancel);
    }

    private static async Task<string> TextAsync(HttpResponseMessage answer)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(Cancel);
        await using var plain = answer.Content.Headers.ContentEncoding.SingleOrDefault() switch
        {
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "gzip" => (Stream)new GZipStream(body, CompressionMode.Decompress),
            _ => body,
        };
        using var reader = new StreamReader(plain, Encoding.UTF8);
        return await reader.ReadToEndAsync(Cancel);
    }
}
