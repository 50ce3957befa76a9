using System.Globalization;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests;

/// <summary>Builders of what recorders send: <c>TestData.Session().WithAnswer(Answers.Nps(9)).Completed()</c>.</summary>
internal static class TestData
{
    /// <summary>A session of the reader's workspace whose first event is its start.</summary>
    public static SessionBuilder Session(Guid? workspace = null, Guid? test = null) => SessionOnly(test: test).Started(workspace ?? TestClients.WorkspaceA);

    /// <summary>A session of an interaction test: only such a test shows scores.</summary>
    public static SessionBuilder Interaction(Guid? workspace = null, Guid? test = null) =>
        Session(workspace, test).But("data.productType", "\"NON_THINK_OUT_LOUD\"");

    /// <summary>A session without any event yet.</summary>
    public static SessionBuilder SessionOnly(Guid? id = null, Guid? test = null) => new() { Id = id ?? Guid.NewGuid(), TestId = test ?? Guid.NewGuid() };

    /// <summary>A completed session with an event of each type and an answer of each type.</summary>
    public static SessionBuilder SessionWithEverything(Guid? workspace = null, Guid? test = null)
    {
        var session = Session(workspace, test).Profiled();
        foreach (var answer in Answers.All.Values)
            session.WithAnswer(answer());
        var (verbal, figma) = (session.Tasks[1], session.Tasks[^1]);
        return session
            .WithSkip("NPS")
            .WithInteraction(figma, 10_100, "MOUSE_PRESS_OR_RELEASE", new JsonObject
            {
                ["presentedNodeId"] = "1:2",
                ["handled"] = false,
                ["targetNodeId"] = "1:3",
                ["targetNodeMousePosition"] = new JsonObject { ["x"] = 12.5, ["y"] = 3 },
                ["nearestScrollingFrameId"] = "1:1",
                ["nearestScrollingFrameMousePosition"] = new JsonObject { ["x"] = 20, ["y"] = 40 },
                ["nearestScrollingFrameOffset"] = new JsonObject { ["x"] = 0, ["y"] = -8 },
                ["isStoredInHistory"] = true,
                ["stateMappings"] = new JsonObject { ["1:9"] = new JsonArray("open", null) },
            })
            .WithTranscript(verbal, "Quite nice.")
            .Scored()
            .Sequenced()
            .Transcribed()
            .WithVideo()
            .WithClip(Clip)
            .WithClipGenerated(Clip)
            .WithClipFailed(Clip)
            .WithClipDeleted(Clip)
            .Abandoned()
            .AbandonedBecause("TECHNICAL")
            .Resumed()
            .Completed();
    }

    /// <summary>A session that runs, with an answer of each type, whose optional members are all null.</summary>
    public static SessionBuilder SessionOfNulls(Guid? workspace = null, Guid? test = null)
    {
        var session = Session(workspace, test).But("data.testPlanId", "null").But("data.audienceId", "null").Profiled();
        foreach (var member in new[] { "id", "code", "label", "value", "type" })
            session.But($"data.demographics[0].{member}", "null");
        foreach (var (type, answer) in Answers.All)
        {
            session.WithAnswer(answer());
            foreach (var member in Answers.Optional(type))
                session.But($"data.answer.{member}", "null");
        }

        return session
            .WithInteraction(session.Tasks[^1], 10_100, "NEW_STATE", new JsonObject { ["presentedNodeId"] = null, ["handled"] = null })
            .Scored().But("data.components.behavioral", "null").But("data.values.behavioral", "null");
    }

    /// <summary>A published highlight reel of the reader's workspace.</summary>
    public static ReelBuilder Reel(Guid test, params Guid[] clips) => ReelOnly().Published(test, TestClients.WorkspaceA, clips);

    /// <summary>A highlight reel without any event yet.</summary>
    public static ReelBuilder ReelOnly(Guid? id = null) => new() { Id = id ?? Guid.NewGuid() };

    /// <summary>A reel with an event of each type.</summary>
    public static ReelBuilder ReelWithEverything() => Reel(Guid.NewGuid(), Clip).Failed().Generated().Deleted();

