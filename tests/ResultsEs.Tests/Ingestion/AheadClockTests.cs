using System.Text.Json.Nodes;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Events of recorders whose clocks are days ahead.</summary>
public sealed class AheadClockTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    [Fact]
    public async Task What_comes_from_a_clock_that_is_days_ahead_is_kept_counted_told_once_and_replaces_nothing()
    {
        using var data = new TempFolder();
        (string, string)[] environment = [("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", await TestDatabase.CreateAsync()), (DataFolder.Variable, data.Path)];
        using var service = ServiceProcess.Start([("Telemetry__Prometheus", "true"), ("Management__Url", Operators.AnyPort), .. environment, .. ServiceProcess.ToEnvironment(TestClients.Settings())]);
        await service.UntilSaysAsync("Application started");
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));

        // Whichever comes first, what is a little ahead included.
        Assert.Equal(9, await ScoreAsync([3, 9], [Now.AddDays(3), Now.AddMinutes(-5)]));
        Assert.Equal(3, await ScoreAsync([3, 9], [Now.AddMinutes(-5), Now.AddDays(3)]));
        Assert.Equal(3, await ScoreAsync([3, 9], [Now.AddHours(23), Now]));
        // Among themselves as ever.
        Assert.Equal(3, await ScoreAsync([3, 9], [Now.AddDays(9), Now.AddDays(8)]));
        Assert.Equal(9, await ScoreAsync([3, 9], [Now.AddDays(8), Now.AddYears(7_000)]));

        // A wrong clock does not end a session for ever, nor move it.
        var session = TestData.Session();
        session.Events[0]["time"] = Text(Now);
        session.Started(TestClients.WorkspaceA).But("data.testId", $"\"{Guid.NewGuid()}\"").Abandoned().Resumed();
        (session.Events[1]["time"], session.Events[2]["time"], session.Events[3]["time"]) = (Text(Now.AddDays(2)), Text(Now.AddDays(2)), Text(Now));
        await http.RecordAsync(session);
        var shown = await http.ResultAsync(session.Id);
        Assert.Equal((session.TestId.ToString(), "IN_PROGRESS"), ((string)shown["testId"]!, (string)shown["status"]!));

        var metrics = await Operators.MetricsAsync(service.Management);
        Assert.Contains("\nresults_events_ahead_total{", metrics, StringComparison.Ordinal);
        Assert.Equal(8, double.Parse(metrics.Split('\n').Single(line => line.StartsWith("results_events_ahead_total{", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture));
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(["verify", "all"], environment);
        Assert.True(exitCode == 0, output + errors);
        Assert.EndsWith("6 verified, 0 differ", output.TrimEnd(), StringComparison.Ordinal);
        var said = (await service.StopAsync()).Where(line => line.Contains("is more than a day ahead", StringComparison.Ordinal)).ToList();
        Assert.Contains("The clock of /recorder/web/4.2.0, account", (string)JsonNode.Parse(Assert.Single(said))!["Message"]!, StringComparison.Ordinal);

        async Task<int> ScoreAsync(int[] scores, DateTimeOffset[] times)
        {
            var task = Guid.NewGuid();
            var sent = TestData.Session();
            await http.RecordAsync(sent);
            foreach (var (score, time) in scores.Zip(times))
                await http.RecordAsync(TestData.SessionOnly(sent.Id).WithAnswer(Answers.Nps(score), task, time: time));
            return (int)(await http.ResultAsync(sent.Id))["tasks"]![0]!["response"]!["answer"]!["nps"]!["score"]!;
        }
    }

    private static string Text(DateTimeOffset time) => time.ToString("O");
}
