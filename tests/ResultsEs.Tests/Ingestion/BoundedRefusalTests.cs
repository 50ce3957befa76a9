using System.Text;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Naming what is wrong must not cost more than the request did.</summary>
public sealed class BoundedRefusalTests
{
    [Theory]
    [InlineData("-1", "must be 0 or more milliseconds since the session's start, not -1")]
    [InlineData("\"soon\"", "must be a whole number")]
    public void Of_one_event_a_hundred_fields_are_named_and_that_there_are_more(string startMs, string expected)
    {
        var read = Read(Cues(startMs, 200));

        Assert.Equal(
            Enumerable.Range(0, 100).Select(i => ($"[0].data.cues[{i}].startMs", expected)).Append(("[0]", "has more than 100 problems; the rest is not named")),
            read.Problems.Select(problem => (problem.Key, problem.Message)));
    }

    [Fact]
    public void A_list_has_an_end()
    {
        Assert.Empty(Read([Event("TaskGroupScored", Scores(10_000))]).Problems);
        var problem = Assert.Single(Read([Event("TaskGroupScored", Scores(10_001))]).Problems);
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

    private static string[] Cues(string startMs, int count) =>
        [Event("SessionTranscribed", $$"""{ "cues": [{{string.Join(',', Enumerable.Repeat($$"""{ "startMs": {{startMs}}, "endMs": 0, "text": "" }""", count))}}] }""")];

    private static string Scores(int count) =>
        $$"""
        { "taskGroupId": "{{Guid.NewGuid()}}", "label": "", "score": 1, "components": { "attitudinal": 1 },
          "values": { "behavioral": [{{string.Join(',', Enumerable.Repeat('1', count))}}], "usability": 1, "trust": 1, "appearance": 1, "loyalty": 1 } }
        """;

    private static string Event(string type, string data) =>
        $$"""
        { "specversion": "1.0", "id": "{{Guid.NewGuid()}}", "source": "/r", "type": "results.{{type}}.v1", "subject": "{{Guid.NewGuid()}}",
          "time": "2026-03-01T10:15:04Z", "data": {{data}} }
        """;

    private static CloudEvents Read(string[] events) => CloudEventReader.Read(Encoding.UTF8.GetBytes($"[{string.Join(',', events)}]"), CloudEventShapes.Batch);
}
