using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ResultsEs.Ingestion;
using ResultsEs.Ingestion.RabbitMq;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Naming what is wrong must not cost more than the request did.</summary>
public sealed partial class BoundedRefusalTests
{
    [Theory]
    [InlineData("-1", "must be 0 or more milliseconds since the session's start, not -1")]
    [InlineData("\"soon\"", "must be a whole number")]
    public void Of_one_event_a_hundred_fields_are_named_and_that_there_are_more(string startMs, string expected)
    {
        var read = Read(Cues(startMs, 200));

        Assert.Equal(
            Enumerable.Range(0, 100).Select(i => ($"[0].data.cues[{i}].startMs", expected)).Append(("[0]", "and 100 more problems, which are not named")),
            read.Problems.Select(problem => (problem.Key, problem.Message)));
    }

    [Fact]
    public void A_list_has_an_end()
    {
        Assert.Empty(Read(Cues("0", 10_000)).Problems);
        var problem = Assert.Single(Read(Cues("0", 10_001)).Problems);
        Assert.Equal(("[0].data", "must not hold a list of more than 10000 items, not 10001"), (problem.Key, problem.Message));
    }

    [Fact]
    public void Of_a_request_that_is_wrong_throughout_only_the_beginning_is_looked_at()
    {
        var read = Read([.. Enumerable.Repeat(Cues("-1", 5_000)[0], 20)]);

        Assert.Equal(20, read.Count);
        Assert.Empty(read.Events);
        Assert.Equal([0, 1, -1], read.Problems.Select(problem => problem.Index).Distinct());
        Assert.Equal("has more than 10000 problems; from event [2] on nothing was looked at", read.Problems[^1].Message);
    }

    /// <summary>Members of an event's data, and the path that is told: cut between characters, without what a terminal would obey.</summary>
    public static TheoryData<string, string> Names() => new()
    {
        { """{ "n*120000": 1, "n*120000": 2 }""", "n*100…" },
        { """{ "n*60000": { "n*60000": { "n*60000": { "n*60000": 1e400 } } } }""", "n*100….n*100….n*91…" },
        { """{ "\u001b[2J\u202e": 1e400 }""", @"\u001b[2J\u202e" },
        { """{ "😀*70": 1e400 }""", "😀*50…" },
        { """{ "x😀*70": 1e400 }""", "x😀*49…" },
    };

    [Theory]
    [MemberData(nameof(Names), DisableDiscoveryEnumeration = true)]
    public void Names_are_cut_between_characters_and_have_no_controls(string data, string path)
    {
        var read = Read([Event("SessionCompleted", Repeated(data))]);
        Assert.Contains($"[0].data.{Repeated(path)}", read.Problems.Select(problem => problem.Key));
        read = Read([Repeated(data)]);
        Assert.All(read.Problems, problem => Assert.InRange(problem.Path.Length, 0, 101));
    }

    [Fact]
    public void Ids_are_cut()
    {
        var problem = Read([Event("SessionCompleted", "{}", new string('7', 200_000))]).Problems[0];
        Assert.Equal((new string('7', 100) + "…", "id", "must be a UUID"), (problem.EventId, problem.Path, problem.Message));
    }

    [Fact]
    public void A_long_name_costs_no_more_for_all_that_is_below_it()
    {
        var below = string.Join(',', Enumerable.Repeat("{\"a\":1e400}", 9_000));
        var json = $"[{Event("SessionCompleted", $"{{ \"{new string('n', 140_000)}\": [{below}] }}")}]";
        Read(json);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var read = Read(json);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
        Assert.Equal((101, 9_001), (read.Problems.Count, read.Problems.Sum(problem => problem.Count)));
        Assert.All(read.Problems, problem => Assert.InRange(problem.Key.Length, 1, 400));
    }

    [Theory]
    [InlineData(3, 3, 0)]
    [InlineData(100_000, 2_500, 97_500)]
    public void A_refusal_names_what_fits_and_counts_the_rest(int count, int atMost, int atLeastMore)
    {
        EventProblem[] problems = [.. Enumerable.Range(0, count).Select(i => new EventProblem(i, null, "data.answer.score", "must be a number"))];
        var told = ToldProblems.Of([.. problems, EventProblem.OfRequest("must be JSON")], ToldProblems.RequestBytes);
        Assert.InRange(told.Named.Count - 1, 1, atMost);
        Assert.InRange(told.More, atLeastMore, count);
        Assert.Equal((count, "must be JSON"), (told.Named.Count - 1 + told.More, told.Named[^1].Message));
    }

    [Fact]
    public void The_reason_of_a_dead_letter_is_a_log_line()
    {
        var read = Read([.. Enumerable.Range(0, 900).Select(_ => $"{{\"{new string('n', 2_000)}\":1,\"{new string('n', 2_000)}\":2}}")]);
        var reason = RefusedDeliveryException.Of("invalid", read.Problems).Message;
        Assert.InRange(Encoding.UTF8.GetByteCount(reason), 1_000, 4 * 1024);
        Assert.Matches($@"^invalid: \[0\]\.n{{100}}… must be there once; .*; and \d{{4}} more problems, which are not named$", reason);
    }

    // "n*7" is the letter seven times.
    private static string Repeated(string text) => Times().Replace(text, found =>
        string.Concat(Enumerable.Repeat(found.Groups["letter"].Value, int.Parse(found.Groups["count"].Value, CultureInfo.InvariantCulture))));

    [GeneratedRegex(@"(?<letter>n|😀)\*(?<count>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Times();

    private static string[] Cues(string startMs, int count) =>
        [Event("SessionTranscribed", $$"""{ "cues": [{{string.Join(',', Enumerable.Repeat($$"""{ "startMs": {{startMs}}, "endMs": 0, "text": "" }""", count))}}] }""")];

    private static string Event(string type, string data, string? id = null) =>
        $$"""
        { "specversion": "1.0", "id": "{{id ?? Guid.NewGuid().ToString()}}", "source": "/r", "type": "results.{{type}}.v1", "subject": "{{Guid.NewGuid()}}",
          "time": "2026-03-01T10:15:04Z", "data": {{data}} }
        """;

    private static CloudEvents Read(string[] events) => Read($"[{string.Join(',', events)}]");

    private static CloudEvents Read(string batch) => CloudEventReader.Read(Encoding.UTF8.GetBytes(batch), CloudEventShapes.Batch);
}
