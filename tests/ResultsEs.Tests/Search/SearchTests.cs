using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Search;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Search;

/// <summary>Finding what participants wrote and said, over HTTP.</summary>
public sealed class SearchTests(AppFixture app)
{
    // A word that no other test says.
    private readonly string _word = $"w{Guid.NewGuid():n}";
    private readonly Guid _test = Guid.NewGuid();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_kind_of_text_is_found_with_its_session_task_and_words_around_it()
    {
        using var http = await app.ClientAsync();
        var verbal = Guid.NewGuid();
        var session = TestData.Session(test: _test)
            .WithAnswer(Answers.Written($"It was {_word} to find."))
            .WithAnswer(Answers.Verbal(), verbal)
            .WithTranscript(verbal, $"Quite {_word}, I said.")
            .WithAnswer(Answers.Image()).But("data.answer.annotations[0].comment", $"\"a {_word} picture\"")
            .Transcribed().But("data.cues[0].text", $"\"Let us see: {_word}.\"");
        await RecordAsync(http, session);

        var hits = await FindAsync(http, _word);

        var expected = new[]
        {
            ("WRITTEN", session.Tasks[0].ToString(), 500, $"It was {_word} to find.", 7),
            ("VERBAL", verbal.ToString(), 100, $"Quite {_word}, I said.", 6),
            ("IMAGE", session.Tasks[2].ToString(), 2_500, $"a {_word} picture", 2),
            ("TRANSCRIPT", null, 0, $"Let us see: {_word}.", 12),
        };
        Assert.Equal(
            expected.OrderByDescending(hit => hit.Item3),
            hits.Select(hit => ((string)hit["kind"]!, (string?)hit["taskId"], (int)hit["startMs"]!, (string)hit["excerpt"]!["text"]!, (int)Assert.Single(hit["excerpt"]!["marks"]!.AsArray())!["start"]!)));
        Assert.All(hits, hit => Assert.Equal(
            (session.Id, _test, TestClients.WorkspaceA, _word.Length, SessionBuilder.Begin.AddMilliseconds((int)hit["startMs"]!)),
            ((Guid)hit["sessionId"]!, (Guid)hit["testId"]!, (Guid)hit["workspaceId"]!, (int)hit["excerpt"]!["marks"]![0]!["length"]!, (DateTimeOffset)hit["time"]!)));
    }

    [Theory]
    [InlineData("en-GB", "The dogs were running", "dog run", true)]
    [InlineData("en-GB", "The dogs were running", "RUNS", true)]
    [InlineData("de", "Die Häuser waren schön", "haus", true)]
    [InlineData("fr-FR", "Les chevaux mangeaient", "mangeait", true)]
    [InlineData("pt_BR", "As meninas cantavam", "menina", true)]
    [InlineData("ru", "Большие города", "город", true)]
    [InlineData("tlh", "The dogs were running", "dogs", true)]
    [InlineData("tlh", "The dogs were running", "dog", false)]
    [InlineData(null, "The dogs were running", "DOGS", true)]
    [InlineData(null, "The dogs were running", "run", false)]
    [InlineData(null, "naïve 日本語 текст", "日本語", true)]
    [InlineData(null, "naïve 日本語 текст", "ТЕКСТ", true)]
    public async Task A_text_is_found_by_the_stems_of_its_language(string? language, string text, string query, bool isFound)
    {
        using var http = await app.ClientAsync();
        var task = Guid.NewGuid();
        var session = TestData.Session(test: _test).WithAnswer(Answers.Verbal(), task)
            .WithTranscript(task, text).But("data.language", language is null ? null : $"\"{language}\"");
        await RecordAsync(http, session);
        Assert.Equal(isFound ? 1 : 0, (await FindAsync(http, query)).Count);
    }

    [Fact]
    public async Task What_is_written_is_in_the_language_that_is_spoken_where_that_is_known()
    {
        using var http = await app.ClientAsync();
        await RecordAsync(http, TestData.Session(test: _test).WithAnswer(Answers.Written("Häuser")).Transcribed().But("data.language", "\"de-AT\""));
        Assert.Single(await FindAsync(http, "Haus"));
    }

