using System.Text.Json.Nodes;
using CsCheck;

namespace ResultsEs.Tests.Laws;

/// <summary>
/// Arbitrary sessions: every event type, few tasks and few times so that events compete and tie, and bursts of
/// interactions beyond what a document shows.
/// </summary>
internal static class AnySession
{
    private static readonly DateTimeOffset Begin = new(2026, 3, 1, 10, 15, 0, TimeSpan.Zero);
    private static readonly Guid[] Tasks = [.. Enumerable.Range(1, 4).Select(n => Id(0x7a5c, n))];
    private static readonly Guid[] Groups = [.. Enumerable.Range(1, 2).Select(n => Id(0x9a0b, n))];
    private static readonly string[] Kinds = ["INITIAL_LOAD", "NEW_STATE", "PRESENTED_NODE_CHANGED", "MOUSE_PRESS_OR_RELEASE"];

    private static readonly Gen<Step> AnyStep = Gen.Select(
        Gen.Int[0, 16], Gen.Int[0, Tasks.Length - 1], Gen.Int[0, 4], Gen.Int[0, 9_999],
        (kind, task, second, n) => new Step(kind, task, second, n));

    /// <summary>The events of a session, its start among them, in the order of their making.</summary>
    public static Gen<SessionBuilder> Events { get; } = Gen.Select(AnyStep.Array[0, 25], Gen.Guid.Array[26], Build);

    /// <summary>A session's events, and the batches in which they arrive: shuffled, some of them twice, cut anywhere.</summary>
    public static Gen<(SessionBuilder Session, JsonObject[][] Batches)> Arrivals { get; } = Events.SelectMany(session =>
        Gen.Select(Gen.Shuffle(session.Events.ToArray()), Gen.Int[0, session.Events.Count], Gen.Int[1, 9], (shuffled, repeats, size) =>
            (session, shuffled.Concat(shuffled.Take(repeats)).Chunk(size).ToArray())));

    private static SessionBuilder Build(Step[] steps, Guid[] ids)
    {
        var session = TestData.SessionOnly().With("SessionStarted", Started(0), Begin, ids[^1]);
        foreach (var (step, id) in steps.Zip(ids))
            Add(session, step, id);
        return session;
    }

    private static void Add(SessionBuilder session, Step step, Guid id)
    {
        var (kind, task, second, n) = step;
        var time = Begin.AddSeconds(second);
        switch (kind)
        {
            case 0:
                session.With("SessionStarted", Started(n), time, id);
                break;
            case 1:
                session.With("ParticipantProfiled", new JsonObject { ["participantId"] = Id(1, n + 1).ToString(), ["demographics"] = new JsonArray() }, time, id);
                break;
            case 2 or 3 or 4:
                var answers = Answers.All.Values.Append(() => new JsonObject { ["type"] = "HOLOGRAM", ["beam"] = n }).ToArray();
                var answered = Settled(task, n, ("answer", answers[n % answers.Length]()));
                if (n % 4 == 1)
                    answered["corrects"] = SomeEvent(session, n);
                session.With("TaskAnswered", answered, time, id);
                break;
            case 5:
                session.With("TaskSkipped", Settled(task, n, ("taskType", n % 2 == 0 ? "FIGMA" : "VERBAL"), ("reason", "USER")), time, id);
                break;
            case 6 or 7:
                var transcribed = new JsonObject { ["taskId"] = Tasks[task].ToString(), ["text"] = $"take {n}", ["cues"] = new JsonArray() };
                if (n % 3 == 1)
                    transcribed["answerId"] = SomeEvent(session, n);
                session.With("VerbalResponseTranscribed", transcribed, time, id);
                break;
            case 8:
                session.With("FigmaInteractionRecorded", Interaction(task, n), time, id);
                break;
            case 9:
                // Derived ids: a burst must be the same set of events each time.
                var bytes = id.ToByteArray();
                for (var i = 0; i < 120; i++)
                {
                    bytes[0]++;
                    session.With("FigmaInteractionRecorded", Interaction(task, (n + (i * 7)) % 10_000), time, new Guid(bytes));
                }

                break;
            case 10:
                session.With("TaskGroupScored", Score(n), time, id);
                break;
            case 11:
                session.With("ComparisonSequenced", new JsonObject { ["taskGroupId"] = Groups[n % 2].ToString(), ["sequence"] = n % 3 == 0 ? "AB" : "BA" }, time, id);
                break;
            case 12:
                session.WithVideo($"videos/{n}.mp4", Id(3, n + 1), time: time, id: id);
                break;
            case 13:
                session.WithClip(Tasks[task], n, $"clip {n}", time, id);
                break;
            case 14:
                session.WithClipGenerated(Tasks[task], $"clips/{n}.mp4", time, id);
                break;
            case 15:
                if (n % 2 == 0)
                    session.WithClipFailed(Tasks[task], time, id);
                else
                    session.WithClipDeleted(Tasks[task], time, id);
                break;
            default:
                if (n % 7 == 0)
                    session.With("SessionResumed", new JsonObject { ["resumedAt"] = time.ToString("O") }, time, id);
                else if (n % 2 == 0)
                    session.With("SessionCompleted", new JsonObject { ["finishedAt"] = time.AddMinutes(n).ToString("O") }, time, id);
                else if (n % 3 == 0)
                    session.With("SessionAbandoned.v2", new JsonObject { ["cause"] = "INACTIVITY", ["abandonedAt"] = time.AddMinutes(n).ToString("O") }, time, id);
                else
                    session.With("SessionAbandoned", new JsonObject { ["abandonedAt"] = time.AddMinutes(n).ToString("O") }, time, id);
                break;
        }
    }

