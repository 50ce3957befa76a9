using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Numbers are taken by their value, in any spelling, and stored as what they are.</summary>
public sealed class NumberTests(AppFixture app)
{
    private const string NotExact = "must be a number of at most 28 digits, before and after the point together; it is not rounded";
    private const string NotWhole = "must be a whole number";
    private const string NotInt = "must be a whole number from -2147483648 to 2147483647";
    private const string NotLong = "must be a whole number from -9223372036854775808 to 9223372036854775807";

    /// <summary>Programs write 1 as 1.0 (Python, Lua, R) or with an exponent; every member of every event takes it, and knows it again.</summary>
    [Theory]
    [InlineData(".0", "0")]
    [InlineData("e0", "e0")]
    [InlineData("0e-1", "e+0")]
    [InlineData("00E-2", "000")]
    [InlineData(".000000000000000000000000000000000", "0000000000000000000000000000000")]
    public async Task Every_number_of_every_event_may_be_spelled_otherwise(string whole, string fraction)
    {
        var http = await app.ClientAsync();
        foreach (var isFirst in (bool[])[false, true])
        {
            var session = TestData.SessionWithEverything();
            var reel = TestData.ReelWithEverything();
            var plain = Batch([.. session.Events, .. reel.Events], "", "");
            var other = Batch([.. session.Events, .. reel.Events], whole, fraction);
            Assert.NotEqual(plain, other);
            using var first = await http.SendAsync(isFirst ? other : plain);
            Assert.Equal(session.Events.Count + reel.Events.Count, (int?)(await first.JsonAsync())["accepted"]);
            using var second = await http.SendAsync(isFirst ? plain : other);
            Assert.Equal(session.Events.Count + reel.Events.Count, (int?)(await second.JsonAsync())["duplicates"]);

            var answers = (await http.ResultAsync(session.Id))["tasks"]!.AsArray().Select(task => task!["response"]!["answer"]).OfType<JsonObject>();
            Assert.Equal("""{"score":9,"category":"PROMOTER"}""", answers.Single(answer => answer.ContainsKey("nps"))["nps"]!.ToJsonString());
        }
    }

