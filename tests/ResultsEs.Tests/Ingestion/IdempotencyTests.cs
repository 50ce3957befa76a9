using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Rule 2: an event id is stored once within its account, for ever, with the content it came with first.</summary>
public sealed class IdempotencyTests(AppFixture app)
{
    private const string Known = "is the id of another event, or of this one with other content; ids are for ever";

    [Fact]
    public async Task The_same_event_twice_in_a_request_is_stored_once()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).Again().Again();
        Assert.Equal(["appended", "appended", "duplicate", "duplicate"], Outcomes(await http.RecordAsync(session)));
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task The_same_events_in_a_later_request_are_duplicates()
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        await http.RecordAsync(session);
        var (before, document) = (await app.StoredAsync(session.Id), await http.ResultAsync(session.Id));

        var response = await http.RecordAsync(session);
        Assert.Equal((0, session.Events.Count, 1), ((int)response["accepted"]!, (int)response["duplicates"]!, (int)response["sessions"]!));
        Assert.All(Outcomes(response), outcome => Assert.Equal("duplicate", outcome));
        AssertSame(before, await app.StoredAsync(session.Id));
        Assert.Equal(document.ToJsonString(), (await http.ResultAsync(session.Id)).ToJsonString());
    }

    [Fact]
    public async Task What_is_new_beside_duplicates_is_stored()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(session);
        Assert.Equal(["duplicate", "duplicate", "appended"], Outcomes(await http.RecordAsync(session.Completed())));
        Assert.Equal(3, (await app.StoredAsync(session.Id)).Count);
    }

    [Theory]
    [InlineData(TestClients.BothWorkspaces)]
    [InlineData(TestClients.WriteOnly)]
    public async Task The_same_event_from_another_client_of_the_account_is_a_duplicate(string client)
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await (await app.ClientAsync()).RecordAsync(session);
        Assert.Equal(["duplicate", "duplicate"], Outcomes(await (await app.ClientAsync(client)).RecordAsync(session)));
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task The_same_event_in_other_spelling_is_a_duplicate()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Rating(4)).But("data.unheardOf", """{"a":100,"b":"ä"}""").But("time", "\"2026-03-01T10:15:01.500Z\"");
        await http.RecordAsync(session);

        foreach (var e in session.Events)
        {
            e["data"] = Reversed(e["data"]!);
            e["id"] = ((string)e["id"]!).ToUpperInvariant();
        }

        session.But("time", "\"2026-03-01T11:15:01.5+01:00\"").But("data.answer.value", "40e-1").But("data.answer.min", "1.000")
            .But("data.answer.minLabel", "\"\\u0062ad\"").But("data.unheardOf.a", "1.0E2");
        var indented = JsonSerializer.Serialize(session.Events, new JsonSerializerOptions { WriteIndented = true });
        using var answer = await http.SendAsync(indented);
        Assert.Equal(["duplicate", "duplicate"], Outcomes(await answer.JsonAsync()));
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task The_same_event_in_other_spelling_is_a_duplicate_within_a_request()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Rating(4)).Again().But("data.answer.value", "4.0");
        session.Events[^1]["data"] = Reversed(session.Events[^1]["data"]!);
        Assert.Equal(["appended", "appended", "duplicate"], Outcomes(await http.RecordAsync(session)));
    }

    [Fact]
    public async Task An_absent_member_and_a_null_are_the_same_content()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().But("data.audienceId", null);
        await http.RecordAsync(session);
        Assert.Equal(["duplicate"], Outcomes(await http.RecordAsync(session.But("data.audienceId", "null"))));
    }

    [Fact]
    public async Task The_same_event_by_another_way_is_a_duplicate_and_keeps_its_first_source_and_trace()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().But("traceparent", "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"");
        await http.RecordAsync(session);
        var before = await app.StoredAsync(session.Id);

        session.But("source", "\"/uploader/1\"").But("traceparent", null).But("partitionkey", "\"a\"");
        Assert.Equal(["duplicate"], Outcomes(await http.RecordAsync(session)));
        AssertSame(before, await app.StoredAsync(session.Id));
    }

    public static TheoryData<string, string> OtherContent() => new()
    {
        { "data.answer.score", "8" },
        { "data.text", "\"Another task\"" },
        { "data.unheardOf", "1" },
        { "data.answer.unheardOf", "null" },
        { "data.answer", """{"type":"BLANK"}""" },
        { "subject", "\"5a000000-0000-4000-8000-0000000000ff\"" },
        { "time", "\"2026-03-01T10:15:01.0000001Z\"" },
        { "type", "\"results.SessionCompleted.v1\"" },
    };

    [Theory]
    [MemberData(nameof(OtherContent))]
    public async Task The_same_id_with_other_content_is_a_conflict_that_stores_nothing(string path, string json)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(session);
        var (before, document) = (await app.StoredAsync(session.Id), await http.ResultAsync(session.Id));

        var bad = Changed(session.Events[1], path, json);
        var fresh = TestData.Session();
        fresh.Events.Add(bad);
        fresh.Events.AddRange(TestData.Session().Events);
        using var answer = await http.SendAsync(fresh);
        Assert.Equal(
            new JsonObject
            {
                ["type"] = "https://tools.ietf.org/html/rfc9110#section-15.5.10",
                ["title"] = "Conflict",
                ["status"] = 409,
                ["detail"] = "Nothing of the request is stored, because an event id is known with other content.",
                ["errors"] = new JsonObject { ["[1].id"] = new JsonArray(Known) },
                ["events"] = new JsonArray(new JsonObject { ["index"] = 1, ["id"] = (string?)bad["id"], ["fields"] = new JsonArray("id") }),
            },
            await answer.ProblemAsync(HttpStatusCode.Conflict),
            JsonNode.DeepEquals);

        foreach (var e in fresh.Events.Where(e => e != bad))
            Assert.Empty(await app.StoredAsync(Guid.Parse((string)e["subject"]!)));
        AssertSame(before, await app.StoredAsync(session.Id));
        Assert.Equal(document.ToJsonString(), (await http.ResultAsync(session.Id)).ToJsonString());
    }

    [Theory]
    [MemberData(nameof(OtherContent))]
    public async Task The_same_id_with_other_content_within_a_request_is_a_conflict_that_stores_nothing(string path, string json)
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        session.Events.Add(Changed(session.Events[1], path, json));
        session.Completed();
        using var answer = await (await app.ClientAsync()).SendAsync(session);
        Assert.Equal(
            new JsonObject { ["[2].id"] = new JsonArray(Known) },
            (await answer.ProblemAsync(HttpStatusCode.Conflict))["errors"],
            JsonNode.DeepEquals);
        Assert.Empty(await app.StoredAsync(session.Id));
    }

    [Fact]
    public async Task The_id_of_another_sessions_event_is_a_conflict_in_a_new_session_of_many_events()
    {
        var http = await app.ClientAsync();
        var known = TestData.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(known);
        var session = TestData.SessionWithEverything();
        session.Events.Insert(session.Events.Count - 1, Changed(known.Events[1], "subject", $"\"{session.Id}\""));
        using var answer = await http.SendAsync(session);
        Assert.Equal(
            new JsonObject { [$"[{session.Events.Count - 2}].id"] = new JsonArray(Known) },
            (await answer.ProblemAsync(HttpStatusCode.Conflict))["errors"],
            JsonNode.DeepEquals);
        Assert.Empty(await app.StoredAsync(session.Id));

        session.Events.RemoveAt(session.Events.Count - 2);
        Assert.All(Outcomes(await http.RecordAsync(session)), outcome => Assert.Equal("appended", outcome));
    }

    [Fact]
    public async Task Requests_beside_one_with_the_id_of_another_sessions_event_are_stored()
    {
        var http = await app.ClientAsync();
        var known = TestData.Session().WithAnswer(Answers.Nps(9));
        await http.RecordAsync(known);
        var sessions = Enumerable.Range(0, 12).Select(_ => TestData.SessionWithEverything()).ToList();
        sessions[3].Events.Add(Changed(known.Events[1], "subject", $"\"{sessions[3].Id}\""));
        var answers = await Task.WhenAll(sessions.Select(session => http.SendAsync(session)));
        Assert.Equal(
            sessions.Select(session => session == sessions[3] ? HttpStatusCode.Conflict : HttpStatusCode.OK),
            answers.Select(answer => answer.StatusCode));
        foreach (var session in sessions)
            Assert.Equal(session == sessions[3] ? 0 : session.Events.Count, (await app.StoredAsync(session.Id)).Count);
    }

    [Fact]
    public async Task Every_conflict_of_a_request_is_named()
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Nps(8));
        await http.RecordAsync(session);
        session.Events[0].But("data.productType", "\"THINK_OUT_LOUD\"");
        session.Events[2].But("data.position", "7");
        using var answer = await http.SendAsync(session);
        Assert.Equal(["[0].id", "[2].id"], (await answer.ProblemAsync(HttpStatusCode.Conflict))["errors"]!.AsObject().Select(error => error.Key));
    }

    [Fact]
    public async Task The_same_id_in_another_account_is_another_event()
    {
        var one = TestData.Session().WithAnswer(Answers.Nps(9));
        await (await app.ClientAsync()).RecordAsync(one);
        var two = TestData.Session(TestClients.WorkspaceOfTwo).WithAnswer(Answers.Nps(1), id: Guid.Parse((string)one.Events[1]["id"]!));
        Assert.Equal(["appended", "appended"], Outcomes(await (await app.ClientAsync(TestClients.OtherAccount)).RecordAsync(two)));

        Assert.Equal(one.Events[1]["data"], (await app.StoredAsync(one.Id))[1].Data, JsonNode.DeepEquals);
        var stored = (await app.StoredAsync(two.Id))[1];
        Assert.Equal(TestClients.AccountTwo, stored.Account);
        Assert.Equal(two.Events[1]["data"], stored.Data, JsonNode.DeepEquals);
    }

    private static JsonObject Changed(JsonObject e, string path, string json)
    {
        var changed = ((JsonObject)e.DeepClone()).But(path, json);
        if (path == "type")
            changed["data"]!["finishedAt"] = "2026-03-01T10:25:00Z";
        return changed;
    }

    private static JsonNode Reversed(JsonNode json) => json is JsonObject members
        ? new JsonObject(members.Reverse().Select(member => KeyValuePair.Create(member.Key, member.Value is null ? null : Reversed(member.Value))))
        : json.DeepClone();

    private static IEnumerable<string> Outcomes(JsonObject response) => response["events"]!.AsArray().Select(e => (string)e!["outcome"]!);

    private static void AssertSame(IReadOnlyList<StoredRow> before, IReadOnlyList<StoredRow> after) =>
        Assert.Equal(before.Select(Text), after.Select(Text));

    private static string Text(StoredRow row) => $"{row.Id} {row.Account} {row.Type} {row.Data.ToJsonString()} {row.Headers.ToJsonString()}";
}