    private static string SomeEvent(SessionBuilder session, int n) => (string)session.Events[n % session.Events.Count]["id"]!;

    private static JsonObject Started(int n) => new()
    {
        ["workspaceId"] = Access.TestClients.WorkspaceA.ToString(),
        ["testId"] = Id(2, n + 1).ToString(),
        ["productType"] = n % 2 == 0 ? "SURVEY" : "THINK_OUT_LOUD",
        ["startedAt"] = Begin.ToString("O"),
    };

    private static JsonObject Settled(int task, int n, params (string Name, JsonNode? Value)[] more)
    {
        var data = new JsonObject
        {
            ["taskId"] = Tasks[task].ToString(),
            ["position"] = n % 3,
            ["text"] = $"as asked {n}",
            ["startTimeMs"] = n % 5,
            ["endTimeMs"] = n,
        };
        data["endTimeMs"] = Math.Max(n, n % 5);
        foreach (var (name, value) in more)
            data[name] = value;
        return data;
    }

    private static JsonObject Interaction(int task, int n) => new()
    {
        ["taskId"] = Tasks[task].ToString(),
        ["atMs"] = n % 500,
        ["kind"] = Kinds[n % Kinds.Length],
        ["presentedNodeId"] = n % 3 == 0 ? null : $"1:{n % 7}",
        ["handled"] = n % 5 != 0,
        ["phase"] = n % 11 == 0 ? "PRESS" : n % 13 == 0 ? "RELEASE" : null,
        ["targetNodeMousePosition"] = new JsonObject { ["x"] = n % 12, ["y"] = 1 },
    };

    private static JsonObject Score(int n) => new()
    {
        ["taskGroupId"] = Groups[n % 2].ToString(),
        ["label"] = "Checkout",
        ["score"] = n % 101,
        ["components"] = new JsonObject { ["attitudinal"] = 50 },
        ["values"] = new JsonObject { ["usability"] = 1, ["trust"] = 2, ["appearance"] = 3, ["loyalty"] = 4 },
    };

    private static Guid Id(int family, int n) => new(family, 0, 0x4000, 0x80, 0, 0, 0, 0, 0, (byte)(n >> 8), (byte)n);

    private readonly record struct Step(int Kind, int Task, int Second, int N);
}
