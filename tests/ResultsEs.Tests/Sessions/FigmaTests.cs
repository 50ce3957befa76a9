using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Sessions;

/// <summary>What the interactions of a FIGMA task make of its answer.</summary>
public sealed class FigmaTests(AppFixture app)
{
    private const string Press = "MOUSE_PRESS_OR_RELEASE";
    private const string NodeChanged = "PRESENTED_NODE_CHANGED";

    private readonly Guid _task = Guid.NewGuid();

    [Fact]
    public async Task Interactions_give_counts_path_first_and_last_node_and_duration()
    {
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task)
            .WithInteraction(_task, 100, "INITIAL_LOAD")
            .WithInteraction(_task, 150, NodeChanged, Node("1:1"))
            .WithInteraction(_task, 900, Press, new() { ["presentedNodeId"] = "1:1", ["handled"] = false, ["targetNodeMousePosition"] = new JsonObject { ["x"] = 1.5, ["y"] = -2 } })
            .WithInteraction(_task, 1_200, Press, new() { ["presentedNodeId"] = "1:1", ["handled"] = true })
            .WithInteraction(_task, 1_250, NodeChanged, Node("1:2"))
            .WithInteraction(_task, 1_700, NodeChanged, Node("1:1"))
            .WithInteraction(_task, 2_100, Press, new() { ["presentedNodeId"] = "1:1", ["handled"] = false })
            .WithInteraction(_task, 2_600, "REQUEST_CLOSE", new() { ["handled"] = false });
        var figma = await FigmaAsync(session);

