using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary><c>GET /api/v3/testResults/{testId}/sessionResults</c>. Its filters are the list's, and tested with them.</summary>
public sealed class ExportTests(AppFixture app)
{
    // More than two pages, whatever is in them.
    private const int Many = 460;

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_line_is_what_the_session_answers_by_itself_in_the_order_of_the_list()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        // Some end at the same moment, and are told apart by their ids.
        var sessions = Enumerable.Range(0, Many).Select(n => TestData.Session(test: test).WithAnswer(Answers.Written($"a \"line\"\n{n} é")).Completed(Noon.AddMinutes(n % 100))).ToList();
        await RecordAsync(http, sessions);
        await http.RecordAsync(TestData.Session(test: test));
        await http.RecordAsync(TestData.Session().Completed());

        using var answer = await http.ReadAsync(Path(test));
        var lines = Lines(await answer.Content.ReadAsByteArrayAsync(Cancelled));

        Assert.Equal((HttpStatusCode.OK, "application/x-ndjson"), (answer.StatusCode, answer.Content.Headers.ContentType?.ToString()));
        Assert.Equal(await ListedAsync(http, test), lines.Select(Id));
        foreach (var line in lines)
            Assert.Equal(await http.GetStringAsync(new Uri($"/api/v3/sessionResults/{Id(line)}", UriKind.Relative), Cancelled), Body(line));
        Assert.Equal(await UpdatedAsync(http, test), lines.Select(line => (string)JsonNode.Parse(line)!["updatedTime"]!));
    }

    [Fact]
    public async Task An_export_by_change_goes_on_where_the_last_one_began()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var (changed, still) = (TestData.Session(test: test).Completed(), TestData.Session(test: test).Completed());
        await RecordAsync(http, [changed, still]);
        await http.RecordAsync(changed.WithAnswer(Answers.Nps(3)));
        var since = (string)(await http.JsonAsync($"/api/v2/sessionResults?testId={test}&updatedSince=2026-01-01T00:00:00Z"))["sessions"]![1]!["updatedTime"]!;

        Assert.Equal([still.Id, changed.Id], await ExportedAsync(http, test, "updatedSince=2026-01-01T00:00:00Z"));
        Assert.Equal([changed.Id], await ExportedAsync(http, test, $"updatedSince={since}"));
    }

    [Fact]
    public async Task Documents_larger_than_a_page_are_lines_as_any_other()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var text = new string('x', 9_000);
        for (var n = 0; n < 6; n++)
        {
            var session = TestData.Session(test: test).Completed(Noon.AddMinutes(n));
            if (n % 3 != 0)
            {
                for (var task = 0; task < 150; task++)
                    session.WithAnswer(Answers.Written(text));
            }

            await http.RecordAsync(session);
        }

        using var answer = await http.ReadAsync(Path(test));
        var lines = Lines(await answer.Content.ReadAsByteArrayAsync(Cancelled));

        Assert.Equal(await ListedAsync(http, test), lines.Select(Id));
        Assert.Equal([150, 150, 0, 150, 150, 0], lines.Select(line => JsonNode.Parse(line)!["tasks"]!.AsArray().Count));
    }

    [Fact]
    public async Task A_document_that_is_behind_its_stream_is_sent_with_all_its_events()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 60).Select(n => TestData.Session(test: test).WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Nps(3)).Completed(Noon.AddMinutes(-n))).ToList();
        await RecordAsync(http, sessions);
        // The first, some in the middle of both pages, and the last.
        var behind = new[] { 0, 7, 8, 40, 59 }.Select(n => sessions[n].Id).ToArray();
        await using var command = app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            "update results.mt_doc_session_result_2 set mt_version = mt_version - 1, lag = 1, data = data #- '{body,tasks,1}' #- '{fold,tasks,1}' where id = any($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = behind });
        Assert.Equal(behind.Length, await command.ExecuteNonQueryAsync(Cancelled));

        using var answer = await http.ReadAsync(Path(test));
        var lines = Lines(await answer.Content.ReadAsByteArrayAsync(Cancelled));

        Assert.Equal(sessions.Select(session => session.Id), lines.Select(Id));
        Assert.All(lines, line => Assert.Equal(2, JsonNode.Parse(line)!["tasks"]!.AsArray().Count));
        foreach (var session in behind)
            Assert.Contains(await http.GetStringAsync(new Uri($"/api/v3/sessionResults/{session}", UriKind.Relative), Cancelled), lines.Select(Body));
        Assert.Equal(await UpdatedAsync(http, test), lines.Select(line => (string)JsonNode.Parse(line)!["updatedTime"]!));
    }

    [Fact]
    public async Task A_test_that_has_none_of_these_sessions_is_an_empty_answer()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);
        using var answer = await http.ReadAsync(Path(session.TestId));

        Assert.Equal((HttpStatusCode.OK, "application/x-ndjson", ""), (answer.StatusCode, answer.Content.Headers.ContentType?.ToString(), await answer.Content.ReadAsStringAsync(Cancelled)));
    }

    [Fact]
    public async Task A_test_in_two_workspaces_shows_each_caller_its_own_part()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        using var namesake = await app.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        var test = Guid.NewGuid();
        var (ofA, ofB, ofOtherAccount) = (TestData.Session(test: test).Completed(Noon), TestData.Session(TestClients.WorkspaceB, test).Completed(Noon.AddMinutes(1)), TestData.Session(test: test).Completed(Noon.AddMinutes(2)));
        await a.RecordAsync(ofA);
        await b.RecordAsync(ofB);
        await namesake.RecordAsync(ofOtherAccount);

        Assert.Equal([ofA.Id], await ExportedAsync(a, test));
        Assert.Equal([ofB.Id], await ExportedAsync(b, test));
        Assert.Equal([ofB.Id, ofA.Id], await ExportedAsync(both, test));
        Assert.Equal([ofOtherAccount.Id], await ExportedAsync(namesake, test));
    }

    [Theory]
    [InlineData("x", "", """{"testId":["must be a UUID"]}""")]
    [InlineData("{test}", "?status=DONE&finishedSince=yesterday", """{"status":["must be one of IN_PROGRESS, COMPLETE, ABANDONED"],"finishedSince":["must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z"]}""")]
    [InlineData("{test}", "?finishedSince=2026-03-01T10:15:04Z&finishedUntil=2026-03-01T10:15:03Z", """{"finishedUntil":["must not be before finishedSince"]}""")]
    [InlineData("{test}", "?taskType=NPS&taskType=URL&audienceId=1", """{"audienceId":["must be a UUID"],"taskType":["must be there once"]}""")]
    public async Task A_malformed_parameter_is_refused_by_name(string test, string query, string errors)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v3/testResults/{test.Replace("{test}", Guid.NewGuid().ToString(), StringComparison.Ordinal)}/sessionResults{query}");

        Assert.Equal(errors, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task Head_answers_as_get_without_the_lines()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().Completed();
        await http.RecordAsync(session);
        using var get = await http.ReadAsync(Path(session.TestId));
        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, Path(session.TestId)), Cancelled);
        using var unknown = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, Path(Guid.NewGuid())), Cancelled);

        Assert.Equal(
            (HttpStatusCode.OK, get.Content.Headers.ContentType, get.Headers.CacheControl, "", HttpStatusCode.NotFound),
            (head.StatusCode, head.Content.Headers.ContentType, head.Headers.CacheControl, await head.Content.ReadAsStringAsync(Cancelled), unknown.StatusCode));
    }

    internal static string Path(Guid test, string query = "") => $"/api/v3/testResults/{test}/sessionResults?{query}";

    /// <summary>The ids of an export, which must be there, in its order.</summary>
    internal static async Task<IReadOnlyList<Guid>> ExportedAsync(HttpClient http, Guid test, string query = "")
    {
        using var answer = await http.ReadAsync(Path(test, query));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return [.. Lines(await answer.Content.ReadAsByteArrayAsync(Cancelled)).Select(Id)];
    }

    /// <summary>Sends sessions, many at once.</summary>
    internal static async Task RecordAsync(HttpClient http, IEnumerable<SessionBuilder> sessions)
    {
        foreach (var some in sessions.Chunk(100))
        {
            using var answer = await http.SendAsync(new JsonArray([.. some.SelectMany(session => session.Events).Select(e => e.DeepClone())]).ToJsonString());
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    /// <summary>Lines, each of which must end.</summary>
    internal static IReadOnlyList<string> Lines(byte[] body)
    {
        var lines = Encoding.UTF8.GetString(body).Split('\n');
        Assert.Equal("", lines[^1]);
        return lines[..^1];
    }

    internal static Guid Id(string line) => (Guid)JsonNode.Parse(line)!["sessionId"]!;

    /// <summary>A line without its first member, the time of the last change.</summary>
    private static string Body(string line)
    {
        const string Head = "{\"updatedTime\": \"2026-03-01T10:15:04.123Z\", ";
        Assert.Equal("{\"updatedTime\": \"", line[..17]);
        return "{" + line[Head.Length..];
    }

    private static async Task<IReadOnlyList<string>> UpdatedAsync(HttpClient http, Guid test)
    {
        var list = await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=500");
        return [.. list["sessions"]!.AsArray().Select(session => (string)session!["updatedTime"]!)];
    }

    private static async Task<IReadOnlyList<Guid>> ListedAsync(HttpClient http, Guid test)
    {
        var list = await http.JsonAsync($"/api/v2/sessionResults?testId={test}&limit=500");
        return [.. list["sessions"]!.AsArray().Select(session => (Guid)session!["sessionId"]!)];
    }
}