    [Theory]
    [InlineData("data.answer.unheardOf", "7", "7.0")]
    [InlineData("data.answer.unheardOf", "[1e2]", "[100.00]")]
    [InlineData("data.unheardOf", "{\"a\":-0.5}", "{\"a\":-5e-1}")]
    [InlineData("data.answer", "{\"type\":\"HOLOGRAM\",\"depth\":[1,2]}", "{\"type\":\"HOLOGRAM\",\"depth\":[1.0,20e-1]}")]
    public async Task Numbers_of_members_that_nobody_knows_are_compared_by_value_too(string path, string one, string other)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).But(path, one);
        await http.RecordAsync(session);
        using var answer = await http.SendAsync(session.But(path, other));
        Assert.Equal(2, (int?)(await answer.JsonAsync())["duplicates"]);
    }

    [Theory]
    [InlineData("NPS", "score", "9.5", NotWhole)]
    [InlineData("NPS", "score", "95e-1", NotWhole)]
    [InlineData("NPS", "score", "1e10", NotInt)]
    [InlineData("NPS", "score", "1e300", NotInt)]
    [InlineData("NPS", "score", "1e-300", NotWhole)]
    [InlineData("NPS", "score", "11.0", "must be a whole number from 0 to 10, not 11")]
    [InlineData("RANK_ORDER", "ranking[0].rank", "2.00000000000000000000000000000000000001", NotWhole)]
    [InlineData("MULTIPLE_CHOICE", "maxLimit", "-2147483649.0", NotInt)]
    [InlineData("URL", "visits[0].atMs", "9223372036854775807.5", NotWhole)]
    [InlineData("URL", "visits[0].atMs", "9223372036854775808.0", NotLong)]
    [InlineData("URL", "visits[0].atMs", "9.3e18", NotLong)]
    [InlineData("RATING_SCALE", "value", "4.00000000000000000000000000001", NotExact)]
    [InlineData("RATING_SCALE", "value", "5.000000000000000000000000000001", NotExact)]
    [InlineData("RATING_SCALE", "value", "1e-30", NotExact)]
    [InlineData("RATING_SCALE", "value", "1e300", NotExact)]
    [InlineData("RATING_SCALE", "min", "-1e29", NotExact)]
    [InlineData("RATING_SCALE", "max", "79228162514264337593543950336", NotExact)]
    [InlineData("MATRIX", "rows[0].selections[0].value", "1.2345678901234567890123456789012", NotExact)]
    [InlineData("IMAGE", "annotations[0].x", "0.33333333333333333333333333333333", NotExact)]
    [InlineData("IMAGE", "annotations[0].width", "5e-324", NotExact)]
    public void What_a_member_cannot_hold_is_refused_by_what_it_can(string type, string path, string number, string message)
    {
        var session = TestData.SessionOnly().WithAnswer(Answers.All[type]().But(path, "\"there\""));
        var read = CloudEventReader.Read(Encoding.UTF8.GetBytes(session.Json().Replace("\"there\"", number, StringComparison.Ordinal)), CloudEventShapes.Batch);
        Assert.Contains(($"[0].data.answer.{path}", message), read.Problems.Select(problem => (problem.Key, problem.Message)));
        Assert.Empty(read.Events);
    }

    [Theory]
    [InlineData("values.behavioral[0]")]
    [InlineData("values.usability")]
    [InlineData("components.behavioral")]
    [InlineData("score")]
    public async Task Scores_are_not_rounded(string path)
    {
        var session = TestData.Session().Scored().But($"data.{path}", "33.3333333333333333333333333333");
        using var answer = await (await app.ClientAsync()).SendAsync(session);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest);
        Assert.Equal(new JsonObject { [$"[1].data.{path}"] = new JsonArray(NotExact) }, problem["errors"], JsonNode.DeepEquals);
    }

    [Theory]
    [InlineData("4.999999999999999999999999999", "4.999999999999999999999999999")]
    [InlineData("1.2345678901234567890123456789", "1.2345678901234567890123456789")]
    [InlineData("4.50000000000000000000000000000000000000", "4.5")]
    [InlineData("45e-1", "4.5")]
    [InlineData("0.45E+1", "4.5")]
    public async Task What_a_decimal_can_hold_is_stored_and_served_as_it_was_sent(string sent, string expected)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Rating(4)).But("data.answer.value", "\"there\"");
        var body = session.Json().Replace("\"there\"", sent, StringComparison.Ordinal);
        using var answer = await http.SendAsync(body);
        Assert.Equal(2, (int?)(await answer.JsonAsync())["accepted"]);
        Assert.Equal(expected, (await app.StoredAsync(session.Id))[1].Data["answer"]!["value"]!.ToJsonString());
        Assert.Equal(expected, (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["ratingScale"]!["value"]!.ToJsonString());
        using var again = await http.SendAsync(body);
        Assert.Equal(2, (int?)(await again.JsonAsync())["duplicates"]);
    }

    [Theory]
    [InlineData("-79228162514264337593543950335", "79228162514264337593543950335", "1e28")]
    [InlineData("1e-28", "2E-28", "2e-28")]
    public async Task The_bounds_of_a_decimal_are_taken(string min, string max, string value)
    {
        var session = TestData.Session().WithAnswer(Answers.Rating(4).But("min", "\"min\"").But("max", "\"max\"").But("value", "\"value\""));
        using var answer = await (await app.ClientAsync()).SendAsync(
            session.Json().Replace("\"min\":\"min\"", $"\"min\":{min}", StringComparison.Ordinal).Replace("\"max\":\"max\"", $"\"max\":{max}", StringComparison.Ordinal)
                .Replace("\"value\":\"value\"", $"\"value\":{value}", StringComparison.Ordinal));
        Assert.Equal(2, (int?)(await answer.JsonAsync())["accepted"]);
        var stored = (await app.StoredAsync(session.Id))[1].Data["answer"]!;
        Assert.Equal(decimal.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture), (decimal)stored["value"]!);
    }

    /// <summary>The events, with their numbers spelled otherwise.</summary>
    private static string Batch(IEnumerable<JsonObject> events, string whole, string fraction)
    {
        var batch = new JsonArray([.. events.Select(e => e.DeepClone())]);
        foreach (var e in batch)
            e!["data"] = Spelled(e["data"]!, whole, fraction);
        return batch.ToJsonString();
    }

    private static JsonNode? Spelled(JsonNode? json, string whole, string fraction) => json switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Spelled(member.Value, whole, fraction)))),
        JsonArray items => new JsonArray([.. items.Select(item => Spelled(item, whole, fraction))]),
        JsonValue value when value.GetValueKind() == System.Text.Json.JsonValueKind.Number && value.ToJsonString() is var text =>
            JsonNode.Parse((text == "0" ? "0.0" : text) + (text == "0" || text.Contains('.', StringComparison.Ordinal) ? fraction : whole)),
        _ => json?.DeepClone(),
    };
}