        SortedJson.Equal(
            """
            {"prototypeUrl":"https://www.figma.com/proto/abc/Shop","figmaPrototypeTitle":"Shop","figmaPrototypeDisplaySetting":"scale-down","outcome":"SUCCESS",
            "startNodeId":"1:1","endNodeId":"1:1","durationMs":2500,"interactionCount":8,"misclickCount":2,
            "path":[{"nodeId":"1:1","atMs":150},{"nodeId":"1:2","atMs":1250},{"nodeId":"1:1","atMs":1700}],
            "interactions":[
            {"atMs":100,"kind":"INITIAL_LOAD"},
            {"atMs":150,"kind":"PRESENTED_NODE_CHANGED","presentedNodeId":"1:1"},
            {"atMs":900,"kind":"MOUSE_PRESS_OR_RELEASE","presentedNodeId":"1:1","handled":false,"targetNodeMousePosition":{"x":1.5,"y":-2}},
            {"atMs":1200,"kind":"MOUSE_PRESS_OR_RELEASE","presentedNodeId":"1:1","handled":true},
            {"atMs":1250,"kind":"PRESENTED_NODE_CHANGED","presentedNodeId":"1:2"},
            {"atMs":1700,"kind":"PRESENTED_NODE_CHANGED","presentedNodeId":"1:1"},
            {"atMs":2100,"kind":"MOUSE_PRESS_OR_RELEASE","presentedNodeId":"1:1","handled":false},
            {"atMs":2600,"kind":"REQUEST_CLOSE","handled":false}]}
            """,
            figma);
    }

    [Fact]
    public async Task Fields_that_the_event_does_not_name_are_shown_as_they_came()
    {
        const string Fields = """
            {"nodeId":"31:7","isTimedChange":true,"pointer":null,"unknown":1,"newState":{"variants":["a",null,{"deep":[1.50,"Ω"]}],"none":null},
            "stateMappings":{"1:2":{"3:4":"5:6"}},"nearestScrollingFrameOffset":{"x":0,"y":240.25},"isStoredInHistory":false}
            """;
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task).WithInteraction(_task, 5, "NEW_STATE", JsonNode.Parse(Fields)!.AsObject());
        var figma = await FigmaAsync(session);

        var expected = JsonNode.Parse(Fields)!.AsObject();
        (expected["atMs"], expected["kind"]) = (5, "NEW_STATE");
        SortedJson.Equal(expected.ToJsonString(), Assert.Single(figma["interactions"]!.AsArray()));
    }

    [Fact]
    public async Task Interactions_before_the_answer_wait_for_it()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Session().WithInteraction(_task, 150, NodeChanged, Node("1:1"));
        await http.RecordAsync(session);
        Assert.Empty((await http.ResultAsync(session.Id))["tasks"]!.AsArray());

        await http.RecordAsync(TestData.SessionOnly(session.Id).WithInteraction(_task, 90, Press, new() { ["handled"] = false }));
        await http.RecordAsync(TestData.SessionOnly(session.Id).WithAnswer(Answers.Figma(), _task));
        await http.RecordAsync(TestData.SessionOnly(session.Id).WithInteraction(_task, 120, NodeChanged, Node("1:0")));

        var figma = Figma(await http.ResultAsync(session.Id));
        Assert.Equal(
            (3, 1, 60, "1:0", "1:1"),
            ((int)figma["interactionCount"]!, (int)figma["misclickCount"]!, (int)figma["durationMs"]!, (string)figma["startNodeId"]!, (string)figma["endNodeId"]!));
        SortedJson.Equal("""[{"nodeId":"1:0","atMs":120},{"nodeId":"1:1","atMs":150}]""", figma["path"]);
        Assert.Equal([90, 120, 150], figma["interactions"]!.AsArray().Select(interaction => (int)interaction!["atMs"]!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_interactions_count_and_the_first_200_are_listed(bool backwards)
    {
        const int Count = 250;
        var times = Enumerable.Range(0, Count);
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task);
        foreach (var at in backwards ? times.Reverse() : times)
            session.WithInteraction(_task, at, Press, new() { ["handled"] = at % 5 != 0, ["presentedNodeId"] = at < 240 ? "1:1" : "1:2" });
        var figma = await FigmaAsync(session);

        Assert.Equal(
            (Count, Count / 5, Count - 1, "1:1", "1:2"),
            ((int)figma["interactionCount"]!, (int)figma["misclickCount"]!, (int)figma["durationMs"]!, (string)figma["startNodeId"]!, (string)figma["endNodeId"]!));
        Assert.Equal(Enumerable.Range(0, 200), figma["interactions"]!.AsArray().Select(interaction => (int)interaction!["atMs"]!));
    }

    [Fact]
    public async Task Interactions_of_one_moment_are_in_the_order_of_their_ids()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => Guid.NewGuid()).ToList();
        var session = TestData.Session().WithAnswer(Answers.Figma(), _task);
        foreach (var id in ids)
            session.WithInteraction(_task, 7, NodeChanged, Node(id.ToString()), id);
        var figma = await FigmaAsync(session);

        var expected = ids.Select(id => id.ToString()).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(expected, figma["path"]!.AsArray().Select(visit => (string)visit!["nodeId"]!));
        Assert.Equal(expected, figma["interactions"]!.AsArray().Select(interaction => (string)interaction!["presentedNodeId"]!));
        Assert.Equal((expected[0], expected[^1]), ((string)figma["startNodeId"]!, (string)figma["endNodeId"]!));
    }

    private static JsonObject Node(string id) => new() { ["presentedNodeId"] = id };

    /// <summary>The one task's payload, which v2 shows as v3 does.</summary>
    private async Task<JsonNode> FigmaAsync(SessionBuilder session)
    {
        using var http = await app.ClientAsync();
        await http.RecordAsync(session);
        var figma = Figma(await http.ResultAsync(session.Id));
        SortedJson.Equal(figma.ToJsonString(), (await http.ResultAsync(session.Id, "v2"))["sessionTaskResults"]![0]!["taskResponse"]);
        return figma;
    }

    private static JsonNode Figma(JsonObject v3) => v3["tasks"]![0]!["response"]!["answer"]!["figma"]!;
}
