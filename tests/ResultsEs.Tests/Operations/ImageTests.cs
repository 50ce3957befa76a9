using System.Diagnostics;
using ResultsEs.Postgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Postgres;

namespace ResultsEs.Tests.Operations;

/// <summary>The steps of the image as processes: what the Dockerfile runs, then its settings, tables made by an operator, and two nodes.</summary>
public sealed class ImageTests : IDisposable
{
    private readonly TempFolder _data = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task What_the_image_holds_makes_its_tables_and_serves_from_two_nodes_without_a_compiler()
    {
        if (OperatingSystem.IsWindows())
            return;

        var app = Path.Combine(_data.Path, "app");
        await PublishAsync(app);
        var program = Path.Combine(app, "ResultsEs.dll");
        Assert.False(File.Exists(Path.Combine(app, "Wolverine.RuntimeCompilation.dll")));
        Assert.Empty(Directory.GetFiles(app, "Microsoft.CodeAnalysis*"));

        var database = await TestDatabase.CreateEmptyAsync();
        List<(string, string)> settings =
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ConnectionStrings__results", database),
            (DataFolder.Variable, _data.Path),
            ("Shutdown__DrainSeconds", "1"),
            ("Access__Issuer", "http://results.example/"),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ];
        var applied = await ServiceProcess.RunAsync(program, ["db-apply"], settings);
        Assert.True(applied.ExitCode == 0, applied.Output + applied.Errors);
        using var one = ServiceProcess.Start([], settings, program);
        await one.UntilSaysAsync("Application started");
        using var two = ServiceProcess.Start([], settings, program);
        await two.UntilSaysAsync("Application started");
        one.Ignore();
        two.Ignore();

        // Written through one node and read through the other, with one token.
        using HttpClient toOne = new() { BaseAddress = one.Address }, toTwo = new() { BaseAddress = two.Address };
        toOne.DefaultRequestHeaders.Authorization = toTwo.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(toOne, TestClients.Reader));
        var session = A.SessionWithEverything();
        await toOne.RecordAsync(session);
        Assert.Equal(session.Id, (Guid)(await toTwo.ResultAsync(session.Id))["sessionId"]!);

        Assert.Equal(0, (await HealthAsync(one.Address)).ExitCode);
        var address = one.Address;
        await one.StopAsync();
        Assert.Equal(0, one.Process.ExitCode);
        var gone = await HealthAsync(address);
        Assert.Equal(1, gone.ExitCode);
        Assert.StartsWith($"{address} does not answer: ", gone.Errors, StringComparison.Ordinal);
        Assert.Equal(session.Id, (Guid)(await toTwo.ResultAsync(session.Id))["sessionId"]!);

        Task<(int ExitCode, string Output, string Errors)> HealthAsync(Uri node) => ServiceProcess.RunAsync(program, ["health", node.ToString()], []);
    }

    private static async Task PublishAsync(string folder)
    {
        var start = new ProcessStartInfo("sh", [Path.Combine(Sources.Copy(), "src/publish.sh"), folder]) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        using var publish = Process.Start(start)!;
        var output = await publish.StandardOutput.ReadToEndAsync(Cancelled);
        await publish.WaitForExitAsync(Cancelled);
        Assert.True(publish.ExitCode == 0, output);
    }
}
