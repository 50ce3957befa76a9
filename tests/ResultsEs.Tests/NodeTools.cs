using System.Diagnostics;

namespace ResultsEs.Tests;

/// <summary>Programs of <c>tests/tools</c>, run by Node.js; their packages are installed by the first test of a run that asks.</summary>
internal static class NodeTools
{
    private static readonly Lazy<Task<string?>> Problem = new(InstallAsync);

    public static string Folder { get; } = Path.Combine(ReadmeTests.Root, "tests", "tools");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Skips the test on a machine without Node.js; fails it when the packages cannot be installed.</summary>
    public static async Task NeedAsync()
    {
        var problem = await Problem.Value;
        Assert.SkipWhen(problem is "", "Node.js 20 or later with npm is not on this machine; tests/run.sh installs it.");
        Assert.True(problem is null, problem);
    }

    /// <summary>Whether they can be run; where the packages cannot be installed, <see cref="NeedAsync"/> says why.</summary>
    public static async Task<bool> AreThereAsync() => await Problem.Value is null;

    /// <summary>Runs a program to its end.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string program, string[] arguments, string input = "", string? folder = null, IEnumerable<(string Name, string Value)>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder ?? Folder };
        foreach (var (name, value) in environment ?? [])
            start.Environment[name] = value;
        return RunAsync(start, input);
    }

    /// <summary>Starts a program that goes on, and gives the first line it says.</summary>
    public static async Task<(Process Process, string Said)> StartAsync(params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo("node", arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, UseShellExecute = false })!;
        var said = await process.StandardOutput.ReadLineAsync(Cancelled);
        return (process, said ?? throw new InvalidOperationException($"{string.Join(' ', arguments)} ended without a word"));
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(ProcessStartInfo start, string input)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(CancellationToken.None);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Null when the packages are there; empty without Node.js; else what failed.</summary>
    private static async Task<string?> InstallAsync()
    {
        // npm writes this file when it has installed everything.
        var installed = new FileInfo(Path.Combine(Folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(Folder, "package-lock.json")))
            return null;

        try
        {
            var version = await RunAsync("node", ["--version"]);
            if (!Version.TryParse(version.Output.Trim().TrimStart('v'), out var number) || number.Major < 20)
                return "";

            var install = await RunAsync("npm", ["ci"]);
            return install.ExitCode == 0 ? null : $"npm ci in tests/tools failed:\n{install.Errors}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}
