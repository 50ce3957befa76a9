using System.Text;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Bytes in, events or problems out: the CloudEvents attributes, JSON itself, and what cannot be stored.</summary>
public sealed class CloudEventReaderTests
{
    private const string Required = "is required";
    private const string NotText = "must be a string";
    private const string NotUuid = "must be a UUID";
    private const string NotTime = "must be an ISO 8601 time with an offset, such as 2026-03-01T10:15:04.123Z";
    private const string UnknownType = "must be an event that this service knows, such as results.TaskAnswered.v1";
    private const string NotSource = "must have 1 to 2,048 characters";
    private const string NotJson = "must be application/json";
    private const string Unstorable = "must not contain U+0000 or half a surrogate pair";
    private const string LongNumber = "must be a number of at most 350 characters when it is written without an exponent";
    private const string TooDeep = "must not be nested deeper than 32 levels, the event's own included";
    private const string Once = "must be there once";

    /// <summary>An attribute of the CloudEvent, and JSON that it may hold (null: left out).</summary>
    public static TheoryData<string, string?> RightAttributes() => new()
    {
        { "id", "\"0192F1C4-0000-7000-8000-00000000000A\"" },
        { "subject", "\"0192F1C4-0000-7000-8000-00000000000A\"" },
        { "source", "\"/\"" },
        { "source", "\"x*2048\"" },
        { "time", "\"2026-03-01T10:15:04Z\"" },
        { "time", "\"2026-03-01T10:15:04.1234567+05:30\"" },
        { "time", "\"0001-01-01T00:00:00Z\"" },
        { "time", "\"9999-12-31T23:59:59.9999999Z\"" },
        { "datacontenttype", "\"application/json\"" },
        { "datacontenttype", "\"Application/JSON; charset=utf-8\"" },
        { "datacontenttype", "\"application/vnd.recorder+json\"" },
        { "datacontenttype", "null" },
        { "traceparent", "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"" },
        { "traceparent", "null" },
        { "traceparent", "\"rubbish\"" },
        { "source", "\"/recorder/ü/語/\\ud83d\\ude00\"" },
        { "data_base64", "null" },
        { "dataschema", "\"https://schemas.example/1\"" },
        { "sequence", "7" },
        { "recorderbuild", "\"\\u0000\"" },
        { "flags", "[null, {}]" },
    };

    /// <summary>An attribute of the CloudEvent, JSON that it may not hold (null: left out), and what is said of it.</summary>
    public static TheoryData<string, string?, string> WrongAttributes()
    {
        var rows = new TheoryData<string, string?, string>();
        foreach (var name in (string[])["specversion", "id", "source", "type", "subject", "time"])
        {
            rows.Add(name, null, Required);
            rows.Add(name, "null", Required);
            rows.Add(name, "1", NotText);
            rows.Add(name, "true", NotText);
            rows.Add(name, "{}", NotText);
            rows.Add(name, "[\"a\"]", NotText);
            rows.Add(name, "\"\\u0000\"", Unstorable);
            rows.Add(name, "\"\\ud800\"", Unstorable);
        }

        foreach (var version in (string[])["", "1", "1.0.2", "0.3", "1.0 "])
            rows.Add("specversion", $"\"{version}\"", "must be 1.0");
        foreach (var name in (string[])["id", "subject"])
        {
            foreach (var id in (string[])[
                "", "7", "0192f1c400007000800000000000000a", "{0192f1c4-0000-7000-8000-00000000000a}", " 0192f1c4-0000-7000-8000-00000000000a ",
                "0x92f1c4-0000-7000-8000-00000000000a", "+192f1c4-0000-7000-8000-00000000000a", "0192f1c4-0000-7000-8000-00000000000g",
                "00000000-0000-0000-0000-000000000000"])
                rows.Add(name, $"\"{id}\"", NotUuid);
        }

        rows.Add("source", "\"\"", NotSource);
        rows.Add("source", "\"x*2049\"", NotSource);
        foreach (var unit in (string[])["0001", "001b", "000a", "007f", "0085", "009b", "061c", "200e", "2028", "202e", "2066", "fdd0", "ffff", "d83f\\udffe"])
            rows.Add("source", $"\"/r\\u{unit}\"", "must have no control characters, noncharacters or marks of writing direction");
        foreach (var type in (string[])["", "TaskAnswered", "results.TaskAnswered.v2", "results.taskanswered.v1", "results.TaskAnswered.v1 "])
            rows.Add("type", $"\"{type}\"", UnknownType);
        foreach (var time in (string[])[
            "", "2026-03-01", "2026-03-01T10:15:04", "2026-03-01 10:15:04Z", "2026-02-30T10:15:04Z", "2026-03-01T10:15:04+25:00",
            "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "Sun, 01 Mar 2026 10:15:04 GMT", "2026-03-01T10:15:04Z\\\""])
            rows.Add("time", $"\"{time}\"", NotTime);
        rows.Add("datacontenttype", "\"text/json\"", NotJson);
        rows.Add("datacontenttype", "\"\"", NotJson);
        rows.Add("datacontenttype", "3", NotText);
        rows.Add("traceparent", "3", NotText);
        rows.Add("traceparent", "\"\\u0000\"", Unstorable);
        rows.Add("data_base64", "\"e30=\"", "must not be there beside data");
        rows.Add("data_base64", "\"e30\"", "must be a string of base64");
        rows.Add("data_base64", "{}", "must be a string of base64");
        rows.Add("data_base64", "\"e30\\ud800\"", "must be a string of base64");
        rows.Add("data_base64", "\"\\u0000\"", "must be a string of base64");
        rows.Add("data_base64", "\"\"", "must be the base64 of JSON, which breaks off at line 1, byte 1");
        rows.Add("data_base64", "\"e317\"", "must be the base64 of JSON, which breaks off at line 1, byte 3");
        rows.Add("data_base64", "\"/w==\"", "must be the base64 of JSON in UTF-8");
        rows.Add("data", null, Required);
        rows.Add("data", "null", "must not be null");
        rows.Add("data", "[]", "must be an object");
        rows.Add("data", "\"{}\"", "must be an object");
        return rows;
    }

    /// <summary>JSON somewhere in the data of an answer, and the problem it makes (null: none).</summary>
    public static TheoryData<string, string, string, string?> Values() => new()
    {
        { "data.text", "\"\\u0000\"", "data.text", Unstorable },
        { "data.text", "\"\\ud83d\"", "data.text", Unstorable },
        { "data.text", "\"\\ude00\\ud83d\"", "data.text", Unstorable },
        { "data.text", "\"\\ud83d\\ude00 \\u0001\"", "", null },
        { "data.unheardOf", "\"\\u0000\"", "data.unheardOf", Unstorable },
        { "data.unheardOf", "{\"a\":[1,\"\\ud800\"]}", "data.unheardOf.a[1]", Unstorable },
        { "data.unheardOf", "{\"\\u0000\":1}", "data.unheardOf", "has a member whose name must not contain U+0000 or half a surrogate pair" },
        { "data.unheardOf", "{\"\\ud800\":1}", "data.unheardOf", "has a member whose name must not contain U+0000 or half a surrogate pair" },
        { "data.unheardOf", "1e400", "data.unheardOf", LongNumber },
        { "data.unheardOf", "-1e400", "data.unheardOf", LongNumber },
        { "data.unheardOf", "1E-400", "data.unheardOf", LongNumber },
        { "data.unheardOf", "1e200000", "data.unheardOf", LongNumber },
        { "data.unheardOf", "1e99999999999999999999", "data.unheardOf", LongNumber },
        { "data.unheardOf", "[1e300,-1E+300,1e-300,-0,0.0e0,1.7976931348623157e308,-4.9406564584124654e-324]", "", null },
        { "data.unheardOf", $"[{Digits(350)},-{Digits(349)},0.{Digits(348)},1e349,7e-348]", "", null },
        { "data.unheardOf", $"[{Digits(351)}]", "data.unheardOf[0]", LongNumber },
        { "data.unheardOf", $"[0.{Digits(349)}]", "data.unheardOf[0]", LongNumber },
        { "data.unheardOf", "[1,1e350]", "data.unheardOf[1]", LongNumber },
        { "data.unheardOf", "[-1e349]", "data.unheardOf[0]", LongNumber },
        { "data.unheardOf", "[0e-349]", "data.unheardOf[0]", LongNumber },
        { "data.unheardOf", $"{{\"a\":[{Digits(200)}e151]}}", "data.unheardOf.a[0]", LongNumber },
        { "data.unheardOf", "[null,{\"a\":null}]", "", null },
        { "data.unheardOf", "{\"a\":1,\"a\":1}", "data.unheardOf.a", Once },
        { "data.unheardOf", "[{\"a\":{\"b\":1,\"\\u0062\":2}}]", "data.unheardOf[0].a.b", Once },
        { "data.position", "1e400", "data.position", "must be a whole number from -2147483648 to 2147483647" },
        { "data.position", Digits(400), "data.position", "must be a whole number from -2147483648 to 2147483647" },
        { "data.answer.score", "1e-400", "data.answer.score", "must be a whole number" },
        { "data.answer", """{"type":"HOLOGRAM","depth":1e400}""", "data.answer.depth", LongNumber },
        { "data.answer", """{"type":"HOLOGRAM","text":"\u0000"}""", "data.answer.text", Unstorable },
        { "data.answer", """{"type":"HOLOGRAM","type":"NPS"}""", "data.answer.type", Once },
        { "data.answer", """{"type":"NPS","type":"HOLOGRAM","score":1}""", "data.answer.type", Once },
        { "data.answer", """{"type":"NPS","score":1,"score":1}""", "data.answer.score", Once },
        { "data.answer", """{"type":"HOLOGRAM","a":[{"b":1,"b":1}]}""", "data.answer.a[0].b", Once },
    };

    [Theory]
    [MemberData(nameof(RightAttributes))]
    public void An_attribute_may_hold(string name, string? json) => Assert.Equal([], Read(Answer(name, json)));

    [Theory]
    [MemberData(nameof(WrongAttributes))]
    public void An_attribute_may_not_hold(string name, string? json, string message) =>
        Assert.Equal([($"[0].{name}", message)], Read(Answer(name, json)));

    [Theory]
    [MemberData(nameof(Values), DisableDiscoveryEnumeration = true)]
    public void Only_what_the_database_can_hold_is_taken(string path, string json, string problemPath, string? message) =>
        Assert.Equal(message is null ? [] : [($"[0].{problemPath}", message)], Read(Answer(path, json)));

    [Theory]
    [InlineData("specversion", "\"1.0\"", "\"1.0\"")]
    [InlineData("id", "\"0192f1c4-0000-7000-8000-00000000000a\"", "null")]
    [InlineData("id", "null", "\"0192f1c4-0000-7000-8000-00000000000a\"")]
    [InlineData("data", "{}", "{}")]
    [InlineData("data", "null", "{}")]
    [InlineData("recorderbuild", "\"1\"", "\"1\"")]
    [InlineData("sequence", "1", "2")]
    public void An_attribute_may_not_be_repeated(string name, string first, string second)
    {
        var rest = Answer(name, null)[2..^2];
        Assert.Contains(($"[0].{name}", Once), Read($$"""[{"{{name}}":{{first}},{{rest}},"{{name}}":{{second}}}]"""));
    }

    [Fact]
    public void Every_attribute_that_is_wrong_is_named() =>
        Assert.Equal(
            [("[0].data", Required), ("[0].id", Required), ("[0].source", Required), ("[0].specversion", Required), ("[0].subject", Required), ("[0].time", Required)],
            Read("""[{"type":"results.TaskAnswered.v1"}]""").Order());

    [Fact]
    public void What_is_wrong_beside_the_data_does_not_hide_what_is_wrong_in_it() =>
        Assert.Equal(
            [("[0].subject", NotUuid), ("[0].data.answer.score", "must be a whole number from 0 to 10, not 11")],
            Read(TestData.SessionOnly().WithAnswer(Answers.Nps(11)).But("subject", "\"me\"").Json()));

    [Theory]
    [InlineData("7")]
    [InlineData("null")]
    [InlineData("\"{}\"")]
    [InlineData("[{}]")]
    public void An_item_of_a_batch_is_an_event(string item) =>
        Assert.Equal([("[1]", "must be a CloudEvent, a JSON object")], Read($"[{Answer("sequence", "1").Trim('[', ']')},{item}]"));

    [Theory]
    [InlineData("", 1, 1, 0)]
    [InlineData(" ", 1, 2, 0)]
    [InlineData("[", 1, 2, 0)]
    [InlineData("[{]", 1, 3, 0)]
    [InlineData("[{},\n]", 2, 1, 1)]
    [InlineData("[{}\n, {'a':1}]", 2, 4, 1)]
    [InlineData("[{\"a\":01}]", 1, 8, 0)]
    [InlineData("[{\"a\":NaN}]", 1, 7, 0)]
    [InlineData("[{\"a\":\"\n\"}]", 1, 8, 0)]
    [InlineData("[{\"a\":\"\\x\"}]", 1, 9, 0)]
    [InlineData("[] []", 1, 4, 0)]
    [InlineData("[{}] x", 1, 6, 1)]
    [InlineData("[/**/]", 1, 2, 0)]
    public void Broken_JSON_is_told_where_it_breaks_off(string body, int line, int at, int index) =>
        Assert.Equal(("$", $"must be JSON; it breaks off at line {line}, byte {at}, in event [{index}]"), Read(body).Last());

    [Theory]
    [InlineData(new byte[] { 0xff })]
    [InlineData(new byte[] { (byte)'[', 0xc3, 0x28, (byte)']' })]
    [InlineData(new byte[] { (byte)'"', 0xed, 0xa0, 0x80, (byte)'"' })]
    [InlineData(new byte[] { 0xfe, 0xff, 0, (byte)'[', 0, (byte)']' })]
    public void A_body_is_UTF_8(byte[] body) =>
        Assert.Equal([("$", "must be UTF-8")], Read(body, CloudEventShapes.Batch));

    [Fact]
    public void An_event_may_have_32_levels_and_no_more()
    {
        Assert.Equal([], Read(Answer("data.unheardOf", JsonChanges.Nested(30))));
        Assert.Equal([("[0].data", TooDeep)], Read(Answer("data.unheardOf", JsonChanges.Nested(31))));
        Assert.Equal([], Read(Answer("flags", JsonChanges.Nested(31))));
        Assert.Equal([("[0].flags", TooDeep)], Read(Answer("flags", JsonChanges.Nested(32))));
        Assert.Equal([("[0].data", TooDeep)], Read(Answer("data.unheardOf", $"{{\"a\":{JsonChanges.Nested(30)}}}")));
    }

    [Fact]
    public void A_very_deep_event_is_refused_for_its_depth() =>
        Assert.Equal([("[0].flags", TooDeep)], Read(Answer("flags", JsonChanges.Nested(100_000))));

    [Fact]
    public void A_single_event_may_have_32_levels_and_no_more()
    {
        Assert.Equal([], Read(Encoding.UTF8.GetBytes(Answer("data.unheardOf", JsonChanges.Nested(30))[1..^1]), CloudEventShapes.Single));
        Assert.Equal(
            [("[0].data", TooDeep)],
            Read(Encoding.UTF8.GetBytes(Answer("data.unheardOf", JsonChanges.Nested(31))[1..^1]), CloudEventShapes.Single));
    }

    /// <summary>An answer event whose JSON at a path is what is given, letter by letter.</summary>
    private static string Answer(string path, string? json)
    {
        const string there = "\"there\"";
        var session = TestData.SessionOnly().WithAnswer(Answers.Nps(9));
        return json is null or ['"', _, '*', ..]
            ? session.But(path, json).Json()
            : session.But(path, there).Json().Replace(there, json, StringComparison.Ordinal);
    }

    private static string Digits(int count) => new('7', count);

    private static IEnumerable<(string Key, string Message)> Read(string body) => Read(Encoding.UTF8.GetBytes(body), CloudEventShapes.Batch);

    private static IEnumerable<(string Key, string Message)> Read(byte[] body, CloudEventShapes shapes)
    {
        var read = CloudEventReader.Read(body, shapes);
        Assert.True(read.Problems.Count > 0 || read.Events.Count == read.Count);
        return read.Problems.Select(problem => (problem.Key, problem.Message));
    }
}
