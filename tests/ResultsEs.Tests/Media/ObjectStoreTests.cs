using System.Net;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using ResultsEs.Media;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Media;

/// <summary>How the object store is configured.</summary>
public sealed class ObjectStoreTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 10, 15, 0, TimeSpan.Zero);

    private static readonly Guid Account = Guid.Parse("11111111-0000-4000-8000-000000000001");
    private static readonly Guid Workspace = Guid.Parse("11111111-0000-4000-8000-00000000000a");

    public static TheoryData<string, string> Wrong => new()
    {
        { "ServiceUrl=http://localhost:9000", "ObjectStore:Bucket is missing." },
        { "Bucket=b;AccessKey=a", "ObjectStore:SecretKey is missing." },
        { "Bucket=b;SecretKey=s", "ObjectStore:AccessKey is missing." },
        { "Bucket=b;AccessKey=a;SecretKey=s;Region=", "ObjectStore:Region is empty." },
        { "Bucket=b;AccessKey=a;SecretKey=s;ServiceUrl=ftp://localhost", "ObjectStore:ServiceUrl must be an absolute http or https URL without query or fragment." },
        { "Bucket=b;AccessKey=a;SecretKey=s;ServiceUrl=http://localhost/?x=y", "ObjectStore:ServiceUrl must be an absolute http or https URL without query or fragment." },
    };

    [Theory]
    [InlineData("http://objects.example:9000", null, "http://objects.example:9000/results/")]
    [InlineData("https://objects.example", null, "https://objects.example/results/")]
    [InlineData("https://objects.example", false, "https://results.objects.example/")]
    [InlineData(null, null, "https://results.s3.eu-central-1.amazonaws.com/")]
    [InlineData(null, true, "https://s3.eu-central-1.amazonaws.com/results/")]
    public async Task The_bucket_is_in_the_path_or_in_the_hosts_name(string? service, bool? pathStyle, string expected)
    {
        using var store = Store(new ObjectStoreOptions
        {
            ServiceUrl = service is null ? null : new Uri(service),
            Bucket = "results",
            Region = "eu-central-1",
            AccessKey = "key",
            SecretKey = "secret",
            PathStyle = pathStyle,
        });

        var signed = await store.SignAsync(Account, Workspace, "videos/1.mp4", TimeSpan.FromHours(1));

        Assert.StartsWith($"{expected}{Account}/{Workspace}/videos/1.mp4?", signed!.Url, StringComparison.Ordinal);
        Assert.Contains("%2Feu-central-1%2Fs3%2Faws4_request", signed.Url, StringComparison.Ordinal);
        Assert.Equal(Now.AddHours(1), signed.ExpiresAt);
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_wrong_stops_the_start_by_name(string settings, string expected)
    {
        using var data = new TempFolder();
        var started = await ServiceProcess.RunAsync(
            [],
            [
                ("ASPNETCORE_ENVIRONMENT", "Production"),
                ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
                ("RESULTS_DATA", data.Path),
                .. settings.Split(';').Select(setting => setting.Split('=', 2)).Select(setting => ($"ObjectStore__{setting[0]}", setting[1])),
            ]);

        Assert.NotEqual(0, started.ExitCode);
        Assert.Contains(expected, started.Output + started.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_store_what_needs_none_is_answered_and_a_URL_is_503()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync("Production", data, TestClients.Settings());
        using var http = await AppFixture.ClientAsync(host);
        var (made, pending) = (Guid.NewGuid(), Guid.NewGuid());
        var session = TestData.Session().WithVideo().WithClip(made).WithClipGenerated(made).WithClip(pending);
        await http.RecordAsync(session);

        using var video = await http.ReadAsync($"/api/v2/sessionResults/{session.Id}/videoDownloadUrl");
        using var clip = await http.ReadAsync($"/api/v2/sessionResults/{session.Id}/clips/{made}");
        foreach (var answer in new[] { video, clip })
        {
            Assert.Equal(
                "No object store is configured; the settings ObjectStore__… say where recordings, clips and reels are.",
                (string)(await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable))["detail"]!);
        }

        Assert.Equal("GENERATING", (string)(await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/clips/{pending}"))["status"]!);
        Assert.Equal(2, (await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/clips"))["clips"]!.AsArray().Count);
    }

    private static ObjectStore Store(ObjectStoreOptions options) => new(Options.Create(options), new FakeTimeProvider(Now));
}
