using System.Globalization;
using System.Text.Json.Nodes;

namespace ResultsEs.Tests.Summaries;

/// <summary>Sessions of one test with a task of each type, by chance: the same for the same seed.</summary>
internal static class AnyAnswers
{
    public static readonly string[] Types = [.. Answers.All.Keys];

    public static readonly string[] Audiences = ["5a000000-0000-4000-8000-0000000000a1", "5a000000-0000-4000-8000-0000000000a2"];

    private static readonly string[] Words = ["Easy", "HARD", "dürftig", "日本語", "pay%"];
    private static readonly string[] Pages = ["https://shop.example/", "https://shop.example/cart", "https://shop.example/pay"];
    private static readonly Guid Group = Guid.Parse("5a000000-0000-4000-8000-0000000000c1");

    /// <summary>The task of a type: the same in all sessions.</summary>
    public static Guid TaskOf(string type) => new(Array.IndexOf(Types, type) + 1, 0x7a5c, 0, 1, 0, 0, 0, 0, 0, 0, 0);

    public static SessionBuilder Session(Random random, Guid test, Guid? workspace = null)
    {
        var session = TestData.Session(workspace, test)
            .But("data.startedAt", Text(SessionBuilder.Begin.AddMinutes(random.Next(60 * 24 * 40))))
            .But("data.audienceId", random.Next(3) is < 2 and var audience ? $"\"{Audiences[audience]}\"" : null);
        if (random.Next(5) > 0)
            session.Profiled().But("data.demographics", Demographics(random).ToJsonString());
        foreach (var (type, position) in Types.Select((type, position) => (type, position)))
        {
            switch (random.Next(6))
            {
                case 0:
                    break;
                case 1:
                    session.WithSkip(type, task: TaskOf(type)).But("data.position", position.ToString(CultureInfo.InvariantCulture));
                    break;
                default:
                    if (type == "FIGMA")
                        Interact(session, random, TaskOf(type));
                    session.WithAnswer(Answer(type, random), TaskOf(type), position, startTimeMs: 0)
                        .But("data.endTimeMs", random.Next(1, 40).ToString(CultureInfo.InvariantCulture) + "00");
                    break;
            }
        }

        if (random.Next(2) == 0)
            session.WithScore(Group, random.Next(1_000) / 10m).But("data.label", random.Next(3) == 0 ? "\"Pay\"" : "\"Checkout\"");
        return random.Next(4) switch
        {
            0 => session,
            1 => session.Abandoned(),
            _ => session.Completed(),
        };
    }

    private static JsonArray Demographics(Random random) =>
    [
        new JsonObject { ["code"] = "AGE", ["label"] = "Age", ["value"] = $"{random.Next(3)}0", ["type"] = "DEMOGRAPHIC_QUESTION_TYPE_SINGLE" },
        new JsonObject { ["code"] = "LIKES", ["label"] = "What do you like?", ["value"] = random.Next(2) == 0 ? "tea,cake" : "a:b", ["type"] = "DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE" },
    ];

    private static JsonObject Answer(string type, Random random)
    {
        switch (type)
        {
            case "WRITTEN":
                return Answers.Written($"{Words[random.Next(Words.Length)]} {Words[random.Next(Words.Length)]}");
            case "NPS":
                return Answers.Nps(random.Next(11));
            case "RATING_SCALE":
                return Answers.Rating(1 + (random.Next(9) / 2m));
            case "MULTIPLE_CHOICE":
                var choice = Answers.Choice([.. new[] { "a", "b", "c" }.OrderBy(_ => random.Next()).Take(random.Next(1, 3))]);
                if (random.Next(2) == 0)
                    choice.Remove("otherText");
                return choice;
            case "RANK_ORDER":
                return Answers.Ranking([.. Enumerable.Range(1, 4).OrderBy(_ => random.Next())]);
            case "MATRIX":
                var matrix = Answers.Matrix();
                foreach (var row in matrix["rows"]!.AsArray())
                    row!["selections"] = new JsonArray([.. Enumerable.Range(1, 3).Where(_ => random.Next(2) == 0).Select(n =>
                        new JsonObject { ["id"] = $"c{n}", ["label"] = $"Column {n}", ["value"] = n })]);
                return matrix;
            case "URL":
                var url = Answers.Url();
                url["outcome"] = new[] { "SUCCESS", "FAILURE", "UNKNOWN" }[random.Next(3)];
                url["visits"] = new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(n => new JsonObject { ["url"] = Pages[random.Next(Pages.Length)], ["atMs"] = n })]);
                return url;
            case "IMAGE":
                var image = Answers.Image();
                image["imageUrl"] = $"https://images.example/{random.Next(2)}.png";
                image["annotations"]![0]!["comment"] = Words[random.Next(Words.Length)];
                return image;
            case "FIGMA":
                var figma = Answers.Figma();
                if (random.Next(3) == 0)
                    figma.Remove("outcome");
                return figma;
            default:
                return Answers.All[type]();
        }
    }

    private static void Interact(SessionBuilder session, Random random, Guid task)
    {
        for (var n = 0; n < random.Next(1, 7); n++)
        {
            var node = $"1:{random.Next(3)}";
            if (random.Next(2) == 0)
                session.WithInteraction(task, n, "PRESENTED_NODE_CHANGED", new JsonObject { ["presentedNodeId"] = node });
            else
                session.WithInteraction(task, n, "MOUSE_PRESS_OR_RELEASE", new JsonObject
                {
                    ["presentedNodeId"] = node,
                    ["targetNodeId"] = random.Next(2) == 0 ? null : "7:7",
                    ["handled"] = random.Next(2) == 0,
                    ["phase"] = "PRESS",
                });
        }
    }

    private static string Text(DateTimeOffset time) => $"\"{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}\"";
}
