using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Each limit of rule 5 at its edge, and one beyond.</summary>
public sealed class LimitTests(AppFixture app)
{
    private const int EventLimit = 262_144;

    [Fact]
    public async Task A_thousand_events_are_taken()
    {
        var session = Many(1_000);
        var response = await (await app.ClientAsync()).RecordAsync(session);
        Assert.Equal(1_000, (int?)response["accepted"]);
        Assert.Equal(1_000, (await app.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task More_than_a_thousand_events_are_refused()
    {
        var session = Many(1_001);
        using var answer = await (await app.ClientAsync()).SendAsync(session);
        Assert.Equal(
            "A request may have at most 1000 events, not 1001; send them in several requests.",
            (string?)(await answer.ProblemAsync(HttpStatusCode.RequestEntityTooLarge))["detail"]);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_of_4_MiB_is_taken(bool chunked)
    {
        var session = TestData.Session();
        using var content = Content(Padded(session.Json(), 4 * 1024 * 1024), chunked);
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal(1, (int?)(await answer.JsonAsync())["accepted"]);
        Assert.Single(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_of_more_than_4_MiB_is_refused(bool chunked)
    {
        var session = TestData.Session();
        using var content = Content(Padded(session.Json(), (4 * 1024 * 1024) + 1), chunked);
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        Assert.Equal(
            "A request may have at most 4194304 bytes; send the events in several requests.",
            (string?)(await answer.ProblemAsync(HttpStatusCode.RequestEntityTooLarge))["detail"]);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(EventLimit, true)]
    [InlineData(EventLimit + 1, false)]
    public async Task An_event_may_have_256_KiB(int size, bool taken)
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But("data.unheardOf", "\"\"");
        var room = size - Encoding.UTF8.GetByteCount(session.Events[1].ToJsonString());
        session.But("data.unheardOf", $"\"x*{room}\"");

        using var answer = await (await app.ClientAsync()).SendAsync(session);
        if (taken)
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(room, ((string)(await app.StoredAsync(session.Id))[1].Data["unheardOf"]!).Length);
        }
        else
        {
            var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
            Assert.Equal(new JsonObject { ["[1]"] = new JsonArray($"must have at most {EventLimit} bytes as stored, not {EventLimit + 1}") }, problem["errors"], JsonNode.DeepEquals);
            Assert.Empty(await app.StoredAsync(session.Id));
        }
    }

    [Fact]
    public void Blanks_do_not_count_towards_the_size_of_an_event() =>
        Assert.Empty(Problems($"[{TestData.Session().Events[0].ToJsonString()[..^1]}{new string(' ', EventLimit)}}}]"));

    [Fact]
    public async Task Thirty_two_levels_are_taken_wherever_they_are_shown_again()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Figma()).But("data.answer.unheardOf", JsonChanges.Nested(29))
            .WithAnswer(Answers.Written("x")).But("data.answer", $$"""{"type":"HOLOGRAM","unheardOf":{{JsonChanges.Nested(29)}}}""");
        session.WithInteraction(session.Tasks[0], 1, "NEW_STATE").But("data.unheardOf", JsonChanges.Nested(30)).But("data.stateMappings", JsonChanges.Nested(30));
        // Before its answer: the interaction waits in the document's other half.
        session.WithInteraction(Guid.NewGuid(), 1, "NEW_STATE").But("data.unheardOf", JsonChanges.Nested(30));
        await http.RecordAsync(session);
        // The document is read back when the next event comes.
        session.Events.Clear();
        await http.RecordAsync(session.Completed());

        var shown = (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["figma"]!["interactions"]![0]!;
        Assert.Equal(JsonChanges.Nested(30), shown["unheardOf"]!.ToJsonString());
        Assert.Equal(6, (await app.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task Thirty_three_levels_are_refused()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But("data.unheardOf", JsonChanges.Nested(31));
        using var answer = await (await app.ClientAsync()).SendAsync(session);
        Assert.Equal(
            """{"[1].data":["must not be nested deeper than 32 levels, the event's own included"]}""",
            Plain((await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]));
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(100_000, HttpStatusCode.OK)]
    [InlineData(100_001, HttpStatusCode.BadRequest)]
    public async Task A_text_may_have_100_000_characters(int length, HttpStatusCode expected)
    {
        var session = TestData.Session().WithAnswer(Answers.Written(new string('ä', length)));
        using var answer = await (await app.ClientAsync()).SendAsync(Encoding.UTF8.GetBytes(Plain(new JsonArray([.. session.Events.Select(e => e.DeepClone())]))));
        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? 2 : 0, (await app.StoredAsync(session.Id)).Count);
    }

    /// <summary>Characters are Unicode scalar values, wherever they are counted, and however they are escaped.</summary>
    [Theory]
    [InlineData("source", 2_048)]
    [InlineData("data.text", 60_000)]
    [InlineData("data.answer.minLabel", 1_000)]
    [InlineData("data.answer.unheardOf", 60_000)]
    public async Task An_emoji_is_one_character_and_four_bytes(string path, int count)
    {
        var http = await app.ClientAsync();
        var emoji = string.Concat(Enumerable.Repeat("😀", count));
        var session = TestData.Session().WithAnswer(Answers.Rating(4)).But(path, JsonValue.Create(emoji).ToJsonString());
        await http.RecordAsync(session);
        using var plain = await http.SendAsync(Encoding.UTF8.GetBytes(session.Json().Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal)));
        Assert.Equal(2, (int?)(await plain.JsonAsync())["duplicates"]);
    }

    [Theory]
    [InlineData("source", 2_049, "must have 1 to 2,048 characters")]
    [InlineData("data.answer.minLabel", 1_001, "must have at most 1,000 characters, not 1001")]
    public void One_emoji_more_is_named(string path, int count, string message)
    {
        var emoji = string.Concat(Enumerable.Repeat("😀", count));
        var session = TestData.Session().WithAnswer(Answers.Rating(4)).But(path, JsonValue.Create(emoji).ToJsonString());
        var problem = Assert.Single(CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json()), CloudEventShapes.Batch).Problems);
        Assert.Equal(($"[1].{path}", message), (problem.Key, problem.Message));
    }

    /// <summary>The size of an event is that of what is stored, however its text is escaped.</summary>
    [Theory]
    [InlineData("é", 99_000)]
    [InlineData("и", 99_000)]
    [InlineData("語", 87_000)]
    [InlineData("😀", 65_000)]
    [InlineData("a", 99_000)]
    public async Task A_text_that_fits_may_be_escaped_letter_by_letter(string letter, int count)
    {
        var http = await app.ClientAsync();
        var text = string.Concat(Enumerable.Repeat(letter, count));
        var session = TestData.Session().WithAnswer(Answers.Written("there"));
        var escaped = string.Concat(text.Select(unit => $"\\u{(int)unit:x4}"));
        using var answer = await http.SendAsync(session.Json().Replace("there", escaped, StringComparison.Ordinal));
        Assert.Equal(2, (int?)(await answer.JsonAsync())["accepted"]);
        Assert.Equal(text, (string?)(await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["written"]!["text"]);
    }

    [Theory]
    [InlineData("\\u8a9e", 3)]
    [InlineData("\\ud83d\\ude00", 4)]
    [InlineData("\\u0061", 1)]
    [InlineData("\\/", 1)]
    [InlineData("\\n", 2)]
    [InlineData("\\u000a", 2)]
    [InlineData("\\u0022", 2)]
    [InlineData("\\u0001", 6)]
    [InlineData("[1e9]", 11)]
    [InlineData("[1e-9]", 12)]
    [InlineData("[-1.50E2]", 5)]
    [InlineData("[1e300]", 302)]
    public void What_is_beyond_the_limit_when_it_is_stored_is_refused_by_that_size(string spelling, int stored)
    {
        var session = TestData.SessionOnly().Completed().But("data.unheardOf", "\"there\"");
        var rest = Encoding.UTF8.GetByteCount(session.Json()[1..^1]) - "\"there\"".Length;
        // Lists of lists, of which none is too long.
        string Value(int count) => spelling[0] == '['
            ? $"[{string.Join(',', Enumerable.Repeat(spelling[1..^1], count).Chunk(10_000).Select(chunk => $"[{string.Join(',', chunk)}]"))}]"
            : $"\"{string.Concat(Enumerable.Repeat(spelling, count))}\"";
        IEnumerable<string> Problems(int count) => CloudEventReader.Read(
            Encoding.UTF8.GetBytes(session.Json().Replace("\"there\"", Value(count), StringComparison.Ordinal)), CloudEventShapes.Batch)
            .Problems.Select(problem => problem.Message);

        var most = (EventLimit - rest - 2) / stored;
        Assert.Empty(Problems(most - 20));
        Assert.StartsWith($"must have at most {EventLimit} bytes as stored, not 26", Assert.Single(Problems(most + 20)), StringComparison.Ordinal);
    }

    /// <summary>Sixteen such events were stored small, and made each next event of their session cost gigabytes.</summary>
    [Theory]
    [InlineData("data.unheardOf")]
    [InlineData("data.answer.unheardOf")]
    [InlineData("data.answer")]
    public async Task Numbers_that_are_large_when_they_are_stored_are_refused(string path)
    {
        var numbers = string.Join(',', Enumerable.Repeat($"[{string.Join(',', Enumerable.Repeat("1e300", 1_000))}]", 40));
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But(path, "\"there\"");
        var json = path == "data.answer" ? $"{{\"type\":\"HOLOGRAM\",\"a\":[{numbers}]}}" : $"[{numbers}]";
        using var answer = await (await app.ClientAsync()).SendAsync(session.Json().Replace("\"there\"", json, StringComparison.Ordinal));
        Assert.StartsWith(
            $"{{\"[1]\":[\"must have at most {EventLimit} bytes as stored, not 120",
            Plain((await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]), StringComparison.Ordinal);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    private static string Plain(JsonNode? json) =>
        json!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static SessionBuilder Many(int count)
    {
        var session = TestData.Session();
        while (session.Events.Count < count)
            session.Sequenced();
        return session;
    }

    private static byte[] Padded(string json, int length) => Encoding.UTF8.GetBytes(json + new string(' ', length - json.Length));

    private static IEnumerable<string> Problems(string body) =>
        CloudEventReader.Read(Encoding.UTF8.GetBytes(body), CloudEventShapes.Batch).Problems.Select(problem => problem.Key);

    private static HttpContent Content(byte[] body, bool chunked)
    {
        HttpContent content = chunked ? new UnknownLength(body) : new ByteArrayContent(body);
        content.Headers.ContentType = new(Recorder.Batch);
        return content;
    }

    /// <summary>A body that goes without a Content-Length.</summary>
    private sealed class UnknownLength(byte[] body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(body).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
