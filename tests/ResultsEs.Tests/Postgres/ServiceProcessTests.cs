using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using ResultsEs.Postgres;

namespace ResultsEs.Tests.Postgres;

/// <summary>The service as a process of its own, with nothing configured: what only the end of a process can show.</summary>
public sealed class ServiceProcessTests : ReadyMadeCluster
{
    /// <summary>In its own folder: beside the tests it would load their assemblies.</summary>
    private static readonly string Service = Path.GetFullPath(typeof(ServiceProcessTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Service").Value!);

    private readonly List<Process> _services = [];

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

    public override ValueTask DisposeAsync()
    {
        foreach (var service in _services)
        {
            // Does nothing to one that has ended.
            service.Kill();
            service.Dispose();
        }

        GC.SuppressFinalize(this);
        return base.DisposeAsync();
    }

    private async Task<Process> StartServiceAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Service])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            WorkingDirectory = Path.GetDirectoryName(Service),
            Environment = { ["RESULTS_DATA"] = Folder, ["ASPNETCORE_URLS"] = "http://127.0.0.1:0" },
        };
        start.Environment.Remove("ConnectionStrings__results");
        var service = Process.Start(start)!;
        _services.Add(service);

        var said = new List<string>();
        while (await service.StandardOutput.ReadLineAsync(Cancelled) is { } line)
        {
            said.Add(line);
            if (line.Contains("Application started", StringComparison.Ordinal))
            {
                // Whatever else it says must not fill the pipe.
                _ = service.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return service;
            }
        }

        throw new InvalidOperationException("The service ended before it had started:\n" + string.Join('\n', said));
    }
}
