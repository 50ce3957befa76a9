using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Sessions;

/// <summary>How tasks of each type show in v2 and v3.</summary>
public sealed class TaskTypeTests(AppFixture app)
{
    private const string Unknown = "HEATMAP";

    private static readonly DateTimeOffset Later = new(2026, 3, 1, 11, 0, 0, TimeSpan.Zero);

    /// <summary>Type, v3's type, v3's key, and what both versions show of the answer in <see cref="Answers.All"/>.</summary>
    private static readonly (string Type, string V3Type, string V3Key, string Payload)[] Shown =
    [
        ("WRITTEN", "WRITTEN", "written", """{"text":"It was easy."}"""),
        ("VERBAL", "WRITTEN", "written", """{"text":null}"""),
        ("URL", "URL", "url", """{"url":"https://shop.example/","outcome":"SUCCESS","finalUrl":"https://shop.example/thanks","visits":[{"url":"https://shop.example/cart","atMs":700}]}"""),
        ("MATRIX", "MATRIX", "matrix", """{"rows":[{"id":"r1","label":"Speed","selections":[{"id":"c2","label":"Good","value":2}]},{"id":"r2","label":"Price","selections":[]}]}"""),
        ("NPS", "NPS", "nps", """{"score":9,"category":"PROMOTER"}"""),
        ("RATING_SCALE", "RATING_SCALE", "ratingScale", """{"value":4,"min":1,"max":5,"minLabel":"bad","maxLabel":"good"}"""),
        ("MULTIPLE_CHOICE", "MULTIPLE_CHOICE", "multipleChoice", """
            {"multiSelect":false,"randomizedOptions":true,"maxLimit":2,"otherText":"none of these","options":[
            {"id":"a","text":"Option a","selected":false},{"id":"b","text":"Option b","selected":true},{"id":"c","text":"Option c","selected":false}]}
            """),
        ("RANK_ORDER", "RANK_ORDER", "rankOrder", """{"ranking":[{"rank":1,"id":"o1","text":"Option 1"},{"rank":2,"id":"o0","text":"Option 0"},{"rank":3,"id":"o2","text":"Option 2"}]}"""),
        ("BLANK", "BLANK", "blank", "{}"),
        ("IMAGE", "IMAGE", "image", """{"imageUrl":"https://images.example/1.png","annotations":[{"x":0.25,"y":0.5,"width":0.1,"height":0.2,"comment":"here"}]}"""),
        ("FIGMA", "FIGMA", "figma", """
            {"prototypeUrl":"https://www.figma.com/proto/abc/Shop","figmaPrototypeTitle":"Shop","figmaPrototypeDisplaySetting":"scale-down",
            "outcome":"SUCCESS","interactionCount":0,"misclickCount":0,"path":[],"interactions":[]}
            """),
    ];

    public static TheoryData<string> Types => [.. Answers.All.Keys];

    public static TheoryData<string> TypesAndAnUnknown => [.. Answers.All.Keys.Append(Unknown)];