    /// <summary>A defined test of the reader's workspace.</summary>
    public static TestBuilder Test(Guid? id = null, string title = "Checkout", DateTimeOffset? time = null) =>
        new TestBuilder { Id = id ?? Guid.NewGuid() }.Defined(TestClients.WorkspaceA, title, time: time);

    /// <summary>A test without any event yet.</summary>
    public static TestBuilder TestOnly(Guid? id = null) => new() { Id = id ?? Guid.NewGuid() };

    private static readonly Guid Clip = Guid.Parse("5a000000-0000-4000-8000-000000000006");
}

/// <summary>A stream's events as CloudEvents, in the order they were added; each a second after the one before.</summary>
internal abstract class StreamBuilder<TSelf>
    where TSelf : StreamBuilder<TSelf>
{
    public static readonly DateTimeOffset Begin = new(2026, 3, 1, 10, 15, 0, TimeSpan.Zero);

    public required Guid Id { get; init; }

    public List<JsonObject> Events { get; } = [];

    /// <summary>Adds an event; of its first version unless <paramref name="type"/> says which: <c>SessionAbandoned.v2</c>.</summary>
    public TSelf With(string type, JsonObject data, DateTimeOffset? time = null, Guid? id = null)
    {
        Events.Add(new JsonObject
        {
            ["specversion"] = "1.0",
            ["id"] = (id ?? Guid.NewGuid()).ToString(),
            ["source"] = "/recorder/web/4.2.0",
            ["type"] = type.Contains(".v", StringComparison.Ordinal) ? $"results.{type}" : $"results.{type}.v1",
            ["subject"] = Id.ToString(),
            ["time"] = Text(time ?? Begin.AddSeconds(Events.Count)),
            ["data"] = data,
        });
        return (TSelf)this;
    }

    /// <summary>Changes the last event: <c>.But("data.answer.score", "11")</c>; null removes the member.</summary>
    public TSelf But(string path, string? json)
    {
        Events[^1].But(path, json);
        return (TSelf)this;
    }

    /// <summary>Adds the last event once more, with the same id.</summary>
    public TSelf Again()
    {
        Events.Add((JsonObject)Events[^1].DeepClone());
        return (TSelf)this;
    }

    /// <summary>All events as a batch.</summary>
    public string Json() => new JsonArray([.. Events.Select(e => e.DeepClone())]).ToJsonString();

    protected static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}

/// <summary>A highlight reel's events.</summary>
internal sealed class ReelBuilder : StreamBuilder<ReelBuilder>
{
    public ReelBuilder Published(Guid test, Guid workspace, Guid[] clips, string name = "Best of", DateTimeOffset? time = null) => With("HighlightReelPublished", new JsonObject
    {
        ["workspaceId"] = workspace.ToString(),
        ["testId"] = test.ToString(),
        ["name"] = name,
        ["durationMs"] = 1_000 * clips.Length,
        ["clipIds"] = new JsonArray([.. clips.Select(clip => (JsonNode)clip.ToString())]),
    }, time);

    public ReelBuilder Generated(string key = "reels/1.mp4", DateTimeOffset? time = null) =>
        With("HighlightReelGenerated", new JsonObject { ["objectKey"] = key }, time);

    public ReelBuilder Failed(DateTimeOffset? time = null) => With("HighlightReelFailed", new JsonObject { ["reason"] = "out of memory" }, time);

    public ReelBuilder Deleted(DateTimeOffset? time = null) => With("HighlightReelDeleted", [], time);
}

/// <summary>A test's events.</summary>
internal sealed class TestBuilder : StreamBuilder<TestBuilder>
{
    public TestBuilder Defined(
        Guid workspace, string title = "Checkout", DateTimeOffset? orderedAt = null, JsonArray? tasks = null, DateTimeOffset? time = null, Guid? id = null) => With("TestDefined", new JsonObject
        {
            ["workspaceId"] = workspace.ToString(),
            ["title"] = title,
            ["productType"] = "THINK_OUT_LOUD",
            ["orderedAt"] = Text(orderedAt ?? Begin),
            ["orderedBy"] = new JsonObject { ["name"] = "Ada Byron", ["email"] = "ada@example.com" },
            ["testPlan"] = new JsonObject { ["shortTest"] = false },
            ["tasks"] = tasks ?? new JsonArray(Task(0, "RATING_SCALE")),
        }, time, id);

