using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests;

/// <summary>The service as a process of its own.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private static readonly string Built = Path.GetFullPath(typeof(ServiceProcess).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Service").Value!);

    /// <summary>The folder where <c>tests/run.sh</c> has published the service for a run of all tests; null when it has not.</summary>
    public static readonly string? Published =
        Environment.GetEnvironmentVariable("RESULTS_PUBLISHED") is { Length: > 0 } folder ? folder : null;

    /// <summary>
    /// The published service, which starts with half of the work, or the one that was built. Each is in its own folder:
    /// beside the tests it would load their assemblies.
    /// </summary>
    public static readonly string Service = Published is null ? Built : Path.Combine(Published, "ResultsEs.dll");

    /// <summary>The folder of the sources.</summary>
    public static readonly string Repository = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Built)!, "../../../../.."));

    private const string Listening = "Now listening on:";
    private const string Managed = "Health and metrics are at";

    private readonly List<string> _said = [];
    private Task<string>? _rest;

    // Who starts the tests in the background may have them ignore the signal, and a child inherits that.
    static ServiceProcess()
    {
        const int SigInt = 2;
        const nint Default = 0;
        if (OperatingSystem.IsLinux() && IsIgnored(SigInt))
            _ = SetSignal(SigInt, Default);
    }

    private ServiceProcess(Process process) => Process = process;

    public Process Process { get; }

    /// <summary>Where it listens, once it has said so.</summary>
    public Uri Address => new(_said.Last(line => line.Contains(Listening, StringComparison.Ordinal)).Split(Listening)[1].Trim().Split('"')[0]);

    /// <summary>Where it tells operators what it does, once it has said so.</summary>
    public Uri Management => new(_said.Last(line => line.Contains(Managed, StringComparison.Ordinal)).Split(Managed)[1].Trim().Split('"')[0]);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static bool IsIgnored(int signal)
    {
        const string Ignored = "SigIgn:";
        var line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(Ignored, StringComparison.Ordinal));
        return (ulong.Parse(line.AsSpan(Ignored.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) == 1;
    }

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetSignal(int signal, nint handler);

    /// <summary>Settings as environment variables spell them.</summary>
    public static IEnumerable<(string Name, string Value)> ToEnvironment(IEnumerable<KeyValuePair<string, string?>> settings) =>
        settings.Select(setting => (setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value!));

    /// <summary>Starts it on a free port with these environment variables, and without a configured database unless they name one.</summary>
    public static ServiceProcess Start(params IEnumerable<(string Name, string Value)> environment) => Start([], environment);

    /// <summary>Starts it in this working folder.</summary>
    public static ServiceProcess StartIn(string folder, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = ToStart([], environment, Service);
        start.WorkingDirectory = folder;
        return new ServiceProcess(Process.Start(start)!);
    }

    /// <summary>Runs it in this working folder, where it ends by itself.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunInAsync(string folder, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = ToStart([], environment, Service);
        start.WorkingDirectory = folder;
        return RunAsync(start);
    }

    /// <summary>Starts a command of it.</summary>
    public static ServiceProcess Start(string[] arguments, IEnumerable<(string Name, string Value)> environment, string? program = null) =>
        new(Process.Start(ToStart(arguments, environment, program ?? Service))!);

    private static ProcessStartInfo ToStart(string[] arguments, IEnumerable<(string Name, string Value)> environment, string program)
    {
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            WorkingDirectory = Path.GetDirectoryName(program),
            Environment =
            {
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                // It ends before code that is compiled a second time pays for that: a sixth of the processor time of a short life.
                ["DOTNET_TC_CallCounting"] = "0",
            },
        };
        foreach (var inherited in new[] { "ConnectionStrings__results", "ConnectionStrings__results_standby", "ConnectionStrings__rabbitmq", "ConnectionStrings__redis", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT" })
            start.Environment.Remove(inherited);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }

    /// <summary>Runs a command of it to its end.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(string[] arguments, params IEnumerable<(string Name, string Value)> environment) =>
        RunAsync(ToStart(arguments, environment, Service));

    /// <summary>Runs a command that reads this from its standard input.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunWithInputAsync(string input, string[] arguments) =>
        RunAsync(ToStart(arguments, [], Service), input);

    /// <summary>Makes the tables of the database that the environment names, as an operator does in Production.</summary>
    public static async Task ApplyAsync(params IEnumerable<(string Name, string Value)> environment)
    {
        var (exitCode, output, errors) = await RunAsync(["db-apply"], [("ASPNETCORE_ENVIRONMENT", "Production"), .. environment]);
        Assert.True(exitCode == 0, output + errors);
    }

    /// <summary>Runs a command of another build of it to its end.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(string program, string[] arguments, IEnumerable<(string Name, string Value)> environment) =>
        RunAsync(ToStart(arguments, environment, program));

    /// <summary>Runs a command of it on a terminal of its own, by util-linux's script(1).</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunOnTerminalAsync(string[] arguments, IEnumerable<(string Name, string Value)> environment)
    {
        var start = ToStart([], [.. environment, ("TERM", "xterm-256color")], Service);
        start.FileName = "script";
        start.ArgumentList.Clear();
        foreach (var argument in new[] { "-qec", string.Join(' ', (string[])["stty cols 120;", "dotnet", Service, .. arguments]), "/dev/null" })
            start.ArgumentList.Add(argument);
        return RunAsync(start);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(ProcessStartInfo start, string? input = null)
    {
        start.RedirectStandardError = true;
        start.RedirectStandardInput = input is not null;
        using var process = Process.Start(start)!;
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }

        try
        {
            var output = process.StandardOutput.ReadToEndAsync(Cancelled);
            var errors = process.StandardError.ReadToEndAsync(Cancelled);
            await process.WaitForExitAsync(Cancelled);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            // One that a test does not wait for any longer.
            process.Kill();
        }
    }

    /// <summary>Reads what it says up to a line with this text, and gives all it has said so far.</summary>
    public async Task<IReadOnlyList<string>> UntilSaysAsync(string text)
    {
        while (await Process.StandardOutput.ReadLineAsync(Cancelled) is { } line)
        {
            _said.Add(line);
            if (line.Contains(text, StringComparison.Ordinal))
                return _said;
        }

        throw new InvalidOperationException($"The service ended before it said '{text}':\n" + string.Join('\n', _said));
    }

    /// <summary>Whatever else it says must not fill the pipe.</summary>
    public void Ignore() => _rest = Process.StandardOutput.ReadToEndAsync(CancellationToken.None);

    /// <summary>Asks it to stop, and gives all it has said.</summary>
    public async Task<IReadOnlyList<string>> StopAsync()
    {
        if (OperatingSystem.IsWindows())
            Process.Kill();
        else
            await Command.RunAsync("/bin/sh", ["-c", "kill -TERM " + Process.Id.ToString(CultureInfo.InvariantCulture)], "/", account: null, Cancelled);

        if (_rest is not null)
            _said.AddRange((await _rest).Split('\n'));
        else
            while (await Process.StandardOutput.ReadLineAsync(Cancelled) is { } line)
                _said.Add(line);
        await Process.WaitForExitAsync(Cancelled);
        return _said;
    }

    public void Dispose()
    {
        // Does nothing to one that has ended.
        Process.Kill();
        Process.Dispose();
    }
}
