using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CsCheck;
using ResultsEs.Contracts;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Sessions;

/// <summary><c>GET /api/v2/sessionResults/{sessionId}/transcript</c>, and the WebVTT in it.</summary>
public sealed class TranscriptTests(AppFixture app)
{
    /// <summary>What the format cares about.</summary>
    private static readonly string[] Pieces =
        ["<", ">", "&", "-->", "--", "\n", "\r\n", "\r", " ", "a", "&amp;", "<v X>", "</v>", "WEBVTT", "NOTE", "ä", "😀", ".", ";", "00:00:01.000"];

    private static readonly Gen<SpokenCue> AnyCue = Gen.Select(
        Gen.Long[0, 20_000_000].Select(start => start % 3 == 0 ? start / 1_000_000 * 1_000_000 : start), Gen.Long[0, 5_000], Text(), Text().Null(),
        (start, length, text, speaker) => new SpokenCue { StartMs = start, EndMs = start + length, Text = text, Speaker = speaker });

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transcript_is_WebVTT_with_speakers_hours_and_overlaps()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().With("SessionTranscribed", Transcript(
            (3_600_000, 3_661_001, "Moderator", "What <b>now</b> & then?"),
            (500, 2_000, "Anna & Bob > \"C\"", "Two\r\n\r\nlines --> one"),
            (500, 1_500, null, "At the same time"),
            (360_000_000, 360_000_001, "Moderator", "after a hundred hours"),
            (4_000, 4_000, "", "in an instant"),
            (5_000, 6_000, "Anna", " \n ")));
        await http.RecordAsync(session);

        using var answer = await GetAsync(http, session.Id);
        Assert.Equal("text/vtt; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("bytes", answer.Headers.AcceptRanges.Single());
        Assert.Equal(
            """
            WEBVTT

            00:00:00.500 --> 00:00:02.000
            <v Anna &amp; Bob &gt; "C">Two
            lines --&gt; one

            00:00:00.500 --> 00:00:01.500
            At the same time

            00:00:04.000 --> 00:00:04.001
            in an instant

            01:00:00.000 --> 01:01:01.001
            <v Moderator>What &lt;b&gt;now&lt;/b&gt; &amp; then?

            100:00:00.000 --> 100:00:00.001
            <v Moderator>after a hundred hours

            """.ReplaceLineEndings("\n"),
            await answer.Content.ReadAsStringAsync(Cancelled));
    }