    /// <summary>A task with all that one can have.</summary>
    public static JsonObject Task(int position, string type, Guid? id = null) => new()
    {
        ["taskId"] = (id ?? Guid.Parse("5a000000-0000-4000-8000-000000000008")).ToString(),
        ["position"] = position,
        ["text"] = string.Create(CultureInfo.InvariantCulture, $"Task {position}"),
        ["type"] = type,
        ["choices"] = new JsonArray("Poland", "Singapore"),
        ["multipleAnswers"] = true,
        ["scale"] = new JsonObject { ["min"] = 1, ["max"] = 5, ["minLabel"] = "bad", ["maxLabel"] = "good" },
        ["launchUrl"] = "https://shop.example/",
        ["taskGroup"] = new JsonObject { ["id"] = "5a000000-0000-4000-8000-000000000004", ["type"] = "QX_SCORE" },
    };
}

/// <summary>A session's events.</summary>
internal sealed class SessionBuilder : StreamBuilder<SessionBuilder>
{
    public static readonly Guid Video = Guid.Parse("5a000000-0000-4000-8000-000000000007");

    public Guid TestId { get; init; } = Guid.NewGuid();

    /// <summary>The tasks answered or skipped so far, in that order.</summary>
    public List<Guid> Tasks { get; } = [];

    public SessionBuilder Started(Guid workspace) => With("SessionStarted", new JsonObject
    {
        ["workspaceId"] = workspace.ToString(),
        ["testId"] = TestId.ToString(),
        ["testPlanId"] = "5a000000-0000-4000-8000-000000000001",
        ["audienceId"] = "5a000000-0000-4000-8000-000000000002",
        ["productType"] = "SURVEY",
        ["startedAt"] = Text(Begin),
    });

    public SessionBuilder Profiled() => With("ParticipantProfiled", new JsonObject
    {
        ["participantId"] = "5a000000-0000-4000-8000-000000000003",
        ["demographics"] = new JsonArray(
            new JsonObject { ["code"] = "AGE", ["label"] = "Age", ["value"] = "34", ["type"] = "DEMOGRAPHIC_QUESTION_TYPE_SINGLE" }),
    });

    /// <summary>Answers a task, a new one unless named; the task's position is how many came before it.</summary>
    public SessionBuilder WithAnswer(
        JsonObject answer, Guid? task = null, int? position = null, DateTimeOffset? time = null, Guid? id = null, long? startTimeMs = null)
    {
        var at = position ?? Tasks.Count;
        var start = startTimeMs ?? 1_000 * at;
        return With("TaskAnswered", new JsonObject
        {
            ["taskId"] = Task(task).ToString(),
            ["position"] = at,
            ["text"] = string.Create(CultureInfo.InvariantCulture, $"Task {at}"),
            ["startTimeMs"] = start,
            ["endTimeMs"] = start + 500,
            ["answer"] = answer,
        }, time, id);
    }

    public SessionBuilder WithSkip(string taskType, string reason = "USER", Guid? task = null, DateTimeOffset? time = null)
    {
        var at = Tasks.Count;
        return With("TaskSkipped", new JsonObject
        {
            ["taskId"] = Task(task).ToString(),
            ["position"] = at,
            ["text"] = string.Create(CultureInfo.InvariantCulture, $"Task {at}"),
            ["taskType"] = taskType,
            ["reason"] = reason,
            ["startTimeMs"] = 1_000 * at,
            ["endTimeMs"] = (1_000 * at) + 500,
        }, time);
    }

