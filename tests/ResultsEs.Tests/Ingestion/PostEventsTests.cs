using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Ingestion;

/// <summary>What a recorder sends, what it is answered, and what is then stored.</summary>
public sealed class PostEventsTests(AppFixture app)
{
    private const string Single = "application/cloudevents+json";
    private const string Either = "application/json";

    private const string Send =
        " Send application/cloudevents+json, application/cloudevents-batch+json, application/json or application/x-ndjson, in UTF-8.";

    [Fact]
    public async Task A_batch_is_answered_event_by_event_in_its_order()
    {
        var http = await app.ClientAsync();
        var (one, other) = (TestData.Session().WithAnswer(Answers.Nps(9)), TestData.Session().Completed());
        await http.RecordAsync(one);
        one.Events.AddRange(other.Events);
        one.Events.Reverse();

        using var answer = await http.SendAsync(one);
        Assert.Equal("application/json; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(
            new JsonObject
            {
                ["accepted"] = 2,
                ["duplicates"] = 2,
                ["sessions"] = 2,
                ["events"] = Outcomes(one, "appended", "appended", "duplicate", "duplicate"),
            },
            await answer.JsonAsync(),
            JsonNode.DeepEquals);
    }

    [Theory]
    [InlineData(Single)]
    [InlineData(Either)]
    [InlineData("application/cloudevents+json; charset=utf-8")]
    [InlineData("Application/CloudEvents+JSON;charset=\"UTF-8\"")]
    public async Task One_event_may_be_sent_alone(string contentType)
    {
        var session = TestData.Session();
        using var answer = await (await app.ClientAsync()).SendAsync(session.Events[0].ToJsonString(), contentType);
        Assert.Equal(
            new JsonObject { ["accepted"] = 1, ["duplicates"] = 0, ["sessions"] = 1, ["events"] = Outcomes(session, "appended") },
            await answer.JsonAsync(),
            JsonNode.DeepEquals);
        Assert.Single(await app.StoredAsync(session.Id));
    }

    [Theory]
    [InlineData(Recorder.Batch)]
    [InlineData(Either)]
    [InlineData("application/cloudevents-batch+json; charset=utf-8")]
    public async Task Several_events_may_be_sent_as_a_batch(string contentType)
    {
        var session = TestData.Session().Completed();
        using var answer = await (await app.ClientAsync()).SendAsync(session.Json(), contentType);
        Assert.Equal(
            new JsonObject { ["accepted"] = 2, ["duplicates"] = 0, ["sessions"] = 1, ["events"] = Outcomes(session, "appended", "appended") },
            await answer.JsonAsync(),
            JsonNode.DeepEquals);
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
    }

