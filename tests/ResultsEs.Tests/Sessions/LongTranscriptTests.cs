using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Sessions;

/// <summary>The transcript of a session of four hours, in any script, is taken however its letters are escaped, and served whole.</summary>
public sealed class LongTranscriptTests(AppFixture app)
{
    private const int Cues = 4_000;
    private const int WordsPerCue = 10;

    public static TheoryData<string> Words { get; } = ["talking", "понятно", "कहानियाँ", "説明してくださ", "Ωραίους", "𞤀𞤣𞤤𞤢𞤥𞤪𞤵"];

    [Theory]
    [MemberData(nameof(Words))]
    public async Task It_is_taken_as_an_event_and_served_whole(string word)
    {
        var http = await app.ClientAsync();
        var session = Session(word);
        Assert.Equal(2, (int?)(await http.RecordAsync(session))["accepted"]);
        await AssertServedAsync(http, session.Id, word);
        // The session's document does not grow by it.
        await http.RecordAsync(TestData.SessionOnly(session.Id).Completed());
        Assert.Equal("COMPLETE", (string?)(await http.ResultAsync(session.Id))["status"]);
    }

    [Theory]
    [MemberData(nameof(Words))]
    public async Task It_is_taken_as_a_line(string word)
    {
        var http = await app.ClientAsync();
        var session = Session(word);
        using var content = new StringContent(
            string.Join('\n', session.Events.Select(sent => sent.ToJsonString())), Encoding.UTF8, MediaTypeHeaderValue.Parse("application/x-ndjson"));
        using var answer = await http.SendAsync(content);
        Assert.Equal("""{"lines":2,"accepted":2,"duplicates":0,"refused":0,"refusals":[]}""", (await answer.JsonAsync()).ToJsonString());
        await AssertServedAsync(http, session.Id, word);
    }

    [Fact]
    public async Task More_than_anybody_says_is_refused_by_what_would_be_stored()
    {
        var session = TestData.SessionOnly().With("SessionTranscribed", new JsonObject
        {
            ["cues"] = new JsonArray([.. Enumerable.Range(0, 40).Select(i => (JsonNode)new JsonObject { ["startMs"] = i, ["endMs"] = i, ["text"] = new string('é', 26_300) })]),
        });
        using var answer = await (await app.ClientAsync()).SendAsync(Encoding.UTF8.GetBytes(session.Json().Replace("\\u00E9", "é", StringComparison.Ordinal)));
        Assert.Matches(
            "must have at most 2097152 bytes as stored, not 21[0-9]{5}",
            (string)(await answer.ProblemAsync(System.Net.HttpStatusCode.BadRequest))["errors"]!["[0]"]![0]!);
    }

    /// <summary>An hour's answer of 9,000 words, its text once whole and once in cues; forty minutes in letters of four bytes.</summary>
    [Theory]
    [InlineData("talking", 900)]
    [InlineData("понятно", 900)]
    [InlineData("कहानियाँ", 850)]
    [InlineData("説明してくださ", 900)]
    [InlineData("𞤀𞤣𞤤𞤢𞤥𞤪𞤵", 600)]
    public async Task The_transcript_of_a_long_spoken_answer_is_served_whole(string word, int count)
    {
        var http = await app.ClientAsync();
        var session = TestData.Session().WithAnswer(Answers.Verbal());
        var cues = CuesOf(word, count);
        var text = string.Join(' ', cues.Select(cue => (string)cue!["text"]!));
        session.WithTranscript(session.Tasks[0], text);
        session.Events[^1]["data"]!["cues"] = cues;
        await http.RecordAsync(session);

        var written = (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["written"]!;
        Assert.Equal(text, (string?)written["text"]);
        Assert.Equal(count, written["cues"]!.AsArray().Count);
    }

    internal static SessionBuilder Session(string word) =>
        TestData.Session().With("SessionTranscribed", new JsonObject { ["language"] = "und", ["cues"] = CuesOf(word, Cues) });

    internal static async Task AssertServedAsync(HttpClient http, Guid session, string word)
    {
        using var answer = await http.ReadAsync($"/api/v2/sessionResults/{session}/transcript");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Cues, text.Split(" --> ").Length - 1);
        Assert.Equal(Cues * WordsPerCue, text.Split(word).Length - 1);
    }

    private static JsonArray CuesOf(string word, int count) => [.. Enumerable.Range(0, count).Select(i => (JsonNode)new JsonObject
    {
        ["startMs"] = 3_600 * i,
        ["endMs"] = (3_600 * i) + 3_500,
        ["speaker"] = i % 2 == 0 ? "Moderator" : "Participant",
        ["text"] = string.Join(' ', Enumerable.Repeat(word, WordsPerCue)),
    })];
}
