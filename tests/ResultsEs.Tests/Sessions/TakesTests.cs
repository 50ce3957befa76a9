using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Sessions;

/// <summary>Tasks that a participant does again: transcripts and interactions belong to the take that they are of.</summary>
public sealed class TakesTests(AppFixture app)
{
    private const string Press = "MOUSE_PRESS_OR_RELEASE";

    private readonly Guid _task = Guid.NewGuid();

    [Theory]
    [InlineData("answer@1 transcript@5:FIRST", "FIRST")]
    [InlineData("answer@1 transcript@5:FIRST answer@10:SECOND", "SECOND")]
    [InlineData("answer@1 transcript@5:FIRST answer@10", null)]
    [InlineData("answer@1 transcript@5:FIRST answer@10 transcript@15:SECOND", "SECOND")]
    [InlineData("answer@1 transcript@5:FIRST skip@7 answer@10", null)]
    [InlineData("answer@1 skip@7 transcript@8:FIRST answer@10", null)]
    [InlineData("skip@1 answer@3 transcript@5:SECOND", "SECOND")]
    // With one take there is nothing to tell apart, whatever the clocks say.
    [InlineData("transcript@1:FIRST answer@5", "FIRST")]
    [InlineData("transcript@1:FIRST answer@5:own", "FIRST")]
    // A transcript that is ready late says of which answer it is.
    [InlineData("answer@1#a answer@2:SECOND transcript@5:FIRST>a", "SECOND")]
    [InlineData("answer@1#a answer@2#b transcript@5:FIRST>a transcript@4:SECOND>b", "SECOND")]
    [InlineData("answer@1 answer@6#b transcript@4:SECOND>b", "SECOND")]
    // A correction is of the same take.
    [InlineData("answer@1#a transcript@5:FIRST answer@10=a", "FIRST")]
    [InlineData("answer@1#a transcript@5:FIRST>a answer@10=a", "FIRST")]
    [InlineData("answer@1 transcript@5:FIRST answer@8#b answer@10=b", null)]
    [InlineData("answer@1 answer@8#b transcript@9:SECOND answer@10=b", "SECOND")]
    public async Task A_spoken_answer_shows_the_transcript_of_its_take(string events, string? expected)
    {
        using var http = await app.ClientAsync();
        var orders = events.Split(' ').Length <= 3 ? Permutations(events.Split(' ')) : [events.Split(' '), [.. events.Split(' ').Reverse()]];
        foreach (var order in orders)
        {
            var session = TestData.Session();
            await http.RecordAsync(session);
            var ids = new Dictionary<string, Guid>(StringComparer.Ordinal) { ["a"] = Guid.NewGuid(), ["b"] = Guid.NewGuid() };
            foreach (var one in order)
                await http.RecordAsync(Spoken(session.Id, one, ids));

            var written = (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["written"]!;
            Assert.Equal(expected, (string?)written["text"]);
            Assert.Equal(expected is not null && events.Split(' ').Any(one => one.StartsWith("transcript", StringComparison.Ordinal) && one.Contains($":{expected}", StringComparison.Ordinal)), written["cues"] is not null);
        }
    }

    [Fact]
    public async Task A_Figma_task_that_is_done_again_shows_the_interactions_of_its_last_take()
    {
        SessionBuilder[] parts =
        [
            Figma(1, 100, "1:1", "1:2", missed: 2),
            Only().WithAnswer(Answers.Figma(), _task, time: At(2)),
            Figma(3, 50_000, "1:1", missed: 1),
            Only().WithAnswer(Answers.Figma().But("outcome", "\"FAILURE\""), _task, time: At(4)),
        ];
        foreach (var order in Permutations(parts))
        {
            var figma = await FigmaAsync(order);
            Assert.Equal(
                ("FAILURE", 2, 1, 100, "1:1", "1:1"),
                ((string)figma["outcome"]!, (int)figma["interactionCount"]!, (int)figma["misclickCount"]!, (int)figma["durationMs"]!, (string)figma["startNodeId"]!, (string)figma["endNodeId"]!));
            Assert.Equal([50_000], figma["path"]!.AsArray().Select(visit => (int)visit!["atMs"]!));
            Assert.Equal([50_000, 50_100], figma["interactions"]!.AsArray().Select(interaction => (int)interaction!["atMs"]!));
        }
    }

    [Fact]
    public async Task A_skip_ends_a_take_and_a_correction_does_not()
    {
        var skipped = await FigmaAsync([Figma(1, 100, "1:1", missed: 1), Only().WithSkip("FIGMA", task: _task, time: At(2)), Only().WithAnswer(Answers.Figma(), _task, time: At(3))]);
        Assert.Equal((0, 0, null, 0), ((int)skipped["interactionCount"]!, (int)skipped["misclickCount"]!, (int?)skipped["durationMs"], skipped["interactions"]!.AsArray().Count));

        var answer = Guid.NewGuid();
        var corrected = await FigmaAsync([Figma(1, 100, "1:1", missed: 1), Only().WithAnswer(Answers.Figma(), _task, time: At(2), id: answer), Only().WithAnswer(Answers.Figma(), _task, time: At(3)).But("data.corrects", $"\"{answer}\"")]);
        Assert.Equal((2, 1, 100), ((int)corrected["interactionCount"]!, (int)corrected["misclickCount"]!, (int)corrected["durationMs"]!));
    }

    [Theory]
    [InlineData(1, "0 at 5,5 missed; 90 at 5,5 missed")]
    [InlineData(1, "0 at 5,5 missed; 90 at 5.5,4.5 missed")]
    [InlineData(1, "0 at 5,5 missed")]
    [InlineData(2, "0 at 5,5 missed; 90 at 5,5 missed; 300 at 5,5 missed; 390 at 5,5 missed")]
    [InlineData(2, "0 at 5,5 missed; 90 at 7,5 missed")]
    [InlineData(2, "0 at 5,5 missed; 900 at 5,5 missed")]
    // Prototypes react to the press or to the release.
    [InlineData(0, "0 at 5,5 missed; 90 at 5,5 hit")]
    [InlineData(0, "0 at 5,5 hit; 90 at 5,5 missed")]
    [InlineData(1, "0 at 5,5 hit; 90 at 5,5 hit; 200 at 5,5 missed; 290 at 5,5 missed")]
    // Who says which it is need not be guessed at.
    [InlineData(2, "0 at 5,5 missed PRESS; 90 at 5,5 missed PRESS")]
    [InlineData(1, "0 at 5,5 missed PRESS; 2000 at 90,5 missed RELEASE")]
    [InlineData(0, "0 at 5,5 missed PRESS; 2000 at 90,5 hit RELEASE")]
    [InlineData(0, "0 at 5,5 missed RELEASE")]
    // Without a place nothing tells that two messages are one click.
    [InlineData(2, "0 missed; 90 missed")]
    public async Task A_missed_click_counts_once_whether_its_release_is_told_or_not(int expected, string clicks)
    {
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task);
        foreach (var words in clicks.Split("; ").Select(click => click.Split(' ')))
        {
            var place = Array.IndexOf(words, "at") is > 0 and var at ? words[at + 1].Split(',') : null;
            var fields = new JsonObject { ["presentedNodeId"] = "1:1", ["handled"] = words.Contains("hit") };
            if (place is not null)
                (fields["targetNodeId"], fields["targetNodeMousePosition"]) = ("1:9", JsonNode.Parse($$"""{"x":{{place[0]}},"y":{{place[1]}}}"""));
            if (words[^1] is "PRESS" or "RELEASE")
                fields["phase"] = words[^1];
            session.WithInteraction(_task, int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture), Press, fields);
        }

