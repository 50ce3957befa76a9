using System.Diagnostics;
using ResultsEs.Tests.Postgres;

namespace ResultsEs.Tests.Operations;

/// <summary>
/// The service as it may be next: built once a run from these sources with another version of the projection, whose documents say how many answers
/// a session has.
/// </summary>
internal static class NextVersion
{
    private static readonly Lazy<Task<string>> Built = new(BuildAsync);

    /// <summary>What is changed: file, text, and what stands in its place.</summary>
    private static readonly (string File, string Old, string New)[] Changes =
    [
        ("SessionResults/SessionResultTable.cs", "public const int Version = 1;", "public const int Version = 2;"),
        (
            "SessionResults/SessionResult.cs",
            "    public IReadOnlyList<TaskBody> Tasks { get; init; } = [];\n}",
            "    public IReadOnlyList<TaskBody> Tasks { get; init; } = [];\n\n    [JsonPropertyOrder(1)]\n    public int AnswerCount { get; init; }\n}"),
        ("SessionResults/SessionDraft.cs", "TaskGroups = [.. groups.Select(group => group.Body)],", "AnswerCount = tasks.Count(task => task.Settled is not null), TaskGroups = [.. groups.Select(group => group.Body)],"),
    ];

    /// <summary>Its program.</summary>
    public static Task<string> ProgramAsync() => Built.Value;

    private static async Task<string> BuildAsync()
    {
        var repository = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ServiceProcess.Service)!, "../../../../.."));
        var copy = Directory.CreateTempSubdirectory("results-next-").FullName;
        TestDatabase.EndOfRun.Finally(() =>
        {
            Directory.Delete(copy, recursive: true);
            return ValueTask.CompletedTask;
        });
        foreach (var file in new[] { "global.json", "Directory.Build.props", "Directory.Packages.props", ".editorconfig" })
            File.Copy(Path.Combine(repository, file), Path.Combine(copy, file));
        CopyAll(Path.Combine(repository, "src/ResultsEs"), Path.Combine(copy, "src/ResultsEs"));
        CopyAll(Path.Combine(repository, "docs/samples"), Path.Combine(copy, "docs/samples"));
        foreach (var (file, old, changed) in Changes)
        {
            var path = Path.Combine(copy, "src/ResultsEs", file);
            var text = (await File.ReadAllTextAsync(path)).ReplaceLineEndings("\n");
            Assert.True(text.Contains(old, StringComparison.Ordinal), $"{file} has changed; say anew how a next version of it looks.");
            await File.WriteAllTextAsync(path, text.Replace(old, changed, StringComparison.Ordinal));
        }

        var start = new ProcessStartInfo("dotnet", ["build", Path.Combine(copy, "src/ResultsEs"), "--disable-build-servers", "-v", "q", "-p:RunAnalyzers=false"]) { RedirectStandardOutput = true, UseShellExecute = false };
        // Of the build that runs these tests.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        using var build = Process.Start(start)!;
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, output);
        return Path.Combine(copy, "src/ResultsEs/bin/Debug/net10.0/ResultsEs.dll");
    }

    private static void CopyAll(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.GetDirectories(from).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj")))
            CopyAll(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