    [Fact]
    public async Task Phrases_alternatives_and_words_to_leave_out()
    {
        using var http = await app.ClientAsync();
        var texts = new[] { "the blue card was lost", "a card that is blue", "nothing of it's kind\\'", "the red card was lost" };
        foreach (var text in texts)
            await RecordAsync(http, TestData.Session(test: _test).WithAnswer(Answers.Written(text)));

        await IsAsync("card", 0, 1, 3);
        await IsAsync("\"blue card\"", 0);
        await IsAsync("blue card", 0, 1);
        await IsAsync("card -blue", 3);
        await IsAsync("nothing or red", 2, 3);
        await IsAsync("card -\"blue card\"", 1, 3);
        await IsAsync("it's", 2);
        await IsAsync("kind\\'", 2);
        await IsAsync("card & !lost <-> :*", 0, 3);
        await IsAsync("green");

        async Task IsAsync(string query, params int[] expected)
        {
            var found = (await FindAsync(http, query)).Select(hit => Array.IndexOf(texts, (string)hit["excerpt"]!["text"]!)).Order();
            Assert.Equal((query, string.Join(',', expected)), (query, string.Join(',', found)));
        }
    }

    [Fact]
    public async Task Nobody_finds_what_is_in_another_workspace_or_account()
    {
        using var inA = await app.ClientAsync();
        using var inB = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        using var other = await app.ClientAsync(TestClients.OtherAccountWithWorkspaceA);
        await RecordAsync(inA, TestData.Session(test: _test).WithAnswer(Answers.Written($"{_word} of A")));
        await RecordAsync(inB, TestData.Session(TestClients.WorkspaceB, _test).WithAnswer(Answers.Written($"{_word} of B")));
        await RecordAsync(other, TestData.Session(test: _test).WithAnswer(Answers.Written($"{_word} of another")));

        foreach (var (http, expected) in new[] { (inA, "of A"), (inB, "of B"), (both, "of A,of B"), (other, "of another") })
        {
            var found = (await FindAsync(http, _word)).Select(hit => ((string)hit["excerpt"]!["text"]!)[(_word.Length + 1)..]).Order(StringComparer.Ordinal);
            Assert.Equal(expected, string.Join(',', found));
        }
    }

    [Fact]
    public async Task A_session_that_moves_is_found_where_it_is_and_never_where_it_was()
    {
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        using var inA = await app.ClientAsync();
        using var inB = await app.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.Session(test: _test).WithAnswer(Answers.Written($"{_word} moves"));
        await RecordAsync(both, session);
        Assert.Single(await FindAsync(inA, _word));

        await both.RecordAsync(new SessionBuilder { Id = session.Id, TestId = _test }.With(
            "SessionStarted", (JsonObject)session.Events[0]["data"]!.DeepClone().AsObject().But("workspaceId", $"\"{TestClients.WorkspaceB}\""), SessionBuilder.Begin.AddHours(1)));

        // At once, whatever the index has.
        Assert.Empty(await FindAsync(inA, _word));
        await CompleteAsync(inB);
        Assert.Empty(await FindAsync(inA, _word));
        Assert.Single(await FindAsync(inB, _word));
    }

