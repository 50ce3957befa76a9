using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsCheck;

namespace ResultsEs.Tests.Ingestion;

/// <summary>A refusal has at most 256 KiB, whatever was sent: it names the first problems and counts the rest.</summary>
public sealed partial class RefusalSizeTests(AppFixture app)
{
    private const int MaxAnswer = 256 * 1024;
    private const int MaxRequest = 4 * 1024 * 1024;

    /// <summary>Hostile bodies, the first path that is named, and the number of problems.</summary>
    public static TheoryData<string, Func<string>, string, int> Bodies() => new()
    {
        { "a name of 250 KB above 100 problems", () => Batch(1, Event(Member(Name(245_000), List(100)))), $"[0].data.{Name(100)}….0[0]", 101 },
        { "a name of 4 MB", () => Batch(1, $$"""{"{{Name(2_000_000)}}":1,"{{Name(2_000_000)}}":2}"""), $"[0].{Name(100)}…", 8 },
        { "a thousand events with 800 unknown members", () => Batch(1_000, "{" + string.Join(',', Enumerable.Repeat("\"\":0", 800)) + "}"), "[0]", 13 * (799 + 6) },
        { "names at every level", () => Batch(30, Event(Enumerable.Repeat(0, 28).Aggregate(List(2_000), (inner, _) => Object(Name(4_000), inner)))), $"[0].data.{Name(100)}….{Name(100)}….{Name(91)}…", 5 * 2_001 },
        { "too deep below a long name", () => Batch(15, $$"""{"{{Name(250_000)}}":{{JsonChanges.Nested(40)}}}"""), $"[0].{Name(100)}…", 15 * 7 },
        { "ids of 250 KB", () => Batch(16, Event("{}", id: new('7', 250_000))), "[0].id", 32 },
        { "types of 250 KB", () => Batch(16, Event("{}", type: new('t', 250_000))), "[0].type", 16 },
        { "a thousand events that are none", () => Batch(1_000, "0"), "[0]", 1_000 },
        { "a thousand empty events", () => Batch(1_000, "{}"), "[0].specversion", 6_000 },
        { "controls, six letters each", () => Batch(900, $$"""{"{{Repeated(@"\u0001", 300)}}":1,"{{Repeated(@"\u0001", 300)}}":2}"""), $"[0].{Repeated(@"\u0001", 100)}…", 900 * 7 },
        { "letters of four bytes", () => Batch(900, $$"""{"{{Repeated("😀", 300)}}":1,"{{Repeated("😀", 300)}}":2}"""), $"[0].{Repeated("😀", 50)}…", 900 * 7 },
    };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Bodies), DisableDiscoveryEnumeration = true)]
    public async Task A_refusal_is_short_and_names_the_first_problem(string what, Func<string> body, string first, int problems)
    {
        var bytes = Encoding.UTF8.GetBytes(body());
        Assert.True(bytes.Length <= MaxRequest, $"{what}: {bytes.Length}");
        using var answer = await (await app.ClientAsync()).SendAsync(bytes);
        var problem = await BoundedAsync(answer);
        var errors = problem["errors"]!.AsObject();
        Assert.Contains(first, errors.Select(error => error.Key));
        Assert.Equal(problems, Named(errors) + Rest(errors));
        Assert.All(problem["events"]!.AsArray(), refused => Assert.InRange(((string?)refused!["id"])?.Length ?? 0, 0, 101));
    }

    [Fact]
    public async Task No_request_makes_a_long_refusal()
    {
        var http = await app.ClientAsync();
        string[] letters = ["n", "é", "語", "😀", @"\u0001", @"\ud83d\ude00", "\u007f", "\u202e"];
        var names = Gen.Select(Gen.Int[0, letters.Length - 1], Gen.Int[0, 5_000], (letter, length) => Repeated(letters[letter], length));
        var events = Gen.Select(names, names, Gen.Int[0, 25], Gen.Int[0, 300], (outer, inner, depth, items) =>
            Event(Enumerable.Range(0, depth).Aggregate(List(items), (below, level) => Object(level % 2 == 0 ? outer : inner, below)), id: outer, type: inner.Length % 2 == 0 ? null : inner));
        await Gen.Select(events.Array[1, 4], Gen.Int[1, 250]).SampleAsync(async (some, times) =>
        {
            var body = "[" + string.Join(',', Enumerable.Repeat(some, times).SelectMany(one => one)) + "]";
            using var answer = await http.SendAsync(body);
            if (Encoding.UTF8.GetByteCount(body) > MaxRequest)
                Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
            else
                Assert.Contains((await BoundedAsync(answer))["errors"]!.AsObject(), error => error.Key.StartsWith("[0].", StringComparison.Ordinal));
        }, iter: 10, time: Fuzz.Seconds, threads: 2);
    }

    [Fact]
    public async Task Of_lines_so_many_are_told_as_fit_and_all_are_counted()
    {
        var line = $$"""{"{{Name(1_500)}}":1,"{{Name(1_500)}}":2,"id":"{{Name(300)}}"}""";
        using var content = new StringContent(string.Concat(Enumerable.Repeat(line + "\n", 1_200)), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        var bytes = await answer.Content.ReadAsByteArrayAsync(Cancelled);
        Assert.InRange(bytes.Length, 1_000, MaxAnswer);
        var told = JsonNode.Parse(bytes)!;
        var refusals = told["refusals"]!.AsArray();
        Assert.Equal(1_200, (int)told["refused"]!);
        Assert.InRange(refusals.Count, 100, 999);
        Assert.Equal(Enumerable.Range(1, refusals.Count), refusals.Select(refusal => (int)refusal!["line"]!));
    }

    [Fact]
    public async Task Of_one_line_so_much_is_told_as_fits()
    {
        using var content = new StringContent(Event(Object(Name(2_000), List(2_000))), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        using var answer = await (await app.ClientAsync()).SendAsync(content);
        var refusal = Assert.Single((await answer.JsonAsync())["refusals"]!.AsArray())!;
        Assert.InRange(refusal.ToJsonString().Length, 1_000, 5_000);
        var errors = refusal["errors"]!.AsObject();
        Assert.Equal(2_001, Named(errors) + Rest(errors));
    }

    [Fact]
    public async Task Of_parameters_twenty_are_named()
    {
        var parameters = string.Join('&', Enumerable.Range(0, 300).Select(i => $"limit[{i}{(i == 0 ? new string('x', 500) : "")}]=1"));
        using var answer = await (await app.ClientAsync()).ReadAsync($"/api/v2/sessionResults?{parameters}&testId=x");
        var problem = await BoundedAsync(answer, most: 8 * 1024);
        Assert.Equal(20, problem["errors"]!.AsObject().Count);
        Assert.StartsWith("The request's parameters are malformed. And 28", (string?)problem["detail"], StringComparison.Ordinal);
        Assert.All(problem["errors"]!.AsObject(), error => Assert.InRange(error.Key.Length, 1, 101));
    }

    [Theory]
    [InlineData("not-a-context-")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-")]
    public async Task A_trace_context_that_is_none_is_not_repeated(string header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v2/unheardOf");
        request.Headers.TryAddWithoutValidation("traceparent", header + new string('x', 3_000));
        using var answer = await (await app.ClientAsync()).SendAsync(request, Cancelled);
        Assert.InRange((await answer.Content.ReadAsStringAsync(Cancelled)).Length, 100, 400);
    }

    /// <summary>A refusal of a request, which is JSON and no longer than any may be.</summary>
    private static async Task<JsonObject> BoundedAsync(HttpResponseMessage answer, int most = MaxAnswer)
    {
        Assert.InRange((await answer.Content.ReadAsByteArrayAsync(Cancelled)).Length, 1, most);
        return await answer.ProblemAsync(HttpStatusCode.BadRequest);
    }

    private static int Named(JsonObject errors) =>
        errors.Sum(error => error.Value!.AsArray().Count(message => !More().IsMatch((string)message!) && !IsEnd((string)message!)));

    private static int Rest(JsonObject errors) => errors.SelectMany(error => error.Value!.AsArray())
        .Select(message => More().Match((string)message!)).Where(match => match.Success).Sum(match => int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture));

    private static bool IsEnd(string message) => message.StartsWith("has more than 10000 problems", StringComparison.Ordinal);

    [GeneratedRegex("^and (?<count>\\d+) more problems, which are not named$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex More();

    private static string Batch(int count, string json) => "[" + string.Join(',', Enumerable.Repeat(json, count)) + "]";

    private static string Event(string data, string? id = null, string? type = null) =>
        $$"""
        {"specversion":"1.0","id":"{{id ?? "0192f1c4-0000-7000-8000-00000000000a"}}","source":"/r","type":"{{type ?? "results.SessionCompleted.v1"}}","subject":"0192f1c4-0000-7000-8000-00000000000b","time":"2026-03-01T10:15:04Z","data":{{data}}}
        """;

    private static string Name(int length) => new('n', length);

    private static string Object(string name, string json) => $$"""{"{{name}}":{{json}}}""";

    private static string Member(string name, string json) => Object(name, Object("0", json));

    /// <summary>A list in which each item is a problem.</summary>
    private static string List(int count) => "[" + string.Join(',', Enumerable.Repeat("1e400", count)) + "]";

    private static string Repeated(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}
