using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Ingestion;

/// <summary>CloudEvents as SDKs send them by default: attributes as <c>ce-</c> headers, data in base64, a byte-order mark.</summary>
public sealed class BinaryModeTests(AppFixture app)
{
    private const string ByteOrderMark = "\uFEFF";

    [Theory]
    [InlineData("application/json", "ce-")]
    [InlineData("application/json; charset=utf-8", "Ce-")]
    [InlineData("application/vnd.recorder+json", "CE-")]
    [InlineData(null, "ce-")]
    public async Task An_event_of_each_type_is_that_of_structured_mode(string? contentType, string prefix)
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        foreach (var sent in session.Events)
        {
            using var answer = await SendAsync(http, sent, contentType, prefix);
            Assert.Equal("appended", (string?)(await answer.JsonAsync())["events"]![0]!["outcome"]);
        }

        Assert.Equal(session.Events.Count, (int?)(await http.RecordAsync(session))["duplicates"]);
    }

    /// <summary>Structured mode wins by its content type, as the binding says.</summary>
    [Fact]
    public async Task Headers_beside_an_event_in_structured_mode_mean_nothing()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session();
        using var content = Content(Encoding.UTF8.GetBytes(session.Events[0].ToJsonString()), "application/cloudevents+json");
        content.Headers.TryAddWithoutValidation("ce-id", "7");
        using var answer = await http.SendAsync(content);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    [Theory]
    [InlineData("/recorder/%C3%A9t%c3%a9/%F0%9F%98%80", "/recorder/été/😀")]
    [InlineData("/recorder/100%25", "/recorder/100%")]
    [InlineData("/recorder/%2525", "/recorder/%25")]
    [InlineData("\"/recorder/a%20b\"", "/recorder/a b")]
    [InlineData("\"/recorder/\\\"a\\\"\"", "/recorder/\"a\"")]
    [InlineData("/recorder/%22a%22", "/recorder/\"a\"")]
    public async Task Headers_are_percent_decoded_once(string header, string source)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().But("source", JsonValue.Create(header).ToJsonString());
        using var answer = await SendAsync(http, session.Events[0]);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
        Assert.Equal(source, (string?)(await app.StoredAsync(session.Id))[0].Headers["source"]);
    }

    public static TheoryData<string, string?, string> WrongHeaders() => new()
    {
        { "id", null, "is required (header ce-id)" },
        { "id", "seven", "must be a UUID (header ce-id)" },
        { "source", null, "is required (header ce-source)" },
        { "source", "/recorder/50%", "must be percent-encoded UTF-8 (header ce-source)" },
        { "source", "/recorder/%zz", "must be percent-encoded UTF-8 (header ce-source)" },
        { "source", "/recorder/%FF", "must be percent-encoded UTF-8 (header ce-source)" },
        { "specversion", null, "is required (header ce-specversion)" },
        { "specversion", "0.3", "must be 1.0 (header ce-specversion)" },
        { "type", null, "is required (header ce-type)" },
        { "type", "results.Unknown.v9", "must be an event that this service knows, such as results.TaskAnswered.v1 (header ce-type)" },
        { "subject", null, "is required (header ce-subject)" },
        { "time", "yesterday", "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z (header ce-time)" },
        { "traceparent", "%00", "must not contain U+0000 or half a surrogate pair (header ce-traceparent)" },
    };

    [Theory]
    [MemberData(nameof(WrongHeaders))]
    public async Task What_is_wrong_with_an_attribute_names_its_header(string name, string? value, string message)
    {
        var session = TestData.Session().But(name, value is null ? null : JsonValue.Create(value).ToJsonString());
        using var answer = await SendAsync(await app.ClientAsync(), session.Events[0]);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal(new JsonObject { [$"[0].{name}"] = new JsonArray(message) }, problem["errors"], JsonNode.DeepEquals);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task A_header_may_not_be_repeated()
    {
        var session = TestData.Session();
        using var request = Request(session.Events[0]);
        request.Headers.TryAddWithoutValidation("ce-id", Guid.NewGuid().ToString());
        using var answer = await (await app.ClientAsync()).SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("""{"[0].id":["must be there once (header ce-id)"]}""", (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task Extension_attributes_in_any_encoding_are_let_pass()
    {
        using var request = Request(TestData.Session().Events[0]);
        request.Headers.TryAddWithoutValidation("ce-partitionkey", "50%");
        request.Headers.TryAddWithoutValidation("ce-datacontenttype", "text/xml");
        request.Headers.TryAddWithoutValidation("ce-data", "{}");
        using var answer = await (await app.ClientAsync()).SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    [Theory]
    [InlineData("{\"a\":1},\"subject\":\"x\"")]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("{} {}")]
    public async Task The_body_is_the_data_and_nothing_else(string body)
    {
        var session = TestData.Session();
        using var request = Request(session.Events[0], body: Encoding.UTF8.GetBytes(body));
        using var answer = await (await app.ClientAsync()).SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(
            """{"$":["must be JSON, as the data of a CloudEvent in binary mode"]}""",
            (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task What_is_wrong_in_the_data_is_named_by_its_path()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But("data.answer.score", "11").But("data.text", null);
        using var answer = await SendAsync(await app.ClientAsync(), session.Events[1]);
        Assert.Equal("""{"[0].data.text":["is required"]}""", (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("text/xml", "The content type text/xml is not taken. With ce- headers the body is the event's data; send it as application/json.")]
    [InlineData("application/json; charset=utf-16", "The charset utf-16 is not taken. Send application/cloudevents+json, application/cloudevents-batch+json, application/json or application/x-ndjson, in UTF-8.")]
    public async Task Other_data_than_JSON_is_refused_by_name(string contentType, string detail)
    {
        using var answer = await SendAsync(await app.ClientAsync(), TestData.Session().Events[0], contentType);
        Assert.Equal(detail, (string?)(await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType))["detail"]);
    }

    [Theory]
    [InlineData("application/json", "")]
    [InlineData(null, "")]
    [InlineData("application/vnd.recorder+json; charset=utf-8", ByteOrderMark)]
    public async Task Data_may_come_in_base64(string? contentType, string mark)
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        var structured = session.Json();
        foreach (var e in session.Events)
        {
            e["data_base64"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(mark + e["data"]!.ToJsonString()));
            e["data"] = null;
            if (contentType is not null)
                e["datacontenttype"] = contentType;
        }

        Assert.Equal(session.Events.Count, (int?)(await http.RecordAsync(session))["accepted"]);
        using var again = await http.SendAsync(structured);
        Assert.Equal(session.Events.Count, (int?)(await again.JsonAsync())["duplicates"]);
    }

    [Theory]
    [InlineData("{\"data_base64\":\"{0}\",\"data\":null,")]
    [InlineData("{\"data\":null,\"data_base64\":\"{0}\",")]
    [InlineData("{\"data_base64\":\"{0}\",")]
    public async Task A_null_beside_data_in_base64_is_an_absent_member(string begin)
    {
        var session = TestData.Session();
        var data = Convert.ToBase64String(Encoding.UTF8.GetBytes(session.Events[0]["data"]!.ToJsonString()));
        session.But("data", null);
        using var answer = await (await app.ClientAsync()).SendAsync(
            begin.Replace("{0}", data, StringComparison.Ordinal) + session.Events[0].ToJsonString()[1..], "application/cloudevents+json");
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    [Theory]
    [InlineData("data.answer.score", "11", "[0].data.answer.score", "must be a whole number from 0 to 10, not 11")]
    [InlineData("data.unheardOf", "\"\\u0000\"", "[0].data.unheardOf", "must not contain U+0000 or half a surrogate pair")]
    [InlineData("data.unheardOf", "1e400", "[0].data.unheardOf", "must be a number of at most 350 characters when it is written without an exponent")]
    public async Task What_is_wrong_in_data_in_base64_is_named_as_in_data(string path, string json, string key, string message)
    {
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9)).But(path, "\"there\"");
        var data = session.Events[0]["data"]!.ToJsonString().Replace("\"there\"", json, StringComparison.Ordinal);
        session.Events[0]["data_base64"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(data));
        using var answer = await (await app.ClientAsync()).SendAsync(session.But("data", null));
        Assert.Equal(new JsonObject { [key] = new JsonArray(message) }, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"], JsonNode.DeepEquals);
    }

    [Theory]
    [InlineData(30, true)]
    [InlineData(31, false)]
    public async Task Data_in_base64_may_have_as_many_levels_as_other_data(int levels, bool taken)
    {
        var session = TestData.Session().But("data.unheardOf", JsonChanges.Nested(levels));
        session.Events[0]["data_base64"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(session.Events[0]["data"]!.ToJsonString()));
        using var answer = await (await app.ClientAsync()).SendAsync(session.But("data", null));
        Assert.Equal(taken ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.StatusCode);
    }

    /// <summary>Base64 is a spelling too: what counts is what is stored.</summary>
    [Theory]
    [InlineData(250_000, true)]
    [InlineData(262_144, false)]
    public async Task Data_in_base64_counts_as_what_it_holds(int length, bool taken)
    {
        var session = TestData.Session().But("data.unheardOf", $"\"x*{length}\"");
        session.Events[0]["data_base64"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(session.Events[0]["data"]!.ToJsonString()));
        using var answer = await (await app.ClientAsync()).SendAsync(session.But("data", null));
        Assert.Equal(taken ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("application/cloudevents+json")]
    [InlineData("application/cloudevents-batch+json")]
    [InlineData("application/json")]
    public async Task A_byte_order_mark_before_the_body_does_not_matter(string contentType)
    {
        var session = TestData.Session();
        var json = contentType.Contains("batch", StringComparison.Ordinal) ? session.Json() : session.Events[0].ToJsonString();
        using var answer = await (await app.ClientAsync()).SendAsync(ByteOrderMark + json, contentType);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    [Fact]
    public async Task A_byte_order_mark_before_data_in_binary_mode_does_not_matter()
    {
        var sent = TestData.Session().Events[0];
        using var request = Request(sent, body: Encoding.UTF8.GetBytes(ByteOrderMark + sent["data"]!.ToJsonString()));
        using var answer = await (await app.ClientAsync()).SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
    }

    internal static HttpContent Content(byte[] body, string? contentType, params string[] encodings)
    {
        var content = new ByteArrayContent(body);
        if (contentType is not null)
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (encodings.Length > 0)
            content.Headers.TryAddWithoutValidation("Content-Encoding", encodings);
        return content;
    }

    internal static HttpRequestMessage Request(
        JsonObject sent, string? contentType = "application/json", string prefix = "ce-", byte[]? body = null, params string[] encodings)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/v2/sessionEvents", UriKind.Relative))
        {
            Content = Content(body ?? Encoding.UTF8.GetBytes(sent["data"]!.ToJsonString()), contentType, encodings),
        };
        foreach (var (name, value) in sent.Where(member => member.Key != "data"))
            request.Headers.TryAddWithoutValidation(prefix + name, (string)value!);
        return request;
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, JsonObject sent, string? contentType = "application/json", string prefix = "ce-")
    {
        using var request = Request(sent, contentType, prefix);
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
