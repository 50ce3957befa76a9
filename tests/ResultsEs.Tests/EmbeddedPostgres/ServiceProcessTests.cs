using System.Diagnostics;
using System.Globalization;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests.EmbeddedPostgres;

/// <summary>The service as a process of its own, with nothing configured: what only the end of a process can show.</summary>
public sealed class ServiceProcessTests : ReadyMadeCluster
{
    private readonly List<ServiceProcess> _services = [];

    [Fact]
    public async Task A_killed_service_leaves_the_server_to_the_next_one_which_stops_it_in_the_end()
    {
        var service = await StartServiceAsync();
        var server = Postmaster.ReadPid(Data);
        service.Kill();
        await service.WaitForExitAsync(Cancelled);
        Assert.True(IsRunning);

        await using (var next = await OpenAsync())
        {
            Assert.Equal(server, Postmaster.ReadPid(Data));
            Assert.Equal("answers", await RecordAsync(next.ConnectionString, "answers"));
        }

        Assert.False(IsRunning);
    }

    [Fact]
    public async Task A_service_that_is_asked_to_stop_stops_its_server()
    {
        if (OperatingSystem.IsWindows())
            return;

        var service = await StartServiceAsync();
        Assert.True(IsRunning);

        await Command.RunAsync(
            "/bin/sh", ["-c", "kill -TERM " + service.Id.ToString(CultureInfo.InvariantCulture)], "/", account: null, Cancelled);
        await service.WaitForExitAsync(Cancelled);
        Assert.False(IsRunning);
    }

    [Fact]
    public async Task A_service_finds_its_settings_whatever_folder_it_is_started_in()
    {
        using var elsewhere = new TempFolder();
        var service = ServiceProcess.StartIn(elsewhere.Path, ("ASPNETCORE_ENVIRONMENT", "Development"), ("RESULTS_DATA", Folder));
        _services.Add(service);

        // Its demo client, who has just sent the samples, stands in one of the files, and that requests are not logged in the other.
        var said = await service.UntilSaysAsync("Ready. Get a token");
        service.Ignore();
        Assert.DoesNotContain(said, line => line.Contains("Microsoft.AspNetCore", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Settings_of_the_working_folder_take_the_place_of_those_beside_the_program()
    {
        using var elsewhere = new TempFolder();
        await File.WriteAllTextAsync(Path.Combine(elsewhere.Path, "appsettings.json"), """{ "RateLimiting": { "ReadsPerMinute": 0 } }""", Cancelled);

        var (exitCode, _, errors) = await ServiceProcess.RunInAsync(elsewhere.Path, ("ASPNETCORE_ENVIRONMENT", "Development"), ("RESULTS_DATA", Folder));

        Assert.Equal(1, exitCode);
        Assert.Contains("RateLimiting:ReadsPerMinute must be from 1", errors, StringComparison.Ordinal);
    }

    public override ValueTask DisposeAsync()
    {
        foreach (var service in _services)
            service.Dispose();

        GC.SuppressFinalize(this);
        return base.DisposeAsync();
    }

    private async Task<Process> StartServiceAsync()
    {
        var service = ServiceProcess.Start(("ASPNETCORE_ENVIRONMENT", "Staging"), ("RESULTS_DATA", Folder));
        _services.Add(service);
        await service.UntilSaysAsync("Application started");
        service.Ignore();
        return service.Process;
    }
}
