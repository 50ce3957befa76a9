using System.Text;
using System.Text.Json.Nodes;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>What a document keeps of one answer and of one profile is bounded when it is sent.</summary>
public sealed class KeptBytesTests
{
    private const string TooLarge = "must have at most 131072 bytes as shown";

    [Theory]
    [InlineData("MULTIPLE_CHOICE", "options", """{"id":"N","text":"T","selected":false}""")]
    [InlineData("RANK_ORDER", "ranking", """{"rank":N,"id":"N","text":"T"}""")]
    [InlineData("MATRIX", "rows", """{"id":"N","label":"T","selections":[]}""")]
    [InlineData("IMAGE", "annotations", """{"x":0.5,"y":0.5,"comment":"T"}""")]
    [InlineData("URL", "visits", """{"url":"https://shop.example/T","atMs":N}""")]
    public void A_list_of_an_answer_is_bounded_in_bytes(string type, string list, string item)
    {
        Assert.Empty(Read(Answer(60)));
        var problem = Assert.Single(Read(Answer(70)));
        Assert.Equal(("[0].data.answer", TooLarge), (problem.Key, problem.Message));

        JsonObject Answer(int items)
        {
            var answer = Answers.All[type]();
            if (type == "MULTIPLE_CHOICE")
                (answer["multiSelect"], answer["maxLimit"]) = (true, null);
            answer[list] = JsonNode.Parse($"[{string.Join(',', Enumerable.Range(1, items).Select(n => item.Replace("N", $"{n}", StringComparison.Ordinal).Replace("T", new string('x', 2_000), StringComparison.Ordinal)))}]");
            return TestData.Session().WithAnswer(answer).Events[^1];
        }
    }

    [Fact]
    public void Members_that_are_not_shown_do_not_count() => Assert.Empty(Read(
        TestData.Session().WithAnswer(Answers.Matrix()).But("data.answer.heatmap", $"\"{new string('x', 200_000)}\"").Events[^1]));

    [Theory]
    [InlineData(1_000, 100, null)]
    [InlineData(1_001, 10, "[0].data.demographics must have at most 1,000 items")]
    [InlineData(1_000, 140, "[0] must have at most 131072 bytes as stored, not ")]
    public void A_profile_is_bounded_in_items_and_bytes(int items, int length, string? expected)
    {
        var profile = TestData.Session().Profiled().Events[^1];
        profile["data"]!["demographics"] = new JsonArray([.. Enumerable.Range(0, items).Select(_ => new JsonObject { ["value"] = new string('x', length) })]);

        var problems = Read(profile).Select(problem => $"{problem.Key} {problem.Message}").ToList();

        if (expected is null)
            Assert.Empty(problems);
        else
            Assert.StartsWith(expected, Assert.Single(problems), StringComparison.Ordinal);
    }

    private static IReadOnlyList<EventProblem> Read(JsonObject sent) =>
        CloudEventReader.Read(Encoding.UTF8.GetBytes(sent.ToJsonString()), CloudEventShapes.Single).Problems;
}
