using System.IO.Compression;
using System.Net;
using System.Text;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Content encodings: those that are taken, what they may unpack to, and the names of the others.</summary>
public sealed class PackedBodyTests(AppFixture app)
{
    private const string Lines = "application/x-ndjson";
    private const int MaxBody = 4 * 1024 * 1024;

    [Theory]
    [InlineData(Recorder.Batch, "gzip")]
    [InlineData(Recorder.Batch, "x-gzip")]
    [InlineData(Recorder.Batch, "GZip")]
    [InlineData(Recorder.Batch, "identity", "gzip")]
    [InlineData(Recorder.Batch, "gzip, identity")]
    [InlineData("application/cloudevents+json", "gzip")]
    [InlineData("application/json", "gzip")]
    [InlineData(Lines, "gzip")]
    [InlineData(Lines, "identity, x-gzip")]
    public async Task A_packed_body_is_taken(string contentType, params string[] encodings)
    {
        var session = TestData.Session();
        var text = contentType == Recorder.Batch ? session.Json() : session.Events[0].ToJsonString();
        using var content = BinaryModeTests.Content(Packed(text), contentType, encodings);
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
        Assert.Single(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(Recorder.Batch, "identity")]
    [InlineData(Recorder.Batch, "")]
    [InlineData(Lines, "identity")]
    [InlineData(Lines, "Identity, identity")]
    public async Task Identity_is_no_encoding(string contentType, string encoding)
    {
        var session = TestData.Session();
        var text = contentType == Recorder.Batch ? session.Json() : session.Events[0].ToJsonString();
        using var content = BinaryModeTests.Content(Encoding.UTF8.GetBytes(text), contentType, encoding);
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    [Fact]
    public async Task Data_in_binary_mode_may_be_packed()
    {
        var sent = TestData.Session().Events[0];
        using var request = BinaryModeTests.Request(sent, body: Packed(sent["data"]!.ToJsonString()), encodings: "gzip");
        using var answer = await (await app.ClientAsync()).SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    [Theory]
    [InlineData(Recorder.Batch, "br", "br")]
    [InlineData(Recorder.Batch, "deflate", "deflate")]
    [InlineData(Recorder.Batch, "zstd, identity", "zstd")]
    [InlineData(Recorder.Batch, "gzip, gzip", "gzip, gzip")]
    [InlineData(Lines, "compress", "compress")]
    [InlineData("text/plain", "br", "br")]
    public async Task Another_encoding_is_refused_by_name(string contentType, string encoding, string named)
    {
        using var content = BinaryModeTests.Content("[]"u8.ToArray(), contentType, encoding);
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal(
            $"The content encoding {named} is not taken. Send the body as it is, or packed by gzip.",
            (string?)(await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType))["detail"]);
        Assert.Equal("gzip, identity", string.Join(", ", answer.Headers.GetValues("Accept-Encoding")));
    }

    [Theory]
    [InlineData(MaxBody, true)]
    [InlineData(MaxBody + 1, false)]
    [InlineData(200 * 1024 * 1024, false)]
    public async Task A_body_is_bounded_by_what_it_unpacks_to(int length, bool taken)
    {
        var session = TestData.Session();
        var json = session.Json();
        using var content = BinaryModeTests.Content(Packed(json, blanks: length - json.Length), Recorder.Batch, "gzip");
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        if (taken)
            Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
        else
            Assert.Equal(
                "A request may have at most 4194304 bytes; send the events in several requests.",
                (string?)(await answer.ProblemAsync(HttpStatusCode.RequestEntityTooLarge))["detail"]);
    }

    [Fact]
    public async Task Packed_lines_that_unpack_to_too_much_end_and_say_how_far_they_came()
    {
        var session = TestData.Session();
        // Members of a gzip file follow each other.
        var blanks = Packed("", blanks: 16 * 1024 * 1024);
        byte[] body = [.. Packed(session.Events[0].ToJsonString() + "\n"), .. Enumerable.Repeat(blanks, 17).SelectMany(bytes => bytes)];
        using var content = BinaryModeTests.Content(body, Lines, "gzip");
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        var problem = await answer.ProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        Assert.Equal(
            "The body unpacks to more than 268435456 bytes; every line through 1 is stored or refused. Send the lines after it again, or all of them.",
            (string?)problem["detail"]);
        Assert.Equal(1, (long?)problem["storedThroughLine"]);
        Assert.Single(await app.StoredAsync(session.Id));
    }

    /// <summary>One that was cut off must not be taken for a whole one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(200)]
    public async Task A_body_that_is_cut_off_is_refused(int missing)
    {
        var session = TestData.Session().Completed();
        using var content = BinaryModeTests.Content(Packed(session.Json())[..^missing], Recorder.Batch, "gzip");
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal(
            "The body is not whole gzip, as its content encoding says; nothing of the request is stored.",
            (string?)(await answer.ProblemAsync(HttpStatusCode.BadRequest))["detail"]);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(Recorder.Batch, "nothing of the request is stored.")]
    [InlineData(Lines, "every line through 0 is stored or refused. Send the lines after it again, or all of them.")]
    public async Task A_body_that_is_no_gzip_is_refused(string contentType, string rest)
    {
        using var content = BinaryModeTests.Content(Encoding.UTF8.GetBytes(TestData.Session().Json()), contentType, "gzip");
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal($"The body is not whole gzip, as its content encoding says; {rest}", (string?)(await answer.ProblemAsync(HttpStatusCode.BadRequest))["detail"]);
    }

    [Fact]
    public async Task Packed_lines_that_are_cut_off_say_how_far_they_came()
    {
        var sessions = Enumerable.Range(0, 3_000).Select(_ => TestData.Session()).ToList();
        var body = Packed(string.Concat(sessions.Select(session => session.Events[0].ToJsonString() + "\n")));
        using var content = BinaryModeTests.Content(body[..^2_000], Lines, "gzip");
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        var through = (int)problem["storedThroughLine"]!;
        Assert.InRange(through, 1, 2_999);
        Assert.Single(await app.StoredAsync(sessions[through - 1].Id));
        Assert.Empty(await app.StoredAsync(sessions[^1].Id));
    }

    internal static byte[] Packed(string text, int blanks = 0)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
            var some = Encoding.UTF8.GetBytes(new string(' ', 1024 * 1024));
            for (; blanks > 0; blanks -= some.Length)
                gzip.Write(some, 0, Math.Min(blanks, some.Length));
        }

        return packed.ToArray();
    }
}
