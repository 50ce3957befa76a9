using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>What a long session consists of after its start.</summary>
internal enum LongSessionKind
{
    /// <summary>Answers, each to a task of its own: the document grows with every one, which is the worst that a session can do.</summary>
    Answers,

    /// <summary>What the participant did in one Figma prototype, as real sessions get long: the document keeps the first few of these.</summary>
    Interactions,
}

/// <summary>Sessions of any length, the same in each run. None of their ids is one of <see cref="Sessions"/>.</summary>
internal static class LongSessions
{
    // Numbers that no session of Sessions has. Each long session has a span of its own for its events.
    private const int FirstNumber = 1_000_000_000;
    private const int NumbersPerSession = 10_000;
    private const int TaskNumbers = 2_100_000_000;

    private static readonly DateTime Begin = new(2026, 3, 2, 9, 0, 0, DateTimeKind.Utc);

    /// <summary>The id of a session.</summary>
    public static Guid Id(int session) => Sessions.Id(FirstNumber + (session * NumbersPerSession));

    /// <summary>Its first so many events, or those from <paramref name="first"/> on, as CloudEvents: a start, and then all of one kind.</summary>
    public static IEnumerable<string> Lines(int session, LongSessionKind kind, int events, int first = 0) =>
        Enumerable.Range(first, events - first).Select(i => Line(session, kind, i));

    private static string Line(int session, LongSessionKind kind, int i)
    {
        var time = Begin.AddSeconds(session).AddMilliseconds(i * 100).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        var (type, data) = (i, kind) switch
        {
            (0, _) => ("SessionStarted", $$"""{"workspaceId":"{{Service.Workspace}}","testId":"{{Task(0)}}","productType":"SURVEY","startedAt":"{{time}}"}"""),
            (_, LongSessionKind.Answers) => ("TaskAnswered", string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"taskId":"{{Task(i)}}","position":{{i}},"text":"Question {{i}}: how far do you agree with what you have just read on this page?","startTimeMs":{{i * 100}},"endTimeMs":{{(i * 100) + 90}},"answer":{"type":"NPS","score":{{i % 11}} } }""")),
            _ => ("FigmaInteractionRecorded", string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"taskId":"{{Task(1)}}","atMs":{{i * 100}},"kind":"{{(i % 2 == 0 ? "PRESENTED_NODE_CHANGED" : "MOUSE_PRESS_OR_RELEASE")}}","presentedNodeId":"1:{{i % 40}}","handled":true,"targetNodeId":"2:{{i % 90}}","targetNodeMousePosition":{"x":{{i % 300}},"y":{{i % 200}} } }""")),
        };
        return $$"""{"specversion":"1.0","id":"{{Sessions.Id(FirstNumber + (session * NumbersPerSession) + 1 + i)}}","source":"/recorder/web/4.2.0","type":"results.{{type}}.v1","subject":"{{Id(session)}}","time":"{{time}}","data":{{data}}}""";
    }

    private static Guid Task(int i) => Sessions.Id(TaskNumbers + i);
}
