using System.Text.Json.Nodes;
using ResultsEs.OpenApi;

namespace ResultsEs.Tests.OpenApi;

/// <summary>docs/asyncapi.json: the queue and the stream.</summary>
public sealed class AsyncDescriptionTests
{
    private static readonly string File = Path.Combine(ReadmeTests.Root, "docs", "asyncapi.json");

    [Fact]
    public async Task The_committed_description_is_that_of_the_code() => Assert.True(
        (await System.IO.File.ReadAllBytesAsync(File, TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(AsyncDescription.Json.Span),
        "docs/asyncapi.json is stale; a build without CI=true writes it.");

    [Fact]
    public async Task A_parser_reads_it_and_finds_no_fault()
    {
        await NodeTools.NeedAsync();
        var run = await NodeTools.RunAsync("node", ["asyncapi.mjs", File]);
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        var parsed = JsonNode.Parse(run.Output)!;

        Assert.Equal("""["results.session-events","/api/v3/changes/stream"]""", parsed["channels"]!.ToJsonString());
        Assert.Equal("""["event","batch","change"]""", parsed["messages"]!.ToJsonString());
        // What is left are hints, such as that there is a newer version of AsyncAPI.
        Assert.DoesNotContain(parsed["diagnostics"]!.AsArray(), one => (int)one!["severity"]! < 2);
    }
}
