using System.Diagnostics;
using System.Net;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Ingestion;

/// <summary>events.md, rule 1: durable before the answer.</summary>
public sealed class DurabilityTests : ReadyMadeCluster
{
    [Fact]
    public async Task What_was_answered_survives_kill_9_of_service_and_PostgreSQL_the_next_instant()
    {
        var demo = new Guid("0d3a0000-0000-4000-8000-0000000000a1");
        var session = TestData.Session(demo).WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Matrix()).Completed();
        using (var service = await StartAsync())
        {
            using var http = await ClientAsync(service);
            using var answer = await http.SendAsync(session);
            Kill(Postmaster.ReadPid(Data)!.Value);
            service.Process.Kill();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            await service.Process.WaitForExitAsync(Cancelled);
            await Wait.UntilAsync(() => !IsRunning);
        }

        using (var service = await StartAsync())
        {
            using var http = await ClientAsync(service);
            var result = await http.ResultAsync(session.Id);
            Assert.Equal("COMPLETE", (string?)result["status"]);
            Assert.Equal(session.Tasks, result["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!));
            Assert.Equal(session.Events.Count, (int)(await http.RecordAsync(session))["duplicates"]!);
            await service.StopAsync();
        }

        Assert.False(IsRunning);
    }

    private static void Kill(int pid)
    {
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    private async Task<ServiceProcess> StartAsync()
    {
        var service = ServiceProcess.Start(("RESULTS_DATA", Folder), ("ASPNETCORE_ENVIRONMENT", "Development"), ("Samples__Load", "false"));
        await service.UntilSaysAsync("/api/v3/sessionResults/");
        return service;
    }

    private static async Task<HttpClient> ClientAsync(ServiceProcess service)
    {
        var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Demo));
        return http;
    }
}
