using System.Globalization;

namespace ResultsEs.Benchmarks;

/// <summary>Completed survey sessions of 25 events, the same in each run: a start, a profile, twenty answers of four types, a skip, a score and the end. Their documents have about 7 KB.</summary>
internal static class Sessions
{
    public const int EventsPerSession = 25;

    private const int Answers = 20;

    private static readonly DateTime Begin = new(2026, 3, 2, 9, 0, 0, DateTimeKind.Utc);

    /// <summary>The id of a session.</summary>
    public static Guid Id(int session) => Uuid(session, 0, 4);

    /// <summary>The events of a session as CloudEvents, in their order.</summary>
    public static IEnumerable<string> Lines(int session)
    {
        var began = Begin.AddSeconds(session);
        yield return Line(0, "SessionStarted", $$"""{"workspaceId":"{{Service.Workspace}}","testId":"{{Uuid(session / 500, 0, 5)}}","testPlanId":"{{Uuid(session / 500, 0, 6)}}","audienceId":"{{Uuid(session % 7, 0, 8)}}","productType":"SURVEY","startedAt":"{{Time(0)}}"}""");
        yield return Line(1, "ParticipantProfiled", $$"""{"participantId":"{{Uuid(session, 1, 9)}}","demographics":[{"id":"{{Uuid(0, 1, 10)}}","code":"AGE","label":"Age","value":"35–44","type":"DEMOGRAPHIC_QUESTION_TYPE_SINGLE"},{"id":"{{Uuid(0, 2, 10)}}","code":"COUNTRY","label":"Country of residence","value":"Ireland","type":"DEMOGRAPHIC_QUESTION_TYPE_SINGLE"},{"id":"{{Uuid(0, 3, 10)}}","code":"BANKING_CHANNELS","label":"Which of these do you use for banking?","value":"Mobile app,Website,Phone","type":"DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE"}]}""");
        for (var i = 2; i < 2 + Answers; i++)
            yield return Line(i, "TaskAnswered", $$"""{{Task(i)}},"answer":{{Answer(i)}}}""");
        yield return Line(22, "TaskSkipped", $$"""{{Task(22)}},"taskType":"IMAGE","reason":"LOGIC"}""");
        yield return Line(23, "TaskGroupScored", $$$"""{"taskGroupId":"{{{Uuid(session / 500, 23, 11)}}}","label":"Checkout","score":{{{session % 101}}},"components":{"behavioral":{{{session % 97}}},"attitudinal":{{{session % 89}}}},"values":{"behavioral":[{{{session % 97}}}],"usability":81.5,"trust":70,"appearance":64,"loyalty":55}}""");
        yield return Line(24, "SessionCompleted", $$"""{"finishedAt":"{{Time(240)}}"}""");

        string Line(int i, string type, string data) =>
            $$"""{"specversion":"1.0","id":"{{Uuid(session, i, 1)}}","source":"/recorder/web/4.2.0","type":"results.{{type}}.v1","subject":"{{Id(session)}}","time":"{{Time(i * 10)}}","data":{{data}}}""";

        // The tasks of a test are those of all its sessions.
        string Task(int i) => string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"taskId":"{{Uuid(session / 500, i, 7)}}","position":{{i}},"text":"Question {{i}}: how far do you agree with what you have just read on this page?","startTimeMs":{{(i * 10_000) + (session % 1_000)}},"endTimeMs":{{(i * 10_000) + 9_000 + (session % 1_000)}}""");

        string Answer(int i) => (i % 4) switch
        {
            0 => string.Create(CultureInfo.InvariantCulture, $$"""{"type":"NPS","score":{{(session + i) % 11}}}"""),
            1 => $$"""{"type":"WRITTEN","text":"I looked for the price first, and found it at the bottom of the page, which took me a while. Session {{session}}."}""",
            2 => string.Create(CultureInfo.InvariantCulture, $$"""{"type":"RATING_SCALE","value":{{1 + ((session + i) % 5)}},"min":1,"max":5,"minLabel":"Very difficult","maxLabel":"Very easy"}"""),
            _ => $$"""{"type":"MULTIPLE_CHOICE","multiSelect":true,"randomizedOptions":false,"options":[{"id":"o1","text":"A lower price","selected":{{Is(session)}}},{"id":"o2","text":"A better rate","selected":{{Is(session / 2)}}},{"id":"o3","text":"An answer to my question","selected":{{Is(session / 4)}}}]}""",
        };

        string Time(int seconds) => began.AddSeconds(seconds).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
    }

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