    public SessionBuilder WithInteraction(Guid task, long atMs, string kind, JsonObject? fields = null, Guid? id = null)
    {
        var data = new JsonObject { ["taskId"] = task.ToString(), ["atMs"] = atMs, ["kind"] = kind };
        foreach (var (name, value) in fields ?? [])
            data[name] = value?.DeepClone();
        return With("FigmaInteractionRecorded", data, id: id);
    }

    public SessionBuilder WithTranscript(Guid task, string text, DateTimeOffset? time = null) => With("VerbalResponseTranscribed", new JsonObject
    {
        ["taskId"] = task.ToString(),
        ["text"] = text,
        ["language"] = "en-GB",
        ["cues"] = new JsonArray(new JsonObject { ["startMs"] = 100, ["endMs"] = 900, ["text"] = text }),
    }, time);

    public SessionBuilder WithScore(Guid group, decimal score, DateTimeOffset? time = null) => With("TaskGroupScored", new JsonObject
    {
        ["taskGroupId"] = group.ToString(),
        ["label"] = "Checkout",
        ["score"] = score,
        ["components"] = new JsonObject { ["behavioral"] = 50, ["attitudinal"] = score },
        ["values"] = new JsonObject { ["behavioral"] = new JsonArray(50), ["usability"] = score, ["trust"] = score, ["appearance"] = score, ["loyalty"] = score },
    }, time);

    public SessionBuilder WithSequence(Guid group, string sequence) =>
        With("ComparisonSequenced", new JsonObject { ["taskGroupId"] = group.ToString(), ["sequence"] = sequence });

    public SessionBuilder Completed(DateTimeOffset? at = null) =>
        With("SessionCompleted", new JsonObject { ["finishedAt"] = Text(at ?? Begin.AddMinutes(10)) });

    public SessionBuilder Abandoned(DateTimeOffset? at = null) =>
        With("SessionAbandoned", new JsonObject { ["reason"] = "closed the browser", ["abandonedAt"] = Text(at ?? Begin.AddMinutes(5)) });

    public SessionBuilder AbandonedBecause(string cause) =>
        With("SessionAbandoned.v2", new JsonObject { ["cause"] = cause, ["note"] = "as far as one knows", ["abandonedAt"] = Text(Begin.AddMinutes(5)) });

    public SessionBuilder Resumed(DateTimeOffset? at = null) => With("SessionResumed", new JsonObject { ["resumedAt"] = Text(at ?? Begin.AddMinutes(7)) });

    public SessionBuilder Scored() => With("TaskGroupScored", new JsonObject
    {
        ["taskGroupId"] = "5a000000-0000-4000-8000-000000000004",
        ["label"] = "Checkout",
        ["score"] = 81.5,
        ["components"] = new JsonObject { ["behavioral"] = 90, ["attitudinal"] = 73 },
        ["values"] = new JsonObject
        {
            ["behavioral"] = new JsonArray(80, 100),
            ["usability"] = 70,
            ["trust"] = 75,
            ["appearance"] = 72,
            ["loyalty"] = 75,
        },
    });

    public SessionBuilder Sequenced(string sequence = "BA") => With("ComparisonSequenced", new JsonObject
    {
        ["taskGroupId"] = "5a000000-0000-4000-8000-000000000005",
        ["sequence"] = sequence,
    });

    /// <summary>The transcript of the whole session.</summary>
    public SessionBuilder Transcribed() => With("SessionTranscribed", new JsonObject
    {
        ["language"] = "en-GB",
        ["cues"] = new JsonArray(new JsonObject { ["startMs"] = 0, ["endMs"] = 1_200, ["speaker"] = "Participant", ["text"] = "Let us see." }),
    });

    public SessionBuilder WithVideo(string key = "videos/1.mp4", Guid? video = null, JsonObject? regions = null, DateTimeOffset? time = null, Guid? id = null) => With("VideoRecorded", new JsonObject
    {
        ["videoId"] = (video ?? Video).ToString(),
        ["objectKey"] = key,
        ["regions"] = regions ?? new JsonObject
        {
            ["screen"] = new JsonObject { ["topLeftPoint"] = new JsonObject { ["x"] = 0, ["y"] = 0 }, ["widthPx"] = 1600, ["heightPx"] = 900 },
            ["camera"] = new JsonObject { ["topLeftPoint"] = new JsonObject { ["x"] = 1600, ["y"] = 0 }, ["widthPx"] = 320, ["heightPx"] = 240 },
        },
    }, time, id);

