using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Benchmarks;

/// <summary>How a process went.</summary>
/// <param name="Took">From its start to its end.</param>
/// <param name="PeakBytes">The most memory it had resident; 0 where the system does not tell.</param>
/// <param name="Output">What it said.</param>
internal sealed record Run(TimeSpan Took, long PeakBytes, string Output);

/// <summary>The service's program, as it is deployed: published with the code that Wolverine generates compiled in, a process of its own, with the settings of Production.</summary>
internal static class Service
{
    /// <summary>The client's secret.</summary>
    public const string Secret = "only for the benchmark";

    /// <summary>The client whose events are imported.</summary>
    public const string Client = "benchmark";

    /// <summary>Its account.</summary>
    public const string Account = "b0000000-0000-4000-8000-000000000001";

    /// <summary>Its workspace.</summary>
    public const string Workspace = "b0000000-0000-4000-8000-00000000000a";

    /// <summary>Who its tokens say that they are from.</summary>
    public const string Issuer = "http://results.example/";

    /// <summary>How many reads, and how many writes, a client may send a minute: more than it can.</summary>
    public const int PermitsPerMinute = 10_000_000;

    private static readonly string Publish = Path.GetFullPath(typeof(Service).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Publish").Value!);

    private static readonly string Folder = Directory.CreateTempSubdirectory("results-benchmark-service-").FullName;
    private static readonly string Program = Path.Combine(Folder, "ResultsEs.dll");
    private static readonly string SecretHash = Access.SecretHash.Of(Secret);
    private static readonly string Data = Directory.CreateTempSubdirectory("results-benchmark-data-").FullName;

    /// <summary>Publishes it, once a run, before anything else of it.</summary>
    public static async Task PublishAsync(CancellationToken cancellation) => await RunAsync(new ProcessStartInfo("sh", [Publish, Folder]), cancellation);

    /// <summary>Runs a command on a database to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message says what it said.</exception>
    public static Task<Run> RunAsync(string database, string[] arguments, CancellationToken cancellation) => RunAsync(ToStart(database, arguments), cancellation);

    /// <summary>Starts it, and returns when it is ready.</summary>
    public static Task<Server> StartAsync(string database, CancellationToken cancellation, params IEnumerable<(string Name, string Value)> settings)
    {
        var start = ToStart(database, []);
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        return Server.StartAsync(start, "/health/ready", cancellation);
    }

    /// <summary>Starts somebody the service is measured against, who is this program; it listens where <c>ASPNETCORE_URLS</c> says, finds the key of the service's tokens below <c>RESULTS_DATA</c>, and answers <c>/health/live</c> when it is ready.</summary>
    public static Task<Server> StartOtherAsync(string who, string row, string database, CancellationToken cancellation) =>
        Server.StartAsync(new ProcessStartInfo("dotnet", [typeof(Service).Assembly.Location, who, row, database]) { Environment = { [DataFolder.Variable] = Data } }, "/health/live", cancellation);

    private static ProcessStartInfo ToStart(string database, string[] arguments) => new("dotnet", [Program, .. arguments])
    {
        // Its settings lie there.
        WorkingDirectory = Folder,
        Environment =
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__results"] = database,
            [DataFolder.Variable] = Data,
            ["Access__Issuer"] = Issuer,
            ["RateLimiting__ReadsPerMinute"] = PermitsPerMinute.ToString(CultureInfo.InvariantCulture),
            ["RateLimiting__WritesPerMinute"] = PermitsPerMinute.ToString(CultureInfo.InvariantCulture),
            ["Clients__0__Id"] = Client,
            ["Clients__0__SecretHash"] = SecretHash,
            ["Clients__0__Account"] = Account,
            ["Clients__0__Workspaces__0"] = Workspace,
            ["Clients__0__Scopes__0"] = "events:write",
            ["Clients__0__Scopes__1"] = "studies:read",
        },
    };

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
    public static long PeakOf(int process)
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
