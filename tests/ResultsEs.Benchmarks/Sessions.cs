using System.Globalization;
using System.Text;

namespace ResultsEs.Benchmarks;

/// <summary>Completed survey sessions of 25 events, the same in each run: a start, a profile, twenty answers of four types, a skip, a score and the end. Their documents have about 7 KB.</summary>
internal static class Sessions
{
    public const int EventsPerSession = 25;

    /// <summary>How many of them are of a task each.</summary>
    public const int TasksPerSession = Answers + 1;

    private const int Answers = 20;
    private const int SessionsPerTest = 500;

    private static readonly DateTime Begin = new(2026, 3, 2, 9, 0, 0, DateTimeKind.Utc);

    /// <summary>The id of a session.</summary>
    public static Guid Id(int session) => Uuid(session, 0, 4);

    /// <summary>The events of a session in their order, each a CloudEvent in UTF-8.</summary>
    public static byte[][] Events(int session) => [.. Lines(session).Select(Encoding.UTF8.GetBytes)];

    /// <summary>The events of so many sessions, one session after the other, as a batch of CloudEvents in UTF-8.</summary>
    public static byte[] Batch(int first, int sessions) => Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Range(first, sessions).SelectMany(Lines))}]");

    /// <summary>Whether the event of that place in a session is one of a task, which the document of the session holds then.</summary>
    public static bool IsOfTask(int i) => i is >= 2 and <= 2 + Answers;

    /// <summary>So many events of a session that is longer than the others, from that place on: a start, and answers to tasks of their own.</summary>
    public static IEnumerable<string> Long(int session, int from, int count) => Enumerable.Range(from, count).Select(i => i == 0 ? Started(session, session / SessionsPerTest) : Answered(session, i));

    /// <summary>The id of a test.</summary>
    public static Guid TestId(int test) => Uuid(test, 0, 5);

    /// <summary>The events of a session as CloudEvents, in their order.</summary>
    public static IEnumerable<string> Lines(int session) => LinesOf(session, session / SessionsPerTest);

    /// <summary>The events of a session of that test as CloudEvents, in their order.</summary>
    public static IEnumerable<string> LinesOf(int session, int test)
    {
        yield return Started(session, test);
        yield return Line(session, 1, "ParticipantProfiled", $$"""{"participantId":"{{Uuid(session, 1, 9)}}","demographics":[{"id":"{{Uuid(0, 1, 10)}}","code":"AGE","label":"Age","value":"35–44","type":"DEMOGRAPHIC_QUESTION_TYPE_SINGLE"},{"id":"{{Uuid(0, 2, 10)}}","code":"COUNTRY","label":"Country of residence","value":"Ireland","type":"DEMOGRAPHIC_QUESTION_TYPE_SINGLE"},{"id":"{{Uuid(0, 3, 10)}}","code":"BANKING_CHANNELS","label":"Which of these do you use for banking?","value":"Mobile app,Website,Phone","type":"DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE"}]}""");
        for (var i = 2; i < 2 + Answers; i++)
            yield return Answered(session, i);
        yield return Line(session, 22, "TaskSkipped", $$"""{{Task(session, 22)}},"taskType":"IMAGE","reason":"LOGIC"}""");
        yield return Line(session, 23, "TaskGroupScored", $$$"""{"taskGroupId":"{{{Uuid(session / SessionsPerTest, 23, 11)}}}","label":"Checkout","score":{{{session % 101}}},"components":{"behavioral":{{{session % 97}}},"attitudinal":{{{session % 89}}}},"values":{"behavioral":[{{{session % 97}}}],"usability":81.5,"trust":70,"appearance":64,"loyalty":55}}""");
        yield return Line(session, 24, "SessionCompleted", $$"""{"finishedAt":"{{Time(session, 240)}}"}""");
    }

    private static string Started(int session, int test) => Line(session, 0, "SessionStarted", $$"""{"workspaceId":"{{Service.Workspace}}","testId":"{{TestId(test)}}","testPlanId":"{{Uuid(session / SessionsPerTest, 0, 6)}}","audienceId":"{{Uuid(session % 7, 0, 8)}}","productType":"SURVEY","startedAt":"{{Time(session, 0)}}"}""");

    private static string Answered(int session, int i) => Line(session, i, "TaskAnswered", $$"""{{Task(session, i)}},"answer":{{Answer(session, i)}}}""");

    private static string Line(int session, int i, string type, string data) =>
        $$"""{"specversion":"1.0","id":"{{Uuid(session, i, 1)}}","source":"/recorder/web/4.2.0","type":"results.{{type}}.v1","subject":"{{Id(session)}}","time":"{{Time(session, i * 10)}}","data":{{data}}}""";

    // The tasks of a test are those of all its sessions.
    private static string Task(int session, int i) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"taskId":"{{Uuid(session / SessionsPerTest, i, 7)}}","position":{{i}},"text":"Question {{i}}: how far do you agree with what you have just read on this page?","startTimeMs":{{(i * 10_000) + (session % 1_000)}},"endTimeMs":{{(i * 10_000) + 9_000 + (session % 1_000)}}""");

    private static string Answer(int session, int i) => (i % 4) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $$"""{"type":"NPS","score":{{(session + i) % 11}}}"""),
        1 => $$"""{"type":"WRITTEN","text":"I looked for the price first, and found it at the bottom of the page, which took me a while. Session {{session}}."}""",
        2 => string.Create(CultureInfo.InvariantCulture, $$"""{"type":"RATING_SCALE","value":{{1 + ((session + i) % 5)}},"min":1,"max":5,"minLabel":"Very difficult","maxLabel":"Very easy"}"""),
        _ => $$"""{"type":"MULTIPLE_CHOICE","multiSelect":true,"randomizedOptions":false,"options":[{"id":"o1","text":"A lower price","selected":{{Is(session)}}},{"id":"o2","text":"A better rate","selected":{{Is(session / 2)}}},{"id":"o3","text":"An answer to my question","selected":{{Is(session / 4)}}}]}""",
    };

    private static string Time(int session, int seconds) => Begin.AddSeconds(session + seconds).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static string Is(int n) => n % 2 == 0 ? "true" : "false";

    /// <summary>A version 4 UUID whose bits look random, as recorders make them: what is near in time is not near in an index.</summary>
    private static Guid Uuid(int session, int i, int kind)
    {
        var high = Mix(((ulong)(uint)session << 32) | ((ulong)(uint)i << 8) | (uint)kind);
        var low = Mix(high);
        return new Guid(
            (uint)(high >> 32), (ushort)(high >> 16), (ushort)((high & 0x0FFF) | 0x4000), (byte)((low >> 56 & 0x3F) | 0x80), (byte)(low >> 48), (byte)(low >> 40), (byte)(low >> 32), (byte)(low >> 24), (byte)(low >> 16), (byte)(low >> 8), (byte)low);
    }

    // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