    public SessionBuilder WithClip(Guid clip, long startMs = 1_000, string name = "Finds the cart", DateTimeOffset? time = null, Guid? id = null) => With("ClipCreated", new JsonObject
    {
        ["clipId"] = clip.ToString(),
        ["name"] = name,
        ["description"] = "after a while",
        ["timeStartMs"] = startMs,
        ["timeEndMs"] = startMs + 2_000,
        ["videoId"] = Video.ToString(),
        ["hasAudio"] = true,
        ["hasCamera"] = true,
        ["layout"] = new JsonObject { ["mainStream"] = "SCREEN", ["pipPosition"] = "BOTTOM_RIGHT", ["pipState"] = "OPENED" },
    }, time, id);

    public SessionBuilder WithClipGenerated(Guid clip, string key = "clips/1.mp4", DateTimeOffset? time = null, Guid? id = null) =>
        With("ClipGenerated", new JsonObject { ["clipId"] = clip.ToString(), ["objectKey"] = key }, time, id);

    public SessionBuilder WithClipFailed(Guid clip, DateTimeOffset? time = null, Guid? id = null) =>
        With("ClipFailed", new JsonObject { ["clipId"] = clip.ToString(), ["reason"] = "out of memory" }, time, id);

    public SessionBuilder WithClipDeleted(Guid clip, DateTimeOffset? time = null, Guid? id = null) => With("ClipDeleted", new JsonObject { ["clipId"] = clip.ToString() }, time, id);

    private Guid Task(Guid? named)
    {
        var task = named ?? Guid.NewGuid();
        if (!Tasks.Contains(task))
            Tasks.Add(task);
        return task;
    }
}

/// <summary>Changes of JSON that is otherwise right.</summary>
internal static class JsonChanges
{
    /// <summary>
    /// Puts JSON at a path such as <c>options[1].id</c>, where null removes the member. <c>"x*9"</c> is a string of nine
    /// <c>x</c>, to keep long texts out of sight.
    /// </summary>
    public static JsonObject But(this JsonObject json, string path, string? value)
    {
        var steps = path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        JsonNode parent = json;
        foreach (var step in steps[..^1])
            parent = (parent is JsonArray array ? array[Index(step)] : parent[step])!;

        var node = value is null ? null : JsonNode.Parse(Expand(value));
        if (parent is JsonArray items)
            items[Index(steps[^1])] = node;
        else if (value is null)
            ((JsonObject)parent).Remove(steps[^1]);
        else
            parent[steps[^1]] = node;
        return json;
    }

    /// <summary>Gives every object within a member <c>unheardOf</c>.</summary>
    public static void BringUnknown(this JsonNode json)
    {
        foreach (var part in json is JsonObject members ? members.Select(member => member.Value).ToList() : json is JsonArray items ? [.. items] : [])
            part?.BringUnknown();
        if (json is JsonObject target)
            target["unheardOf"] = new JsonArray(1, null);
    }

    /// <summary>Arrays in arrays, this many levels.</summary>
    public static string Nested(int levels) => new string('[', levels) + new string(']', levels);

    private static int Index(string step) => int.Parse(step, CultureInfo.InvariantCulture);

    private static string Expand(string value) => value is ['"', var letter, '*', .. var count, '"']
        ? $"\"{new string(letter, Index(count))}\""
        : value;
}

/// <summary>One valid answer of each type.</summary>
internal static class Answers
{
    public static IReadOnlyDictionary<string, Func<JsonObject>> All { get; } = new Dictionary<string, Func<JsonObject>>(StringComparer.Ordinal)
    {
        ["WRITTEN"] = () => Written("It was easy."),
        ["VERBAL"] = Verbal,
        ["URL"] = Url,
        ["MATRIX"] = Matrix,
        ["NPS"] = () => Nps(9),
        ["RATING_SCALE"] = () => Rating(4),
        ["MULTIPLE_CHOICE"] = () => Choice("b"),
        ["RANK_ORDER"] = () => Ranking(2, 1, 3),
        ["BLANK"] = Blank,
        ["IMAGE"] = Image,
        ["FIGMA"] = Figma,
    };