    [Theory]
    [InlineData(Recorder.Batch)]
    [InlineData(Either)]
    public async Task A_batch_may_be_empty(string contentType)
    {
        using var answer = await (await app.ClientAsync()).SendAsync(" [ ] ", contentType);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"accepted":0,"duplicates":0,"sessions":0,"events":[]}""", (await answer.JsonAsync()).ToJsonString());
    }

    [Theory]
    [InlineData(Single, "[]", "must be one CloudEvent, a JSON object")]
    [InlineData(Recorder.Batch, "{}", "must be a JSON array of CloudEvents")]
    [InlineData(Either, "7", "must be a CloudEvent or a JSON array of CloudEvents")]
    [InlineData(Either, "null", "must be a CloudEvent or a JSON array of CloudEvents")]
    public async Task The_body_has_the_shape_that_its_type_says(string contentType, string body, string message)
    {
        using var answer = await (await app.ClientAsync()).SendAsync(body, contentType);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal(new JsonObject { ["$"] = new JsonArray(message) }, problem["errors"], JsonNode.DeepEquals);
        Assert.Equal("[]", problem["events"]!.ToJsonString());
    }

    [Theory]
    [InlineData(null, "There is no content type.")]
    [InlineData("", "There is no content type.")]
    [InlineData("json", "The content type json is not taken.")]
    [InlineData("text/plain", "The content type text/plain is not taken.")]
    [InlineData("text/json", "The content type text/json is not taken.")]
    [InlineData("application/xml", "The content type application/xml is not taken.")]
    [InlineData("application/cloudevents+xml", "The content type application/cloudevents+xml is not taken.")]
    [InlineData("application/problem+json", "The content type application/problem+json is not taken.")]
    [InlineData("application/json; charset=iso-8859-1", "The charset iso-8859-1 is not taken.")]
    [InlineData("application/cloudevents-batch+json; charset=utf-16", "The charset utf-16 is not taken.")]
    public async Task Other_content_types_are_refused_by_name(string? contentType, string problem)
    {
        var session = TestData.Session();
        using var answer = await (await app.ClientAsync()).SendAsync(session.Json(), contentType);
        Assert.Equal(problem + Send, (string?)(await answer.ProblemAsync(HttpStatusCode.UnsupportedMediaType))["detail"]);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task Ids_in_upper_case_are_the_same_ids()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        var sent = session.Json();
        foreach (var e in session.Events)
            e.But("id", $"\"{Upper(e["id"])}\"").But("subject", $"\"{Upper(e["subject"])}\"");
        session.But("data.taskId", $"\"{Upper(session.Events[^1]["data"]!["taskId"])}\"");

        var first = await http.RecordAsync(session);
        using var second = await http.SendAsync(sent);

        Assert.Equal(session.Events.Select(e => ((string)e["id"]!).ToLowerInvariant()), first["events"]!.AsArray().Select(e => (string?)e!["id"]));
        Assert.Equal(2, (int?)(await second.JsonAsync())["duplicates"]);
        Assert.Equal(session.Tasks[0].ToString(), (string?)(await http.ResultAsync(session.Id))["tasks"]![0]!["uuid"]);
    }

    [Fact]
    public async Task Every_type_of_event_and_answer_is_stored_as_it_was_sent()
    {
        var session = TestData.SessionWithEverything();
        await (await app.ClientAsync()).RecordAsync(session);

        var stored = (await app.StoredAsync(session.Id)).ToDictionary(row => row.Id);
        Assert.Equal(session.Events.Count, stored.Count);
        foreach (var e in session.Events)
        {
            var row = stored[Guid.Parse((string)e["id"]!)];
            // UTC has two spellings; ours is the offset's.
            var sent = JsonNode.Parse(e["data"]!.ToJsonString().Replace(".000Z\"", "+00:00\"", StringComparison.Ordinal));
            Assert.Equal((string?)e["type"], row.Type);
            Assert.Equal(TestClients.AccountOne, row.Account);
            Assert.Equal(sent, row.Data, JsonNode.DeepEquals);
        }
    }

    [Fact]
    public async Task Source_time_and_trace_stay_with_the_event()
    {
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var session = TestData.Session()
            .But("source", "\"/recorder/ios/5.0.1\"").But("time", "\"2026-03-01T12:15:04.1234567+02:00\"").But("traceparent", $"\"{trace}\"")
            .Completed();
        await (await app.ClientAsync()).RecordAsync(session);

        var headers = (await app.StoredAsync(session.Id)).Select(row => row.Headers).ToList();
        Assert.Equal("/recorder/ios/5.0.1", (string?)headers[0]["source"]);
        Assert.Equal("2026-03-01T10:15:04.1234567Z", (string?)headers[0]["time"]);
        Assert.Equal(trace, (string?)headers[0]["traceparent"]);
        Assert.Equal("/recorder/web/4.2.0", (string?)headers[1]["source"]);
        Assert.Null(headers[1]["traceparent"]);
    }

    [Fact]
    public async Task Members_that_this_version_does_not_know_are_stored()
    {
        const string unknown = """{"a":[1.50,null,true,"ä😀"],"b":{}}""";
        var session = TestData.Session().But("data.unheardOf", unknown)
            .WithAnswer(Answers.Nps(9).But("unheardOf", unknown)).But("data.unheardOf", unknown).But("data.unknown", "null");
        await (await app.ClientAsync()).RecordAsync(session);

        var stored = await app.StoredAsync(session.Id);
        Assert.Equal(JsonNode.Parse(unknown), stored[0].Data["unheardOf"], JsonNode.DeepEquals);
        Assert.Equal(session.Events[1]["data"], stored[1].Data, JsonNode.DeepEquals);
    }

    [Fact]
    public async Task Members_that_this_version_does_not_know_are_not_shown()
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        // A prototype's own messages are shown whole.
        foreach (var e in session.Events.Where(e => (string?)e["type"] != "results.FigmaInteractionRecorded.v1"))
            e["data"]!.BringUnknown();
        await http.RecordAsync(session);
        // Read back and written again.
        session.Events.Clear();
        await http.RecordAsync(session.WithTranscript(session.Tasks[1], "Very nice."));

        Assert.DoesNotContain("unheardOf", (await http.ResultAsync(session.Id)).ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("unheardOf", (await http.ResultAsync(session.Id, "v2")).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_of_a_type_that_this_version_does_not_know_is_stored_whole()
    {
        var http = await app.ClientAsync();
        var hologram = JsonNode.Parse("""{"depth":[1,2.0,{"x":null}],"type":"HOLOGRAM","text":"ä"}""")!.AsObject();
        var session = TestData.Session().WithAnswer(hologram);
        await http.RecordAsync(session);

        Assert.Equal(session.Events[1]["data"], (await app.StoredAsync(session.Id))[1].Data, JsonNode.DeepEquals);
        var task = (await http.ResultAsync(session.Id))["tasks"]![0]!;
        Assert.Equal("UNRECOGNIZED", (string?)task["type"]);
        Assert.Null(task["response"]!["answer"]);
    }

    [Fact]
    public async Task Extension_attributes_and_a_data_content_type_are_taken()
    {
        var session = TestData.Session().But("datacontenttype", "\"application/json\"").But("sequence", "7").But("partitionkey", "\"a\"");
        var response = await (await app.ClientAsync()).RecordAsync(session);
        Assert.Equal(1, (int?)response["accepted"]);
    }

    /// <summary>Rule 6.</summary>
    [Fact]
    public async Task Events_after_the_end_are_stored_and_shown()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().Completed();
        await http.RecordAsync(session);
        session.Events.Clear();
        await http.RecordAsync(session.WithAnswer(Answers.Nps(9), time: new DateTimeOffset(2026, 3, 9, 0, 0, 0, TimeSpan.Zero)));

        var result = await http.ResultAsync(session.Id);
        Assert.Equal("COMPLETE", (string?)result["status"]);
        Assert.Equal("""{"nps":{"score":9,"category":"PROMOTER"}}""", result["tasks"]![0]!["response"]!["answer"]!.ToJsonString());
        Assert.Equal(3, (await app.StoredAsync(session.Id)).Count);
    }

    [Theory]
    [InlineData("\"0001-01-01T00:00:00Z\"", "0001-01-01T00:00:00.000Z")]
    [InlineData("\"9999-12-31T23:59:59.9999999Z\"", "9999-12-31T23:59:59.999Z")]
    [InlineData("\"2026-03-01T12:15:00+02:00\"", "2026-03-01T10:15:00.000Z")]
    public async Task Every_moment_that_is_taken_can_be_stored_and_shown(string sent, string shown)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().But("data.startedAt", sent).But("time", sent).Completed().But("data.finishedAt", sent).But("time", sent);
        await http.RecordAsync(session);
        await http.RecordAsync(session);

        var result = await http.ResultAsync(session.Id);
        Assert.Equal((shown, shown), ((string?)result["startTime"], (string?)result["finishTime"]));
    }

    private static string Upper(JsonNode? id) => ((string)id!).ToUpperInvariant();

    private static JsonArray Outcomes(SessionBuilder session, params string[] outcomes) =>
        [.. session.Events.Zip(outcomes, (e, outcome) => new JsonObject { ["id"] = (string?)e["id"], ["outcome"] = outcome })];
}
