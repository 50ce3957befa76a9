using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Alba;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Ingestion.Import;
using ResultsEs.Tests.Laws;

namespace ResultsEs.Tests.Ingestion;

/// <summary>A session, a reel and a test have a largest size, which is known before anything is acknowledged.</summary>
public sealed class FullStreamTests(FullStreamTests.Bounded own, AppFixture app) : IClassFixture<FullStreamTests.Bounded>
{
    private const int MaxEvents = 40;
    private const int MaxBytes = 300 * 1024;
    private const int MaxDocumentBytes = 120 * 1024;
    private const int MaxTasks = 12;

    private readonly HttpClient _http = own.Http;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("interactions", "is a session that is full: it may have at most 40 events", MaxEvents - 1)]
    [InlineData("deletions of clips", "is a session that is full: it may have at most 40 events", MaxEvents - 1)]
    [InlineData("tasks", "is a session that is full: it may have at most 12 tasks", MaxTasks)]
    [InlineData("skips", "is a session that is full: it may have at most 12 tasks", MaxTasks)]
    [InlineData("transcripts of the session", "is a session that is full: its events may have at most 307200 bytes as stored", 3)]
    [InlineData("answers to one task", "is a session that is full: its events may have at most 307200 bytes as stored", 5)]
    [InlineData("answers", "is a session that is full: its result may have at most 122880 bytes", 2)]
    [InlineData("transcripts of answers", "is a session that is full: its result may have at most 122880 bytes", 1)]
    [InlineData("clips", "is a session that is full: its result may have at most 122880 bytes", 2)]
    public async Task A_session_takes_so_much_and_no_more_however_it_comes(string kind, string problem, int taken)
    {
        var session = TestData.Session();
        await _http.RecordAsync(session);
        for (var i = 0; i < taken; i++)
            await RecordLastAsync(Add(session, kind));
        var before = (await _http.ResultAsync(session.Id)).ToJsonString();
        var more = Last(Add(session, kind));

        using (var refused = await _http.SendAsync(more))
            Assert.Equal([problem], ErrorsOf(await refused.ProblemAsync(HttpStatusCode.UnprocessableEntity), "[0].subject"));

        // What was stored is so again, and the participant's end is taken.
        session.Events.Remove(session.Events[^1]);
        using (var again = await _http.SendAsync(Last(session)))
            Assert.Equal(1, (int)(await again.JsonAsync())["duplicates"]!);
        Assert.Equal(before, (await _http.ResultAsync(session.Id)).ToJsonString());
        await RecordLastAsync(session.Completed());
        Assert.Equal("COMPLETE", (string?)(await _http.ResultAsync(session.Id))["status"]);
        await AssertSizesAsync(session.Id);
    }

    /// <summary>Before the start nobody knows who may write; whoever knows the id takes no more than a half of the room.</summary>
    [Theory]
    [InlineData("interactions", 20, "is a session that has not started: it may have at most 20 events, until its start is stored")]
    [InlineData("transcripts of the session", 1, "is a session that has not started: its events may have at most 153600 bytes as stored, until its start is stored")]
    public async Task A_stranger_who_knows_an_id_cannot_fill_the_session(string kind, int taken, string problem)
    {
        using var stranger = await AppFixture.ClientAsync(own.Host, TestClients.OtherWorkspace);
        var session = TestData.SessionOnly();
        for (var i = 0; i < taken; i++)
            await stranger.RecordAsync(Alone(Add(session, kind)));
        using (var refused = await stranger.SendAsync(Last(Add(session, kind))))
            Assert.Equal([problem], ErrorsOf(await refused.ProblemAsync(HttpStatusCode.UnprocessableEntity), "[0].subject"));

        // The participant's own recorder has the other half, and the stranger no more.
        var whole = TestData.SessionOnly(session.Id).Started(TestClients.WorkspaceA).Profiled();
        for (var i = 0; i < 10; i++)
            whole.WithAnswer(Answers.Nps(i));
        await _http.RecordAsync(whole.Completed());
        using (var foreign = await stranger.SendAsync(Last(Add(session, kind))))
            await foreign.ProblemAsync(HttpStatusCode.Forbidden);
        var result = await _http.ResultAsync(session.Id);
        Assert.Equal(("COMPLETE", 10), ((string?)result["status"], result["tasks"]!.AsArray().Count));

        SessionBuilder Alone(SessionBuilder all)
        {
            var alone = TestData.SessionOnly(all.Id);
            alone.Events.Add(all.Events[^1]);
            return alone;
        }
    }

    [Fact]
    public async Task A_session_that_took_all_it_may_before_its_start_is_started_and_goes_on()
    {
        var session = TestData.SessionOnly();
        for (var i = 0; i < MaxEvents / 2; i++)
            session.WithInteraction(Guid.Parse("5a000000-0000-4000-8000-000000000009"), i, "NEW_STATE");
        await _http.RecordAsync(session);
        using (var refused = await _http.SendAsync(Last(session.Profiled())))
            await refused.ProblemAsync(HttpStatusCode.UnprocessableEntity);
        var profile = Last(session);

        await RecordLastAsync(session.Started(TestClients.WorkspaceA));
        using (var answer = await _http.SendAsync(profile))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        Assert.Equal("IN_PROGRESS", (string?)(await _http.ResultAsync(session.Id))["status"]);
    }

    [Fact]
    public async Task A_request_is_refused_whole_and_names_what_is_too_much()
    {
        var (session, other) = (TestData.Session(), TestData.Session());
        for (var i = 0; i < MaxTasks + 2; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        JsonObject[] sent = [.. other.Events, .. session.Events];

        using var refused = await _http.SendAsync(new JsonArray([.. sent.Select(e => e.DeepClone())]).ToJsonString());

        var problem = await refused.ProblemAsync(HttpStatusCode.UnprocessableEntity);
        Assert.Equal("Nothing of the request is stored, because a subject is as large as it may be, which is for good.", (string?)problem["detail"]);
        Assert.Equal(["[14].subject", "[15].subject"], problem["errors"]!.AsObject().Select(error => error.Key));
        Assert.Empty(await own.Host.StoredAsync(other.Id));
        Assert.Empty(await own.Host.StoredAsync(session.Id));
    }

    [Fact]
    public async Task Of_lines_those_that_are_too_much_are_refused_alone()
    {
        var (session, other) = (TestData.Session(), TestData.Session());
        for (var i = 0; i < MaxTasks + 2; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        session.Completed();
        var lines = string.Join('\n', session.Events.Concat(other.Events).Select(e => e.ToJsonString()));

        var answer = await PostEventLinesTests.SendAsync(_http, lines);

        Assert.Equal((17, 2), ((int)answer["lines"]!, (int)answer["refused"]!));
        Assert.Equal([14, 15], answer["refusals"]!.AsArray().Select(refusal => (int)refusal!["line"]!));
        Assert.Equal("""{"subject":["is a session that is full: it may have at most 12 tasks"]}""", answer["refusals"]![0]!["errors"]!.ToJsonString());
        Assert.Equal(MaxTasks, (await _http.ResultAsync(session.Id))["tasks"]!.AsArray().Count);
        Assert.NotEmpty(await own.Host.StoredAsync(other.Id));
    }

    [Fact]
    public async Task Reels_and_definitions_are_bounded_too()
    {
        var reel = TestData.Reel(Guid.NewGuid());
        while (reel.Events.Count < MaxEvents)
            reel.Generated();
        await _http.RecordAsync(reel);
        using (var refused = await _http.SendAsync(Last(reel.Generated())))
            Assert.Equal(
                ["is a highlight reel that is full: it may have at most 40 events"],
                ErrorsOf(await refused.ProblemAsync(HttpStatusCode.UnprocessableEntity), "[0].subject"));

        var test = TestData.TestOnly();
        for (var i = 0; i < 6; i++)
        {
            var task = TestBuilder.Task(0, "WRITTEN");
            task["text"] = new string('x', 55_000);
            test.Defined(TestClients.WorkspaceA, tasks: new JsonArray(task));
            using var answer = await _http.SendAsync(Last(test));
            Assert.Equal(i < 5 ? HttpStatusCode.OK : HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            if (i == 5)
                Assert.Equal(
                    ["is a test that is full: its events may have at most 307200 bytes as stored"],
                    ErrorsOf(await answer.ProblemAsync(HttpStatusCode.UnprocessableEntity), "[0].subject"));
        }
    }

    [Fact]
    public async Task What_waits_for_its_place_in_a_long_document_counts_and_is_no_more_than_it_is()
    {
        var session = TestData.Session();
        // Text that does not compress makes the document a long one; its task comes again and again.
        var random = new Random(1);
        session.WithAnswer(Answers.Written(Text(random, 40_000)));
        for (var i = 0; i < 23; i++)
            session.WithInteraction(session.Tasks[0], i, "NEW_STATE");
        await _http.RecordAsync(session);

        await RecordLastAsync(session.WithAnswer(Answers.Written(Text(random, 30_000)), session.Tasks[0]));
        Assert.Equal(1, await AskAsync<int>(session.Id, "lag"));
        Assert.InRange(await AskAsync<long>(session.Id, "document_bytes"), 72_000, 80_000);
        await RecordLastAsync(session.WithAnswer(Answers.Written(Text(random, 30_000)), session.Tasks[0]));
        Assert.Equal(2, await AskAsync<int>(session.Id, "lag"));
        // By what waits this one would be too much. The answers replace each other, so it is not.
        await RecordLastAsync(session.WithAnswer(Answers.Written(Text(random, 30_000)), session.Tasks[0]));

        await AssertSizesAsync(session.Id);
    }

    [Fact]
    public async Task A_stream_that_is_older_than_its_size_is_counted_when_it_grows()
    {
        var (session, reel) = (TestData.SessionWithEverything(), TestData.Reel(Guid.NewGuid()));
        while (reel.Events.Count < MaxEvents)
            reel.Generated();
        await _http.RecordAsync(session);
        await _http.RecordAsync(reel);
        await ExecuteAsync($"update results.mt_doc_session_result_2 set stream_bytes = null, document_bytes = null, task_count = null where id = '{session.Id}'");
        await ExecuteAsync($"update results.mt_doc_highlight_reel set stream_bytes = null, document_bytes = null where id = '{reel.Id}'");

        await RecordLastAsync(session.WithClipDeleted(Guid.NewGuid()));
        using (var refused = await _http.SendAsync(Last(reel.Generated())))
            await refused.ProblemAsync(HttpStatusCode.UnprocessableEntity);

        await AssertSizesAsync(session.Id);
    }

    [Fact]
    public async Task Any_session_is_as_large_counted_as_it_comes_as_when_it_is_rebuilt()
    {
        using var http = await app.ClientAsync();
        await AnySession.Arrivals.SampleAsync(
            async arrival =>
            {
                foreach (var part in arrival.Session.Events.Chunk(40))
                {
                    using var answer = await http.SendAsync($"[{string.Join(',', part.Select(e => e.ToJsonString()))}]");
                    Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                }

                await AssertSizesAsync(arrival.Session.Id, app.Host);
            },
            iter: 10,
            threads: 1);
    }

    [Theory]
    [InlineData("[-0, -0.0, 0e7, -0e-3, 0.0e2]")]
    [InlineData("[1e2, 1.50e1, 0.5e1, 0.05e1, 0.005e1, 100e-2, -12.5e-3, 1E+3]")]
    [InlineData("[\"\\u0438\", \"\\ud83d\\ude00\", \"\\/\\\"\\\\\\b\\u001f\\u007f\", {\"\\u00e9 \": null}]")]
    public async Task Other_spellings_are_as_large_as_what_is_stored(string json)
    {
        var session = TestData.Session().But("data.extra", json);
        await _http.RecordAsync(session);
        await AssertSizesAsync(session.Id);
    }

    private static SessionBuilder Add(SessionBuilder session, string kind)
    {
        var (task, text) = (Guid.Parse("5a000000-0000-4000-8000-000000000009"), new string('x', 50_000));
        return kind switch
        {
            "interactions" => session.WithInteraction(task, session.Events.Count, "NEW_STATE"),
            "deletions of clips" => session.WithClipDeleted(task),
            "tasks" => session.WithAnswer(Answers.Nps(3)),
            "skips" => session.WithSkip("NPS"),
            "transcripts of the session" => session.Transcribed().But("data.cues[0].text", $"\"{new string('x', 95_000)}\""),
            "answers to one task" => session.WithAnswer(Answers.Written(text + text[..8_000]), task),
            "answers" => session.WithAnswer(Answers.Written(text)),
            "transcripts of answers" => session.WithTranscript(task, "Well.").But("data.text", $"\"{text}\""),
            "clips" => session.WithClip(Guid.NewGuid()).But("data.description", $"\"{text}\""),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    private static string Text(Random random, int length) =>
        string.Create(length, random, static (text, random) => random.GetItems("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", text));

    private static string Last<T>(StreamBuilder<T> stream)
        where T : StreamBuilder<T> => $"[{stream.Events[^1].ToJsonString()}]";

    private async Task RecordLastAsync<T>(StreamBuilder<T> stream)
        where T : StreamBuilder<T>
    {
        using var answer = await _http.SendAsync(Last(stream));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
    }

    private static string[] ErrorsOf(JsonObject problem, string path) => [.. problem["errors"]![path]!.AsArray().Select(error => (string)error!)];

    /// <summary>The row says what a rebuild finds, once the document holds all.</summary>
    private async Task AssertSizesAsync(Guid session, IAlbaHost? host = null)
    {
        const string sizes = "format('%s %s %s', stream_bytes, document_bytes, task_count)";
        var refresh = (host ?? own.Host).Services.GetRequiredService<DocumentRefresh>();
        var key = new StreamKey(TestClients.AccountOne.ToString(), session);
        await refresh.CatchUpAsync(SessionResultTable.Documents, key, _ => Task.FromResult(true), Cancelled);
        var stored = await AskAsync<string>(session, sizes, host);
        await ExecuteAsync($"update results.mt_doc_session_result_2 set stream_bytes = 1, document_bytes = 1, task_count = 1 where id = '{session}'", host);
        await refresh.RefreshAsync(SessionResultTable.Documents, [key], Cancelled);
        Assert.Equal(await AskAsync<string>(session, sizes, host), stored);
    }

    private async Task<T> AskAsync<T>(Guid session, string column, IAlbaHost? host = null)
    {
        await using var command = DatabaseOf(host).CreateCommand($"select {column} from results.mt_doc_session_result_2 where id = '{session}'");
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private async Task ExecuteAsync(string sql, IAlbaHost? host = null)
    {
        await using var command = DatabaseOf(host).CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private NpgsqlDataSource DatabaseOf(IAlbaHost? host) => (host ?? own.Host).Services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>A service whose streams may have little.</summary>
    public sealed class Bounded : IAsyncLifetime
    {
        private readonly TempFolder _data = new();

        public IAlbaHost Host { get; private set; } = null!;

        public HttpClient Http { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Host = await AppFixture.StartAsync("Development", _data,
            [
                .. TestClients.Settings(firstIndex: 1),
                new("Streams:MaxEvents", Text(MaxEvents)),
                new("Streams:MaxBytes", Text(MaxBytes)),
                new("Streams:MaxDocumentBytes", Text(MaxDocumentBytes)),
                new("Streams:MaxTasks", Text(MaxTasks)),
            ]);
            Http = await AppFixture.ClientAsync(Host);

            static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Host.DisposeAsync();
            _data.Dispose();
        }
    }
}