    /// <summary>Answers without any member that may be absent, and what is shown of them.</summary>
    public static TheoryData<string, string> Bare => new()
    {
        { """{"type":"VERBAL","text":"Spoken.","language":"de"}""", """{"text":"Spoken.","language":"de"}""" },
        { """{"type":"URL","url":"https://shop.example/","outcome":"UNKNOWN"}""", """{"url":"https://shop.example/","outcome":"UNKNOWN"}""" },
        { """{"type":"MATRIX","rows":[{"id":"r","label":"Row","selections":[{"id":"c","label":"Column"}]}]}""", """{"rows":[{"id":"r","label":"Row","selections":[{"id":"c","label":"Column"}]}]}""" },
        { """{"type":"RATING_SCALE","value":-0.5,"min":-1,"max":1}""", """{"value":-0.5,"min":-1,"max":1}""" },
        { """{"type":"MULTIPLE_CHOICE","multiSelect":true,"randomizedOptions":false,"options":[{"id":"a","text":"A","selected":false}]}""", """{"multiSelect":true,"randomizedOptions":false,"options":[{"id":"a","text":"A","selected":false}]}""" },
        { """{"type":"IMAGE","imageUrl":"https://images.example/1.png","annotations":[{"x":0,"y":1}]}""", """{"imageUrl":"https://images.example/1.png","annotations":[{"x":0,"y":1}]}""" },
        { """{"type":"FIGMA","prototypeUrl":"https://prototypes.example/p"}""", """{"prototypeUrl":"https://prototypes.example/p","interactionCount":0,"misclickCount":0,"path":[],"interactions":[]}""" },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public async Task An_answer_shows_in_v2_under_its_type_and_in_v3_under_its_key(string type)
    {
        var (_, v3Type, v3Key, payload) = Assert.Single(Shown, shown => shown.Type == type);
        var session = TestData.Session().WithAnswer(Answers.All[type](), position: 3);
        var (v2, v3) = await TasksAsync(session);

        SortedJson.Equal(
            $$"""[{"taskId":"{{session.Tasks[0]}}","taskType":"{{type}}","taskResponse":{{payload}},"text":"Task 3","position":3,"startTimeMs":3000,"endTimeMs":3500}]""",
            v2);
        SortedJson.Equal(
            $$"""[{"uuid":"{{session.Tasks[0]}}","text":"Task 3","type":"{{v3Type}}","response":{"startTimeMs":3000,"endTimeMs":3500,"skipped":false,"answer":{"{{v3Key}}":{{payload}} } } }]""",
            v3);
    }

    [Theory]
    [MemberData(nameof(Bare))]
    public async Task Members_that_were_not_sent_are_not_shown(string answer, string payload)
    {
        var (v2, v3) = await TasksAsync(TestData.Session().WithAnswer(JsonNode.Parse(answer)!.AsObject()));

        SortedJson.Equal(payload, v2[0]!["taskResponse"]);
        SortedJson.Equal(payload, Assert.Single(Answer(v3).AsObject()).Value);
    }

    [Theory]
    [MemberData(nameof(TypesAndAnUnknown))]
    public async Task A_skipped_task_keeps_its_own_type_and_has_no_answer(string type)
    {
        var v3Type = Shown.SingleOrDefault(shown => shown.Type == type).V3Type ?? "UNRECOGNIZED";
        var session = TestData.Session().WithSkip(type, "LOGIC").WithSkip(type, "USER");
        var (v2, v3) = await TasksAsync(session);

        SortedJson.Equal(
            $$"""
            [{"taskId":"{{session.Tasks[0]}}","taskType":"SKIPPED","taskResponse":{"reason":"LOGIC","skippedType":"{{type}}"},"text":"Task 0","position":0,"startTimeMs":0,"endTimeMs":500},
            {"taskId":"{{session.Tasks[1]}}","taskType":"SKIPPED","taskResponse":{"reason":"USER","skippedType":"{{type}}"},"text":"Task 1","position":1,"startTimeMs":1000,"endTimeMs":1500}]
            """,
            v2);
        SortedJson.Equal(
            $$"""
            [{"uuid":"{{session.Tasks[0]}}","text":"Task 0","type":"{{v3Type}}","response":{"startTimeMs":0,"endTimeMs":500,"skipped":true,"answer":null} },
            {"uuid":"{{session.Tasks[1]}}","text":"Task 1","type":"{{v3Type}}","response":{"startTimeMs":1000,"endTimeMs":1500,"skipped":true,"answer":null} }]
            """,
            v3);
    }

    [Fact]
    public async Task An_answer_of_an_unknown_type_shows_as_unrecognized_without_its_payload()
    {
        var session = TestData.Session().WithAnswer(new JsonObject { ["type"] = Unknown, ["points"] = new JsonArray(1, 2) });
        var (v2, v3) = await TasksAsync(session);

        SortedJson.Equal(
            $$"""[{"taskId":"{{session.Tasks[0]}}","taskType":"UNRECOGNIZED","taskResponse":null,"text":"Task 0","position":0,"startTimeMs":0,"endTimeMs":500}]""",
            v2);
        SortedJson.Equal(
            $$"""[{"uuid":"{{session.Tasks[0]}}","text":"Task 0","type":"UNRECOGNIZED","response":{"startTimeMs":0,"endTimeMs":500,"skipped":false,"answer":null} }]""",
            v3);
    }

    [Theory]
    [InlineData(0, "DETRACTOR")]
    [InlineData(6, "DETRACTOR")]
    [InlineData(7, "PASSIVE")]
    [InlineData(8, "PASSIVE")]
    [InlineData(9, "PROMOTER")]
    [InlineData(10, "PROMOTER")]
    public async Task The_category_follows_from_the_score(int score, string category)
    {
        var (v2, v3) = await TasksAsync(TestData.Session().WithAnswer(Answers.Nps(score)));

        var expected = $$"""{"score":{{score}},"category":"{{category}}"}""";
        SortedJson.Equal(expected, v2[0]!["taskResponse"]);
        SortedJson.Equal(expected, Answer(v3)["nps"]);
    }

    [Fact]
    public async Task A_ranking_is_shown_from_the_first_rank_to_the_last()
    {
        var (v2, v3) = await TasksAsync(TestData.Session().WithAnswer(Answers.Ranking(4, 2, 1, 3)));

        int[] ranks = [1, 2, 3, 4];
        string[] options = ["o2", "o1", "o3", "o0"];
        foreach (var ranking in new[] { v2[0]!["taskResponse"]!["ranking"]!.AsArray(), Answer(v3)["rankOrder"]!["ranking"]!.AsArray() })
        {
            Assert.Equal(ranks, ranking.Select(option => (int)option!["rank"]!));
            Assert.Equal(options, ranking.Select(option => (string)option!["id"]!));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_spoken_answer_has_its_transcript_whichever_comes_first(bool transcriptFirst)
    {
        var task = Guid.NewGuid();
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        var answer = TestData.SessionOnly(session.Id).WithAnswer(Answers.Verbal(), task);
        var transcript = TestData.SessionOnly(session.Id).WithTranscript(task, "It was easy.", Later);

        await http.RecordAsync(session);
        await http.RecordAsync(transcriptFirst ? transcript : answer);
        var (v2, v3) = await TasksAsync(http, session);
        if (transcriptFirst)
            Assert.Empty(v2.Concat(v3));
        else
            SortedJson.Equal("""{"written":{"text":null}}""", Answer(v3));

        await http.RecordAsync(transcriptFirst ? answer : transcript);
        (v2, v3) = await TasksAsync(http, session);
        const string Expected = """{"text":"It was easy.","language":"en-GB","cues":[{"startMs":100,"endMs":900,"text":"It was easy."}]}""";
        SortedJson.Equal(Expected, v2[0]!["taskResponse"]);
        SortedJson.Equal($$"""{"written":{{Expected}}}""", Answer(v3));
    }

    [Theory]
    [InlineData(1, "second")]
    [InlineData(-1, "first")]
    public async Task Of_two_transcripts_the_later_is_shown(int minutes, string expected)
    {
        var task = Guid.NewGuid();
        var session = TestData.Session().WithAnswer(Answers.Verbal(), task)
            .WithTranscript(task, "first", Later).WithTranscript(task, "second", Later.AddMinutes(minutes));
        var (_, v3) = await TasksAsync(session);

        Assert.Equal(expected, (string?)Answer(v3)["written"]!["text"]);
    }

    [Fact]
    public async Task A_transcript_wins_over_the_text_that_the_answer_brings()
    {
        var task = Guid.NewGuid();
        var answer = Answers.Verbal();
        (answer["text"], answer["language"]) = ("um, easy", "en");
        var (_, v3) = await TasksAsync(TestData.Session().WithTranscript(task, "Easy.").WithAnswer(answer, task));

        SortedJson.Equal("""{"written":{"text":"Easy.","language":"en-GB","cues":[{"startMs":100,"endMs":900,"text":"Easy."}]}}""", Answer(v3));
    }

    [Fact]
    public async Task A_transcript_changes_nothing_in_a_task_that_was_not_spoken()
    {
        var (written, skipped) = (Guid.NewGuid(), Guid.NewGuid());
        var session = TestData.Session().WithAnswer(Answers.Written("As written."), written).WithSkip("VERBAL", task: skipped)
            .WithTranscript(written, "As spoken.").WithTranscript(skipped, "Nothing.");
        var (v2, v3) = await TasksAsync(session);

        SortedJson.Equal("""{"text":"As written."}""", v2[0]!["taskResponse"]);
        SortedJson.Equal("""{"reason":"USER","skippedType":"VERBAL"}""", v2[1]!["taskResponse"]);
        Assert.Null(v3[1]!["response"]!["answer"]);
    }

    private async Task<(JsonArray V2, JsonArray V3)> TasksAsync(SessionBuilder session)
    {
        using var http = await app.ClientAsync();
        await http.RecordAsync(session);
        return await TasksAsync(http, session);
    }

    private static async Task<(JsonArray V2, JsonArray V3)> TasksAsync(HttpClient http, SessionBuilder session) => (
        (await http.ResultAsync(session.Id, "v2"))["sessionTaskResults"]!.AsArray(),
        (await http.ResultAsync(session.Id))["tasks"]!.AsArray());

    private static JsonNode Answer(JsonArray v3) => v3[0]!["response"]!["answer"]!;
}