    [Fact]
    public async Task An_answer_that_is_corrected_is_found_by_its_new_words_alone()
    {
        using var http = await app.ClientAsync();
        var task = Guid.NewGuid();
        var session = TestData.Session(test: _test).WithAnswer(Answers.Written($"{_word} first"), task).WithAnswer(Answers.Written($"{_word} stays"));
        await RecordAsync(http, session);
        Assert.Equal(2, (await FindAsync(http, _word)).Count);

        await RecordAsync(http, new SessionBuilder { Id = session.Id }.WithAnswer(Answers.Written($"{_word} second"), task, time: SessionBuilder.Begin.AddHours(1)));

        Assert.Equal([$"{_word} second", $"{_word} stays"], (await FindAsync(http, _word)).Select(hit => (string)hit["excerpt"]!["text"]!).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_erased_is_not_found_from_that_moment_on(bool byParticipant)
    {
        using var http = await app.ClientAsync(TestClients.Privacy);
        var participant = Guid.NewGuid();
        var session = TestData.Session(test: _test).Profiled().But("data.participantId", $"\"{participant}\"")
            .WithAnswer(Answers.Written($"{_word} written")).Transcribed().But("data.cues[0].text", $"\"{_word} spoken\"");
        await RecordAsync(http, session);
        Assert.Equal(2, (await FindAsync(http, _word)).Count);

        using var erased = await http.DeleteAsync(new Uri(byParticipant ? $"/api/v2/participants/{participant}" : $"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
        Assert.Equal(HttpStatusCode.OK, erased.StatusCode);

        // At once, in the table too, and after the worker has followed.
        Assert.Empty(await FindAsync(http, _word));
        Assert.Equal(0, await CountAsync(session.Id));
        await CompleteAsync(http);
        Assert.Empty(await FindAsync(http, _word));
        Assert.Equal(0, await CountAsync(session.Id));
    }

    [Fact]
    public async Task A_long_transcript_is_found_by_each_of_its_passages()
    {
        const int Cues = 3_000;
        using var http = await app.ClientAsync();
        var session = TestData.Session(test: _test).Transcribed();
        session.Events[^1]["data"]!["cues"] = new JsonArray([.. Enumerable.Range(0, Cues).Select(i => new JsonObject
        {
            ["startMs"] = i * 1_000, ["endMs"] = (i * 1_000) + 900, ["text"] = $"cue{i} {_word} " + new string('x', 200),
        })]);
        // One word that is longer than an index takes, and one text without any blank.
        session.WithAnswer(Answers.Written(new string('y', 99_000))).WithAnswer(Answers.Written($"{string.Concat(Enumerable.Repeat("long ", 10_000))}{_word}end"));
        await RecordAsync(http, session);

        var last = Assert.Single(await FindAsync(http, $"cue{Cues - 1}"));
        Assert.InRange((int)last["startMs"]!, (Cues - 40) * 1_000, (Cues - 1) * 1_000);
        Assert.Single(await FindAsync(http, $"{_word}end"));
        var all = new List<int>();
        await foreach (var hit in WalkAsync(http, _word, limit: 50))
            all.Add((int)hit["startMs"]!);
        Assert.Equal(all.OrderDescending(), all);
        Assert.InRange(all.Count, 150, 250);
        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Fact]
    public async Task Hits_come_once_each_in_pages_what_was_said_last_first()
    {
        using var http = await app.ClientAsync(TestClients.BothWorkspaces);
        for (var i = 0; i < 4; i++)
        {
            var session = TestData.Session(i % 2 == 0 ? TestClients.WorkspaceA : TestClients.WorkspaceB, _test);
            for (var n = 0; n < 9; n++)
                session.WithAnswer(Answers.Written($"{(n % 3 == i % 3 ? "other" : _word)} {i}.{n}"));
            await http.RecordAsync(session);
        }

        await CompleteAsync(http);
        var whole = await FindAsync(http, _word, limit: 100);
        Assert.Equal(24, whole.Count);
        Assert.Equal(whole.OrderByDescending(hit => (DateTimeOffset)hit["time"]!).Select(hit => (DateTimeOffset)hit["time"]!), whole.Select(hit => (DateTimeOffset)hit["time"]!));
        foreach (var limit in new[] { 1, 5, 24 })
        {
            var walked = new List<string>();
            await foreach (var hit in WalkAsync(http, _word, limit))
                walked.Add(hit.ToJsonString());
            Assert.Equal(whole.Select(hit => hit.ToJsonString()), walked);
        }
    }

    [Theory]
    [InlineData("", "is required")]
    [InlineData("%20", "is required")]
    [InlineData("-foo", "must have a word that all hits have; a word to be left out alone finds nothing")]
    [InlineData("foo%20or%20-bar", "must have a word that all hits have; a word to be left out alone finds nothing")]
    [InlineData("%26%20%7C%20!%20()%20%3C-%3E", "must have a word that all hits have; a word to be left out alone finds nothing")]
    [InlineData("%22%22", "must have a word that all hits have; a word to be left out alone finds nothing")]
    [InlineData("foo%00bar", "must not have control characters")]
    [InlineData("a%02b", "must not have control characters")]
    public async Task A_search_that_cannot_be_one_is_400(string query, string message)
    {
        using var http = await app.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v3/answers?q={query}");
        Assert.Equal(message, (string?)(await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!["q"]![0]);
    }

    [Fact]
    public async Task Hostile_words_are_searched_or_refused_and_never_fail()
    {
        using var http = await app.ClientAsync();
        await RecordAsync(http, TestData.Session(test: _test).WithAnswer(Answers.Written("something")));
        foreach (var query in new[]
        {
            "%ED%A0%80", "%F0%9F%98%80", "'; drop table results.search_texts; --", "\\\\'\\'", "a:*b & c", "((((", "\"unclosed", new string('a', 200), "%", "'", "\\",
            string.Join("%20", Enumerable.Range(0, 60).Select(i => $"{i}")), "%E2%80%8B", "x%0Ay", "%EF%BF%BE", "or or or", "a or or b", "<->", "http://x.example/?a=b#c",
        })
        {
            using var answer = await http.ReadAsync($"/api/v3/answers?q={(query.Contains('%', StringComparison.Ordinal) && query.Length > 1 ? query : Uri.EscapeDataString(query))}");
            Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{query}: {answer.StatusCode}");
        }

        foreach (var length in new[] { 201, 10_000 })
        {
            using var answer = await http.ReadAsync($"/api/v3/answers?q={new string('a', length)}");
            Assert.Equal("must have at most 200 characters", (string?)(await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!["q"]![0]);
        }

        foreach (var (query, parameter) in new[] { ("q=a&limit=0", "limit"), ("q=a&limit=101", "limit"), ("q=a&testId=x", "testId"), ("q=a&cursor=x", "cursor"), ("q=a&q=b", "q"), ("q[]=a", "q[]") })
        {
            using var answer = await http.ReadAsync($"/api/v3/answers?{query}");
            Assert.NotNull((await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]![parameter]);
        }
    }

    [Fact]
    public async Task A_search_says_up_to_when_it_is_complete()
    {
        using var http = await app.ClientAsync(TestClients.OtherAccount);
        var session = TestData.Session(TestClients.WorkspaceOfTwo, _test).WithAnswer(Answers.Written(_word));
        // Whoever indexes a session holds this.
        await using (var writer = await app.Host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled))
        await using (var transaction = await writer.BeginTransactionAsync(Cancelled))
        {
            await SearchTable.Locks.TakeAsync(writer, TestClients.AccountTwo.ToString(), [session.Id], Cancelled);
            await http.RecordAsync(session);
            var updated = (DateTimeOffset)(await http.JsonAsync($"/api/v2/sessionResults?testId={_test}&status=IN_PROGRESS"))["sessions"]![0]!["updatedTime"]!;
            var page = await http.JsonAsync($"/api/v3/answers?q={_word}");
            Assert.Empty(page["answers"]!.AsArray());
            Assert.True((DateTimeOffset)page["meta"]!["asOf"]! <= updated);
        }

        await CompleteAsync(http);
        Assert.Single(await FindAsync(http, _word));
    }

    /// <summary>Records a session, and waits until its texts can be found.</summary>
    private async Task RecordAsync(HttpClient http, SessionBuilder session)
    {
        await http.RecordAsync(session);
        await CompleteAsync(http);
    }

    /// <summary>Waits until all can be found that was stored before.</summary>
    private async Task CompleteAsync(HttpClient http)
    {
        var now = await app.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("select clock_timestamp()").ExecuteScalarAsync(Cancelled);
        await Wait.UntilAsync(async () => (DateTimeOffset)(await http.JsonAsync("/api/v3/answers?q=x"))["meta"]!["asOf"]! >= new DateTimeOffset((DateTime)now!));
    }

    private async Task<List<JsonObject>> FindAsync(HttpClient http, string query, int limit = 25)
    {
        var page = await http.JsonAsync($"/api/v3/answers?q={Uri.EscapeDataString(query)}&testId={_test}&limit={limit}");
        return [.. page["answers"]!.AsArray().Select(hit => hit!.AsObject())];
    }

    private async IAsyncEnumerable<JsonObject> WalkAsync(HttpClient http, string query, int limit)
    {
        for (var cursor = ""; cursor is not null;)
        {
            var page = await http.JsonAsync($"/api/v3/answers?q={Uri.EscapeDataString(query)}&testId={_test}&limit={limit}{cursor}");
            foreach (var hit in page["answers"]!.AsArray())
                yield return hit!.AsObject();
            cursor = (string?)page["meta"]!["nextCursor"] is { } next ? $"&cursor={next}" : null;
        }
    }

    private async Task<long> CountAsync(Guid session) => (long)(await app.Host.Services.GetRequiredService<NpgsqlDataSource>()
        .CreateCommand($"select count(*) from results.search_texts where session_id = '{session}'").ExecuteScalarAsync(Cancelled))!;
}