    [Fact]
    public async Task Of_several_transcripts_the_latest_holds_whenever_it_comes()
    {
        using var http = await app.ClientAsync();
        var begin = SessionBuilder.Begin;
        var session = TestData.Session()
            .With("SessionTranscribed", Transcript((0, 1, null, "second")), begin.AddHours(2))
            .With("SessionTranscribed", Transcript((0, 1, null, "first")), begin.AddHours(1));
        await http.RecordAsync(session);

        Assert.EndsWith("second\n", await http.GetStringAsync(new Uri(Path(session.Id), UriKind.Relative), Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_version_or_a_moment_it_is_the_one_that_the_session_had()
    {
        using var http = await app.ClientAsync();
        using var elsewhere = await app.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.Session()
            .With("SessionTranscribed", Transcript((0, 1, null, "first")), SessionBuilder.Begin.AddHours(1))
            .WithAnswer(Answers.Nps(9))
            .With("SessionTranscribed", Transcript((0, 1, null, "second")), SessionBuilder.Begin.AddHours(2));
        await http.RecordAsync(session);

        foreach (var (at, version, said) in new[] { ("version=2", 2, "first"), ("version=3", 3, "first"), ("version=4", 4, "second"), ("asOf=2999-01-01T00:00:00Z", 4, "second") })
        {
            using var answer = await http.ReadAsync($"{Path(session.Id)}?{at}");
            Assert.Equal((at, version.ToString(System.Globalization.CultureInfo.InvariantCulture)), (at, answer.Headers.GetValues("x-session-version").Single()));
            Assert.EndsWith($"{said}\n", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }

        using var none = await http.ReadAsync($"{Path(session.Id)}?version=1");
        await none.ProblemAsync(HttpStatusCode.NotFound);
        using var later = await http.ReadAsync($"{Path(session.Id)}?version=5");
        Assert.Equal("The session has no version 5: its last is 4.", (string)(await later.ProblemAsync(HttpStatusCode.NotFound))["detail"]!);
        using var both = await http.ReadAsync($"{Path(session.Id)}?version=1&asOf=2999-01-01T00:00:00Z");
        await both.ProblemAsync(HttpStatusCode.BadRequest);
        using var foreign = await elsewhere.ReadAsync($"{Path(session.Id)}?version=2");
        await foreign.ProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("lines=0-1")]
    [InlineData("seconds=1-2")]
    [InlineData("BITES=0-3")]
    [InlineData("bytes")]
    [InlineData("nonsense")]
    public async Task A_range_of_an_unknown_unit_is_ignored(string range)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().Transcribed();
        await http.RecordAsync(session);
        using var request = new HttpRequestMessage(HttpMethod.Get, Path(session.Id));
        request.Headers.TryAddWithoutValidation("Range", range);
        using var answer = await http.SendAsync(request, Cancelled);

        Assert.Equal((HttpStatusCode.OK, null), (answer.StatusCode, answer.Content.Headers.ContentRange));
        Assert.StartsWith("WEBVTT\n", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transcript_without_cues_is_an_empty_file()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().With("SessionTranscribed", Transcript());
        await http.RecordAsync(session);

        Assert.Equal("WEBVTT\n", await http.GetStringAsync(new Uri(Path(session.Id), UriKind.Relative), Cancelled));
    }

    [Fact]
    public async Task A_session_without_a_transcript_reads_as_one_that_is_not_there_or_not_the_callers()
    {
        using var http = await app.ClientAsync();
        using var elsewhere = await app.ClientAsync(TestClients.OtherWorkspace);
        var (without, others) = (TestData.Session(), TestData.Session(TestClients.WorkspaceB).Transcribed());
        var notStarted = TestData.SessionOnly().Transcribed();
        await http.RecordAsync(without);
        await http.RecordAsync(notStarted);
        await elsewhere.RecordAsync(others);

        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in new[] { Guid.NewGuid(), without.Id, others.Id, notStarted.Id })
        {
            using var answer = await GetAsync(http, id);
            answers.Add((await answer.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
        }

        Assert.Single(answers);
        using var own = await GetAsync(elsewhere, others.Id);
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        using var malformed = await http.ReadAsync("/api/v2/sessionResults/x/transcript");
        Assert.Equal("""{"sessionId":["must be a UUID"]}""", (await malformed.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("bytes=0-5", HttpStatusCode.PartialContent, "WEBVTT", "bytes 0-5/{length}")]
    [InlineData("bytes=-4", HttpStatusCode.PartialContent, "ee.", null)]
    [InlineData("bytes=100000-", HttpStatusCode.RequestedRangeNotSatisfiable, "", "bytes */{length}")]
    public async Task A_range_of_its_bytes_can_be_asked_for(string range, HttpStatusCode status, string expected, string? contentRange)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().Transcribed();
        await http.RecordAsync(session);
        using var whole = await GetAsync(http, session.Id);
        var length = (await whole.Content.ReadAsByteArrayAsync(Cancelled)).Length;

        using var request = new HttpRequestMessage(HttpMethod.Get, Path(session.Id)) { Headers = { Range = RangeHeaderValue.Parse(range) } };
        using var part = await http.SendAsync(request, Cancelled);

        Assert.Equal(status, part.StatusCode);
        if (status == HttpStatusCode.PartialContent)
            Assert.Equal(expected, (await part.Content.ReadAsStringAsync(Cancelled)).Trim());
        else
            Assert.Equal("application/problem+json", part.Content.Headers.ContentType?.MediaType);
        if (contentRange is not null)
            Assert.Equal(contentRange.Replace("{length}", length.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal), part.Content.Headers.ContentRange?.ToString());
        Assert.Null(part.Headers.ETag);
    }

    /// <summary>The parser is that of the W3C's validator.</summary>
    [Fact]
    public async Task A_strict_parser_finds_no_error_in_any_transcript_and_what_was_said_in_it()
    {
        await NodeTools.NeedAsync();
        var cues = new List<SpokenCue>();
        AnyCue.Array[40].Sample(cues.AddRange, iter: 50, threads: 1);

        var parsed = await NodeTools.RunAsync("node", ["vtt.mjs"], WebVtt.Write(cues));
        Assert.True(parsed.ExitCode == 0, parsed.Errors);
        var read = JsonNode.Parse(parsed.Output)!;
        Assert.True(read["errors"]!.AsArray().Count == 0, read["errors"] + "\n" + WebVtt.Write(cues));
        Assert.Equal(
            cues.Where(cue => Lines(cue.Text).Length > 0).OrderBy(cue => cue.StartMs).ThenByDescending(cue => Math.Max(cue.EndMs, cue.StartMs + 1))
                .Select(cue => (cue.StartMs, Math.Max(cue.EndMs, cue.StartMs + 1), Speaker(cue.Speaker), string.Join('\n', Lines(cue.Text)))),
            // The parser leaves character references in a voice as they are.
            read["cues"]!.AsArray().Select(cue => (
                (long)cue!["start"]!, (long)cue["end"]!, WebUtility.HtmlDecode((string?)cue["speaker"] ?? ""), (string)cue["text"]!)));
    }

    private static string[] Lines(string text) => text.Split(["\r\n", "\r", "\n"], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Parsers take any number of blanks in an annotation for one.</summary>
    private static string Speaker(string? speaker) => string.Join(' ', (speaker ?? "").Split([' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private static Gen<string> Text() =>
        Gen.Int[0, Pieces.Length - 1].Select(n => Pieces[n]).Array[0, 8]
            .Select(parts => string.Concat(parts));

    private static JsonObject Transcript(params (long Start, long End, string? Speaker, string Text)[] cues) => new()
    {
        ["cues"] = new JsonArray([.. cues.Select(cue =>
        {
            var json = new JsonObject { ["startMs"] = cue.Start, ["endMs"] = cue.End, ["text"] = cue.Text };
            if (cue.Speaker is not null)
                json["speaker"] = cue.Speaker;
            return json;
        })]),
    };

    private static string Path(Guid session) => $"/api/v2/sessionResults/{session}/transcript";

    private static Task<HttpResponseMessage> GetAsync(HttpClient http, Guid session) => http.ReadAsync(Path(session));
}
