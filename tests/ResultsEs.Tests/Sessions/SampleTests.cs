using System.Net;
using ResultsEs.Hosting;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Sessions;

/// <summary>The sample sessions, sent as a recorder would and read as a client would, against committed answers.</summary>
public sealed class SampleTests(AppFixture app)
{
    private static readonly string[] Versions = ["v2", "v3"];

    public static TheoryData<string, string> SamplesAndVersions => [.. Samples.Names.SelectMany(sample => Versions.Select(version => (sample, version)))];

    [Theory]
    [MemberData(nameof(SamplesAndVersions))]
    public async Task A_sample_reads_as_committed(string sample, string version)
    {
        using var http = await RecordedAsync(sample);

        await Snapshot.MatchesAsync($"{sample}.{version}", await http.ResultAsync(Samples.SessionOf(sample), version));
    }

    [Fact]
    public async Task Together_the_samples_show_every_task_type_and_both_kinds_of_task_group()
    {
        var tasks = new HashSet<string>(StringComparer.Ordinal);
        var groups = new HashSet<string>(StringComparer.Ordinal);
        foreach (var sample in Samples.Names)
        {
            using var http = await RecordedAsync(sample);
            var (v2, v3) = (await http.ResultAsync(Samples.SessionOf(sample), "v2"), await http.ResultAsync(Samples.SessionOf(sample)));
            tasks.UnionWith(v2["sessionTaskResults"]!.AsArray().Select(task => (string)task!["taskType"]!));
            groups.UnionWith(v3["taskGroups"]!.AsArray().Select(group => (string)group!["type"]!));
        }

        Assert.Equal([.. Answers.All.Keys.Append("SKIPPED").Order(StringComparer.Ordinal)], tasks.Order(StringComparer.Ordinal));
        Assert.Equal(["BALANCED_COMPARISON", "QX_SCORE"], groups.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_snapshot_belongs_to_a_sample() => Assert.Equal(
        Samples.Names.SelectMany(sample => Versions.Select(version => $"{sample}.{version}.json")).Order(StringComparer.Ordinal),
        Snapshot.Names.Order(StringComparer.Ordinal));

    private async Task<HttpClient> RecordedAsync(string sample)
    {
        var http = await app.ClientAsync(TestClients.Demo);
        using var answer = await http.SendAsync(Samples.Read(sample));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return http;
    }
}
