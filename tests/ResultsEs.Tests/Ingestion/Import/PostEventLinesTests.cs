using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;

namespace ResultsEs.Tests.Ingestion.Import;

/// <summary>Events a line each over HTTP: what is valid is stored, what is not is named by its line.</summary>
public sealed class PostEventLinesTests(AppFixture app)
{
    private const string Lines = "application/x-ndjson";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Lines)]
    [InlineData("application/ndjson; charset=utf-8")]
    public async Task All_lines_are_stored_and_twice_they_are_duplicates(string contentType)
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        var count = session.Events.Count;
        AssertAnswer(await SendAsync(http, LinesOf(session), contentType), lines: count, accepted: count);
        var (rows, document) = (await app.StoredAsync(session.Id), (await http.ResultAsync(session.Id)).ToJsonString());
        AssertAnswer(await SendAsync(http, LinesOf(session), contentType), lines: count, duplicates: count);
        Assert.Equal(rows.Select(row => row.Id), (await app.StoredAsync(session.Id)).Select(row => row.Id));
        Assert.Equal(document, (await http.ResultAsync(session.Id)).ToJsonString());
    }

    [Fact]
    public async Task A_path_of_their_own_takes_lines_and_nothing_else()
    {
        var http = await app.ClientAsync();
        var session = TestData.SessionWithEverything();
        using var lines = new StringContent(LinesOf(session), Encoding.UTF8, MediaTypeHeaderValue.Parse(Lines));
        using var taken = await http.PostAsync(new Uri("/api/v2/sessionEvents/lines", UriKind.Relative), lines, Cancelled);
        AssertAnswer(await taken.JsonAsync(), lines: session.Events.Count, accepted: session.Events.Count);

        using var batch = new StringContent(session.Json(), Encoding.UTF8, "application/json");
        using var refused = await http.PostAsync(new Uri("/api/v2/sessionEvents/lines", UriKind.Relative), batch, Cancelled);
        Assert.Equal("Send application/x-ndjson, in UTF-8: a CloudEvent a line.", (string?)(await refused.ProblemAsync(HttpStatusCode.UnsupportedMediaType))["detail"]);
    }

    [Fact]
    public async Task The_document_is_to_the_byte_that_of_ordinary_batches()
    {
        using var data = new TempFolder();
        await using var other = await AppFixture.StartAsync("Development", data, TestClients.Settings(firstIndex: 1));
        using var reader = DescribedAnswers.Of(other);
        reader.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(reader, TestClients.Reader));
        var session = TestData.SessionWithEverything();
        await reader.RecordAsync(session);

        var http = await app.ClientAsync();
        await SendAsync(http, LinesOf(session));
        Assert.Equal(
            await (await reader.GetResultAsync(session.Id)).Content.ReadAsByteArrayAsync(Cancelled),
            await (await http.GetResultAsync(session.Id)).Content.ReadAsByteArrayAsync(Cancelled));
    }

    [Fact]
    public async Task Each_line_that_is_not_valid_is_refused_alone_and_named()
    {
        var http = await app.ClientAsync();
        var (session, other) = (TestData.Session().WithAnswer(Answers.Nps(9)), TestData.Session().WithAnswer(Answers.Nps(1)).But("data.answer.score", "11"));
        await http.RecordAsync(TestData.SessionOnly(session.Id).With("SessionCompleted", new JsonObject { ["finishedAt"] = "2026-03-01T10:20:00Z" }, id: Guid.Parse((string)session.Events[1]["id"]!)));
        var foreign = TestData.Session(TestClients.WorkspaceB);

        var answer = await SendAsync(http, string.Join('\n', [
            session.Events[0].ToJsonString(), "", session.Events[1].ToJsonString(), "nonsense", other.Events[1].ToJsonString(), "   ", other.Events[0].ToJsonString(),
            foreign.Events[0].ToJsonString(), "[]"]));
        AssertAnswer(answer, lines: 7, accepted: 2, refused: 5);
        Assert.Equal(
            [
                (3, Id(session.Events[1]), """{"id":["is the id of another event, or of this one with other content; ids are for ever"]}"""),
                (4, null, """{"$":["must be JSON; it breaks off at line 1, byte 2, in event [0]"]}"""),
                (5, Id(other.Events[1]), """{"data.answer.score":["must be a whole number from 0 to 10, not 11"]}"""),
                (8, Id(foreign.Events[0]), """{"data.workspaceId":["must be one of the sender's workspaces"]}"""),
                (9, null, """{"$":["must be one CloudEvent, a JSON object"]}"""),
            ],
            Refusals(answer));
        Assert.Equal(2, (await app.StoredAsync(session.Id)).Count);
        Assert.Single(await app.StoredAsync(other.Id));
        Assert.Empty(await app.StoredAsync(foreign.Id));
    }

    [Theory]
    [InlineData("{0}\r\n{1}\r\n")]
    [InlineData("{0}\n{1}")]
    [InlineData("\uFEFF{0}\n\n  \n{1}\n\n")]
    [InlineData("  {0}  \r\n\r\n\t{1}")]
    [InlineData("{0}\n\uFEFF{1}\n\uFEFF\n")]
    public async Task Ends_of_lines_blanks_and_a_byte_order_mark_do_not_matter(string layout)
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        var text = layout.Replace("{0}", session.Events[0].ToJsonString(), StringComparison.Ordinal).Replace("{1}", session.Events[1].ToJsonString(), StringComparison.Ordinal);
        AssertAnswer(await SendAsync(await app.ClientAsync(), text), lines: 2, accepted: 2);
    }

    [Fact]
    public async Task Nothing_is_an_import_of_nothing() => AssertAnswer(await SendAsync(await app.ClientAsync(), ""), lines: 0);

    [Theory]
    [InlineData(4_194_304, 3, 0)]
    [InlineData(4_194_305, 2, 1)]
    [InlineData(9_000_000, 2, 1)]
    public async Task A_line_that_is_too_long_is_refused_alone(int length, int accepted, int refused)
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(1)).WithAnswer(Answers.Nps(2));
        var middle = session.Events[1].ToJsonString();
        var padded = middle[..^1] + new string(' ', length - middle.Length) + "}";
        var answer = await SendAsync(await app.ClientAsync(), $"{session.Events[0].ToJsonString()}\n{padded}\r\n{session.Events[2].ToJsonString()}");
        AssertAnswer(answer, lines: 3, accepted: accepted, refused: refused);
        if (refused > 0)
            Assert.StartsWith("""{"$":["must have at most 4194304 bytes, not """, Refusals(answer).Single().Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_refusals_are_told_and_all_are_counted()
    {
        var answer = await SendAsync(await app.ClientAsync(), string.Concat(Enumerable.Repeat("x\n", 1_500)));
        AssertAnswer(answer, lines: 1_500, refused: 1_500);
        Assert.Equal(Enumerable.Range(1, 1_000), Refusals(answer).Select(refusal => refusal.Line));
    }

    [Fact]
    public async Task The_same_event_twice_in_a_file_is_stored_once_and_with_other_content_refused()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).Again().Again().But("data.answer.score", "2");
        AssertAnswer(await SendAsync(await app.ClientAsync(), LinesOf(session)), lines: 4, accepted: 2, duplicates: 1, refused: 1);
        Assert.Equal(9, (int)(await app.StoredAsync(session.Id))[1].Data["answer"]!["score"]!);
    }

    [Fact]
    public async Task Many_sessions_line_by_line_in_turn_are_all_in_their_documents()
    {
        var sessions = Enumerable.Range(0, 40).Select(_ => TestData.Session()).ToList();
        foreach (var session in sessions)
        {
            for (var i = 0; i < 60; i++)
                session.WithAnswer(Answers.Nps(i % 11));
        }

        var lines = Enumerable.Range(0, 61).SelectMany(i => sessions.Select(session => session.Events[i].ToJsonString()));
        var http = await app.ClientAsync();
        AssertAnswer(await SendAsync(http, string.Join('\n', lines)), lines: 40 * 61, accepted: 40 * 61);
        foreach (var session in sessions)
            Assert.Equal(60, (await http.ResultAsync(session.Id))["tasks"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_line_that_the_database_cannot_store_is_refused_alone()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, [.. TestClients.Settings(firstIndex: 1), new("Logging:LogLevel:ResultsEs", "None")]);
        using var http = DescribedAnswers.Of(host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        var session = TestData.Session();
        for (var i = 0; i < 9; i++)
            session.WithAnswer(Answers.Nps(i));
        await using (var command = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(
            $"alter table results.mt_events add constraint no_such_id check (id <> '{Id(session.Events[7])}')"))
        {
            await command.ExecuteNonQueryAsync(Cancelled);
        }

        var answer = await SendAsync(http, LinesOf(session));
        AssertAnswer(answer, lines: 10, accepted: 9, refused: 1);
        Assert.Equal([(8, Id(session.Events[7]), """{"$":["could not be stored; the service's log says why"]}""")], Refusals(answer));
        Assert.Equal(8, (await http.ResultAsync(session.Id))["tasks"]!.AsArray().Count);
    }

    [Theory]
    [InlineData(TestClients.ReadOnly, HttpStatusCode.Forbidden)]
    public async Task The_scope_is_needed(string client, HttpStatusCode status)
    {
        using var content = new StringContent("", Encoding.UTF8, MediaTypeHeaderValue.Parse(Lines));
        using var answer = await (await app.ClientAsync(client)).SendAsync(content);
        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public async Task Reading_stops_while_commits_are_held_back_and_goes_on_after()
    {
        var connectionString = await TestDatabase.CreateAsync();
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Development", data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, connectionString)]);
        using var http = DescribedAnswers.Of(host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));

        var sent = 0;
        using var content = new EndlessContent(() => Interlocked.Increment(ref sent), total: 20_000);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(Lines);
        Task<HttpResponseMessage> sending;
        await using (var connection = new NpgsqlConnection(connectionString))
        {
            await connection.OpenAsync(Cancelled);
            await using var transaction = await connection.BeginTransactionAsync(Cancelled);
            await using var command = new NpgsqlCommand("lock table results.mt_events in share mode", connection, transaction);
            await command.ExecuteNonQueryAsync(Cancelled);
            sending = http.SendAsync(content);

            // Four commands of 1,000 lines, one more that is gathered, and what the connection buffers.
            var before = -1;
            await Wait.UntilAsync(async () =>
            {
                var now = Volatile.Read(ref sent);
                var still = now == before && now >= 4_000;
                before = now;
                await Task.Delay(200, Cancelled);
                return still;
            });
            Assert.InRange(before, 4_000, 10_000);
        }

        using var answer = await sending;
        AssertAnswer(await answer.JsonAsync(), lines: 20_000, accepted: 20_000);
    }

    internal static string LinesOf(SessionBuilder session) => string.Join('\n', session.Events.Select(sent => sent.ToJsonString()));

    internal static async Task<JsonObject> SendAsync(HttpClient http, string lines, string contentType = Lines)
    {
        using var content = new StringContent(lines, Encoding.UTF8, MediaTypeHeaderValue.Parse(contentType));
        using var answer = await http.SendAsync(content);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Cancelled));
        return await answer.JsonAsync();
    }

    internal static void AssertAnswer(JsonObject answer, int lines, int accepted = 0, int duplicates = 0, int refused = 0) => Assert.Equal(
        (lines, accepted, duplicates, refused),
        ((int)answer["lines"]!, (int)answer["accepted"]!, (int)answer["duplicates"]!, (int)answer["refused"]!));

    private static string? Id(JsonObject sent) => (string?)sent["id"];

    private static List<(int Line, string? Id, string Errors)> Refusals(JsonObject answer) =>
        [.. answer["refusals"]!.AsArray().Select(refusal => ((int)refusal!["line"]!, (string?)refusal["id"], refusal["errors"]!.ToJsonString(Relaxed)))];

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Lines of events, each of a session of its own, made as they are sent.</summary>
    private sealed class EndlessContent(Action sent, int total) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var i = 0; i < total; i++)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(TestData.SessionOnly().Completed().Events[0].ToJsonString() + "\n"), Cancelled);
                sent();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
