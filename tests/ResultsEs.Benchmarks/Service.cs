using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace ResultsEs.Benchmarks;

/// <summary>How a process went.</summary>
/// <param name="Took">From its start to its end.</param>
/// <param name="PeakBytes">The most memory it had resident; 0 where the system does not tell.</param>
/// <param name="Output">What it said.</param>
internal sealed record Run(TimeSpan Took, long PeakBytes, string Output);

/// <summary>The service's program, as it is deployed: a process of its own, with the settings of Production.</summary>
internal static class Service
{
    /// <summary>The client whose events are imported.</summary>
    public const string Client = "benchmark";

    /// <summary>Its account.</summary>
    public const string Account = "b0000000-0000-4000-8000-000000000001";

    /// <summary>Its workspace.</summary>
    public const string Workspace = "b0000000-0000-4000-8000-00000000000a";

    private static readonly string Program = Path.GetFullPath(typeof(Service).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Service").Value!);

    private static readonly string Data = Directory.CreateTempSubdirectory("results-benchmark-data-").FullName;

    /// <summary>Runs a command on a database to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message says what it said.</exception>
    public static Task<Run> RunAsync(string database, string[] arguments, CancellationToken cancellation) => RunAsync(new ProcessStartInfo("dotnet", [Program, .. arguments])
    {
        Environment =
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__results"] = database,
            ["RESULTS_DATA"] = Data,
            ["Clients__0__Id"] = Client,
            ["Clients__0__SecretHash"] = Access.Clients.Hash("not asked for"),
            ["Clients__0__Account"] = Account,
            ["Clients__0__Workspaces__0"] = Workspace,
            ["Clients__0__Scopes__0"] = "events:write",
        },
    }, cancellation);

    /// <summary>Runs this program as somebody the service is measured against.</summary>
    public static Task<Run> RunOtherAsync(string who, string row, string database, CancellationToken cancellation) =>
        RunAsync(new ProcessStartInfo("dotnet", [typeof(Service).Assembly.Location, who, row, database]), cancellation);

    private static async Task<Run> RunAsync(ProcessStartInfo start, CancellationToken cancellation)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError, start.UseShellExecute) = (true, true, false);
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var peak = 0L;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        var ended = process.WaitForExitAsync(cancellation);
        while (await Task.WhenAny(ended, Task.Delay(50, cancellation)) != ended)
            peak = Math.Max(peak, PeakOf(process.Id));
        await ended;
        var took = watch.Elapsed;
        return process.ExitCode == 0
            ? new Run(took, peak, await output)
            : throw new InvalidOperationException($"{string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}:\n{await output}{await errors}");
    }

    /// <summary>The process's high-water mark, as Linux keeps it (proc(5), VmHWM).</summary>
    private static long PeakOf(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(6).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            // It has just ended, or there is no such file system.
            return 0;
        }
    }
}
