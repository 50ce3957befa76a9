using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Rule 5: a request with something wrong in it is refused whole, and everything that is wrong is named.</summary>
public sealed class RefusalTests(AppFixture app)
{
    private const string Detail = "Nothing of the request is stored, because something in it is not valid.";

    [Fact]
    public async Task One_bad_event_among_good_ones_refuses_all_of_them()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).Completed().WithAnswer(Answers.Nps(11)).Profiled();

        using var answer = await http.SendAsync(session);
        Assert.Equal(
            new JsonObject
            {
                ["type"] = "https://tools.ietf.org/html/rfc9110#section-15.5.1",
                ["title"] = "Bad Request",
                ["status"] = 400,
                ["detail"] = Detail,
                ["errors"] = new JsonObject { ["[3].data.answer.score"] = new JsonArray("must be a whole number from 0 to 10, not 11") },
                ["events"] = new JsonArray(Refused(session, 3, "data.answer.score")),
            },
            await answer.ProblemAsync(HttpStatusCode.BadRequest),
            JsonNode.DeepEquals);
        await AssertNothingStoredAsync(http, session);
    }

    [Fact]
    public async Task Every_bad_event_and_every_bad_field_is_named()
    {
        var http = await app.ClientAsync();
        var (session, other) = (TestData.Session(), TestData.Session());
        session.WithAnswer(Answers.Nps(11)).But("data.position", "-1").But("time", "\"now\"")
            .Completed()
            .With("SessionRenamed", [])
            .WithSkip("NPS").But("id", null).But("data.reason", "\"me\"");
        session.Events.AddRange(other.Events);
        session.Events.Add(TestData.Session().But("id", "\"seven\"").But("data", null).Events[0]);

        using var answer = await http.SendAsync(session);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal(
            new JsonObject
            {
                ["[1].time"] = new JsonArray("must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"),
                ["[1].data.position"] = new JsonArray("must be 0 or more, not -1"),
                ["[1].data.answer.score"] = new JsonArray("must be a whole number from 0 to 10, not 11"),
                ["[3].type"] = new JsonArray("must be an event that this service knows, such as results.TaskAnswered.v1"),
                ["[4].id"] = new JsonArray("is required"),
                ["[4].data.reason"] = new JsonArray("must be one of LOGIC, USER"),
                ["[6].id"] = new JsonArray("must be a UUID"),
                ["[6].data"] = new JsonArray("is required"),
            },
            problem["errors"],
            JsonNode.DeepEquals);
        Assert.Equal(
            new JsonArray(
                Refused(session, 1, "time", "data.position", "data.answer.score"),
                Refused(session, 3, "type"),
                Refused(session, 4, "id", "data.reason"),
                Refused(session, 6, "id", "data")),
            problem["events"],
            JsonNode.DeepEquals);
        await AssertNothingStoredAsync(http, session);
        await AssertNothingStoredAsync(http, other);
    }

    [Fact]
    public async Task Several_things_wrong_with_one_field_are_all_told()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Ranking(1, 1)).But("data.answer.ranking[1].id", "\"o0\"");
        using var answer = await http.SendAsync(session);
        Assert.Equal(
            new JsonObject { ["[1].data.answer.ranking"] = new JsonArray("must have distinct option ids", "must have each rank from 1 to 2 exactly once") },
            (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"],
            JsonNode.DeepEquals);
        await AssertNothingStoredAsync(http, session);
    }

    [Fact]
    public async Task An_event_that_is_sent_alone_has_index_0()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().But("data.testId", null);
        using var answer = await http.SendAsync(session.Events[0].ToJsonString(), "application/cloudevents+json");
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal(new JsonObject { ["[0].data.testId"] = new JsonArray("is required") }, problem["errors"], JsonNode.DeepEquals);
        Assert.Equal(new JsonArray(Refused(session, 0, "data.testId")), problem["events"], JsonNode.DeepEquals);
        await AssertNothingStoredAsync(http, session);
    }

    [Theory]
    [InlineData("", 1, 1, 0)]
    [InlineData("[", 1, 2, 0)]
    [InlineData("[{}]]", 1, 5, 1)]
    [InlineData("[] trailing", 1, 4, 0)]
    public async Task A_body_that_is_no_JSON_is_refused_with_the_place(string body, int line, int at, int index)
    {
        using var answer = await (await app.ClientAsync()).SendAsync(body);
        var errors = (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!;
        Assert.Equal($"must be JSON; it breaks off at line {line}, byte {at}, in event [{index}]", (string?)errors["$"]![0]);
    }

    [Fact]
    public async Task What_was_right_before_the_JSON_breaks_off_is_not_stored()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().Completed();
        using var answer = await http.SendAsync(session.Json()[..^1] + ",\n{\"id\":");
        Assert.Equal(
            new JsonObject { ["$"] = new JsonArray("must be JSON; it breaks off at line 2, byte 7, in event [2]") },
            (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"],
            JsonNode.DeepEquals);
        await AssertNothingStoredAsync(http, session);
    }

    [Fact]
    public async Task A_body_that_is_not_UTF_8_is_refused()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Written("naive"));
        var body = Encoding.UTF8.GetBytes(session.Json());
        body[Array.LastIndexOf(body, (byte)'v')] = 0xef;
        using var answer = await http.SendAsync(body);
        Assert.Equal("""{"$":["must be UTF-8"]}""", (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
        await AssertNothingStoredAsync(http, session);
    }

    [Theory]
    [InlineData("data.unheardOf", "1e400", "data.unheardOf")]
    [InlineData("data.unheardOf", "1e200000", "data.unheardOf")]
    [InlineData("data.unheardOf", "\"\\u0000\"", "data.unheardOf")]
    [InlineData("data.unheardOf", "{\"\\u0000\":1}", "data.unheardOf")]
    [InlineData("data.unheardOf", "\"\\ud800\"", "data.unheardOf")]
    [InlineData("data.unheardOf", "{\"a\":1,\"a\":2}", "data.unheardOf.a")]
    [InlineData("data.answer", "{\"type\":\"HOLOGRAM\",\"type\":\"NPS\"}", "data.answer.type")]
    [InlineData("data.answer", "{\"type\":\"HOLOGRAM\",\"depth\":1e200000}", "data.answer.depth")]
    [InlineData("data.text", "\"\\u0000\"", "data.text")]
    [InlineData("source", "\"\\u0000\"", "source")]
    [InlineData("traceparent", "\"\\udfff\"", "traceparent")]
    [InlineData("time", "\"0001-01-01T00:00:00+01:00\"", "time")]
    public async Task What_the_database_cannot_hold_is_refused_at_its_place(string path, string json, string named)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But(path, "\"there\"");
        using var answer = await http.SendAsync(session.Json().Replace("\"there\"", json, StringComparison.Ordinal));
        Assert.Equal([$"[1].{named}"], (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.AsObject().Select(error => error.Key));
        await AssertNothingStoredAsync(http, session);
    }

    /// <summary>PostgreSQL gives numbers back in another spelling; the event must still be its own duplicate.</summary>
    [Theory]
    [InlineData("-0")]
    [InlineData("0e5")]
    [InlineData("-0.0e-300")]
    [InlineData("1e300")]
    [InlineData("-1E-300")]
    [InlineData("1.7976931348623157e308")]
    [InlineData("5e-324")]
    [InlineData("1.50")]
    [InlineData("12345678901234567890123456789012345678901234567890.12345678901234567890")]
    public async Task Every_number_that_is_taken_is_stored_and_known_again(string number)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().But("data.unheardOf", "[\"there\"]").WithAnswer(Answers.Rating(3)).But("data.answer.unheardOf", "\"there\"");
        var body = session.Json().Replace("\"there\"", number, StringComparison.Ordinal);

        using var first = await http.SendAsync(body);
        Assert.Equal(2, (int?)(await first.JsonAsync())["accepted"]);
        using var second = await http.SendAsync(body);
        Assert.Equal(2, (int?)(await second.JsonAsync())["duplicates"]);
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
    }

    private static JsonObject Refused(SessionBuilder session, int index, params string[] fields) => new()
    {
        ["index"] = index,
        ["id"] = session.Events[index]["id"]?.DeepClone(),
        ["fields"] = new JsonArray([.. fields.Select(field => JsonValue.Create(field))]),
    };

    private async Task AssertNothingStoredAsync(HttpClient http, SessionBuilder session)
    {
        Assert.Empty(await app.StoredAsync(session.Id));
        using var result = await http.GetResultAsync(session.Id);
        Assert.Equal(HttpStatusCode.NotFound, result.StatusCode);
    }
}