        var figma = await FigmaAsync([session]);
        Assert.Equal((expected, clicks.Split("; ").Length), ((int)figma["misclickCount"]!, (int)figma["interactionCount"]!));
    }

    [Fact]
    public async Task A_long_interaction_is_listed_without_what_makes_it_long_and_counts_as_ever()
    {
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task);
        for (var i = 0; i < 3; i++)
        {
            session.WithInteraction(_task, i, "NEW_STATE", new()
            {
                ["presentedNodeId"] = "1:1",
                ["handled"] = true,
                ["stateMappings"] = new JsonObject { ["1:2"] = new string('x', i == 1 ? 20_000 : 20) },
                ["more"] = i,
            });
        }

        var figma = await FigmaAsync([session]);
        Assert.Equal(3, (int)figma["interactionCount"]!);
        SortedJson.Equal("""{"atMs":1,"kind":"NEW_STATE","presentedNodeId":"1:1","handled":true,"isShortened":true}""", figma["interactions"]![1]);
        Assert.Equal(2, (int)figma["interactions"]![2]!["more"]!);
    }

    private static DateTimeOffset At(int minutes) => SessionBuilder.Begin.AddMinutes(minutes);

    private static SessionBuilder Only() => TestData.SessionOnly();

    /// <summary>A node that is shown, each 100 ms after the one before, and missed clicks 100 ms after the last.</summary>
    private SessionBuilder Figma(int minutes, int atMs, params string[] nodes) => Figma(minutes, atMs, nodes[0], nodes.Length > 1 ? nodes[1] : null, 0);

    private SessionBuilder Figma(int minutes, int atMs, string node, int missed) => Figma(minutes, atMs, node, null, missed);

    private SessionBuilder Figma(int minutes, int atMs, string node, string? next, int missed)
    {
        var part = Only();
        foreach (var shown in new[] { node, next }.OfType<string>())
            part.WithInteraction(_task, atMs, "PRESENTED_NODE_CHANGED", new() { ["presentedNodeId"] = shown });
        for (var i = 0; i < missed; i++)
            part.WithInteraction(_task, atMs + 100, Press, new() { ["handled"] = false });
        foreach (var (n, e) in part.Events.Index())
            e["time"] = At(minutes).AddSeconds(n).ToString("O");
        return part;
    }

    private async Task<JsonNode> FigmaAsync(IEnumerable<SessionBuilder> parts)
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);
        foreach (var part in parts)
        {
            var sent = TestData.SessionOnly(session.Id);
            sent.Events.AddRange(part.Events.Skip(part.Events[0]["type"]!.ToString().Contains("SessionStarted", StringComparison.Ordinal) ? 1 : 0)
                .Select(e => e.DeepClone().AsObject().But("id", $"\"{(e["data"]!["answer"] is null ? Guid.NewGuid() : Named(session.Id, (string)e["id"]!))}\"").But("subject", $"\"{session.Id}\"")));
            foreach (var e in sent.Events.Where(e => e["data"]!["corrects"] is not null))
                e["data"]!["corrects"] = Named(session.Id, (string)e["data"]!["corrects"]!).ToString();
            await http.RecordAsync(sent);
        }

        return (await http.ResultAsync(session.Id))["tasks"]![0]!["response"]!["answer"]!["figma"]!;
    }

    /// <summary>An id that another session's answer of the same name does not have.</summary>
    private static Guid Named(Guid session, string id)
    {
        var (one, other) = (session.ToByteArray(), Guid.Parse(id).ToByteArray());
        return new Guid([.. one.Zip(other, (a, b) => (byte)(a ^ b))]);
    }

    /// <summary>An event by words such as <c>answer@10:SECOND</c>: what, minute, text; <c>#a</c> names it, <c>&gt;a</c> is of it, <c>=a</c> corrects it.</summary>
    private SessionBuilder Spoken(Guid session, string words, Dictionary<string, Guid> ids)
    {
        var match = System.Text.RegularExpressions.Regex.Match(words, @"^(?<what>\w+)@(?<minute>\d+)(:(?<text>\w+))?(#(?<name>\w))?(>(?<of>\w))?(=(?<corrects>\w))?$", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
        var (text, time, only) = (match.Groups["text"], At(int.Parse(match.Groups["minute"].Value, System.Globalization.CultureInfo.InvariantCulture)), TestData.SessionOnly(session));
        switch (match.Groups["what"].Value)
        {
            case "skip":
                return only.WithSkip("VERBAL", task: _task, time: time);
            case "transcript":
                only.WithTranscript(_task, text.Value, time);
                return match.Groups["of"].Success ? only.But("data.answerId", $"\"{ids[match.Groups["of"].Value]}\"") : only;
            default:
                var answer = Answers.Verbal();
                if (text.Success)
                    answer["text"] = text.Value;
                only.WithAnswer(answer, _task, time: time, id: match.Groups["name"].Success ? ids[match.Groups["name"].Value] : null);
                return match.Groups["corrects"].Success ? only.But("data.corrects", $"\"{ids[match.Groups["corrects"].Value]}\"") : only;
        }
    }

    private static List<T[]> Permutations<T>(T[] items) =>
        items.Length <= 1
            ? [items]
            : [.. items.SelectMany((item, i) => Permutations<T>([.. items[..i], .. items[(i + 1)..]]).Select(rest => (T[])[item, .. rest]))];
}