    /// <summary>The paths of the members that an answer of a type can lack.</summary>
    public static IReadOnlyList<string> Optional(string type) => type switch
    {
        "VERBAL" => ["text", "language", "cues"],
        "URL" => ["finalUrl", "visits"],
        "MATRIX" => ["rows[0].selections[0].value"],
        "RATING_SCALE" => ["minLabel", "maxLabel"],
        "MULTIPLE_CHOICE" => ["maxLimit", "otherText"],
        "IMAGE" => ["annotations[0].width", "annotations[0].height", "annotations[0].comment"],
        "FIGMA" => ["figmaPrototypeTitle", "figmaPrototypeDisplaySetting", "outcome"],
        _ => [],
    };

    public static JsonObject Written(string text) => new() { ["type"] = "WRITTEN", ["text"] = text };

    public static JsonObject Verbal() => new() { ["type"] = "VERBAL" };

    public static JsonObject Url() => new()
    {
        ["type"] = "URL",
        ["url"] = "https://shop.example/",
        ["outcome"] = "SUCCESS",
        ["finalUrl"] = "https://shop.example/thanks",
        ["visits"] = new JsonArray(new JsonObject { ["url"] = "https://shop.example/cart", ["atMs"] = 700 }),
    };

    public static JsonObject Matrix() => new()
    {
        ["type"] = "MATRIX",
        ["rows"] = new JsonArray(
            new JsonObject
            {
                ["id"] = "r1",
                ["label"] = "Speed",
                ["selections"] = new JsonArray(new JsonObject { ["id"] = "c2", ["label"] = "Good", ["value"] = 2 }),
            },
            new JsonObject { ["id"] = "r2", ["label"] = "Price", ["selections"] = new JsonArray() }),
    };

    public static JsonObject Nps(int score) => new() { ["type"] = "NPS", ["score"] = score };

    public static JsonObject Rating(decimal value) => new()
    {
        ["type"] = "RATING_SCALE",
        ["value"] = value,
        ["min"] = 1,
        ["max"] = 5,
        ["minLabel"] = "bad",
        ["maxLabel"] = "good",
    };

    public static JsonObject Choice(params string[] selected) => new()
    {
        ["type"] = "MULTIPLE_CHOICE",
        ["multiSelect"] = selected.Length > 1,
        ["randomizedOptions"] = true,
        ["maxLimit"] = 2,
        ["options"] = new JsonArray([.. new[] { "a", "b", "c" }.Select(id => new JsonObject
        {
            ["id"] = id,
            ["text"] = $"Option {id}",
            ["selected"] = selected.Contains(id),
        })]),
        ["otherText"] = "none of these",
    };

    public static JsonObject Ranking(params int[] ranks) => new()
    {
        ["type"] = "RANK_ORDER",
        ["ranking"] = new JsonArray([.. ranks.Select((rank, i) => new JsonObject { ["rank"] = rank, ["id"] = $"o{i}", ["text"] = $"Option {i}" })]),
    };

    public static JsonObject Blank() => new() { ["type"] = "BLANK" };

    public static JsonObject Image() => new()
    {
        ["type"] = "IMAGE",
        ["imageUrl"] = "https://images.example/1.png",
        ["annotations"] = new JsonArray(new JsonObject { ["x"] = 0.25, ["y"] = 0.5, ["width"] = 0.1, ["height"] = 0.2, ["comment"] = "here" }),
    };

    public static JsonObject Figma() => new()
    {
        ["type"] = "FIGMA",
        ["prototypeUrl"] = "https://www.figma.com/proto/abc/Shop",
        ["figmaPrototypeTitle"] = "Shop",
        ["figmaPrototypeDisplaySetting"] = "scale-down",
        ["outcome"] = "SUCCESS",
    };
}
