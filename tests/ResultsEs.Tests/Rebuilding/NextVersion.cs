using System.Diagnostics;
using ResultsEs.Tests.Commands;

namespace ResultsEs.Tests.Rebuilding;

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
        ("Sessions/SessionResultTable.cs", "public const int Version = 2;", "public const int Version = 3;"),
        (
            "Sessions/SessionResult.cs",
            "    public IReadOnlyList<TaskBody> Tasks { get; init; } = [];\n}",
            "    public IReadOnlyList<TaskBody> Tasks { get; init; } = [];\n\n    [JsonPropertyOrder(1)]\n    public int AnswerCount { get; init; }\n}"),
        ("Sessions/SessionDraft.cs", "TaskGroups = [.. groups.Select(group => group.Body)],", "AnswerCount = tasks.Count(task => task.Settled is not null), TaskGroups = [.. groups.Select(group => group.Body)],"),
    ];

    /// <summary>Its program.</summary>
    public static Task<string> ProgramAsync() => Built.Value;

    private static async Task<string> BuildAsync()
    {
        var copy = Sources.Copy();
        foreach (var (file, old, changed) in Changes)
        {
            var path = Path.Combine(copy, "src/ResultsEs", file);
            var text = (await File.ReadAllTextAsync(path)).ReplaceLineEndings("\n");
            Assert.True(text.Contains(old, StringComparison.Ordinal), $"{file} has changed; say anew how a next version of it looks.");
            await File.WriteAllTextAsync(path, text.Replace(old, changed, StringComparison.Ordinal));
        }

        // The code that Wolverine generates is the same: it knows nothing of documents. It is newer than what the build compiles before.
        const string Generated = "src/ResultsEs/obj/generated/Debug";
        if (Directory.Exists(Path.Combine(ServiceProcess.Repository, Generated)))
        {
            Sources.CopyAll(Path.Combine(ServiceProcess.Repository, Generated), Path.Combine(copy, Generated));
            File.SetLastWriteTimeUtc(Path.Combine(copy, Generated, "made"), DateTime.UtcNow.AddHours(1));
        }

        var start = new ProcessStartInfo("dotnet", ["build", Path.Combine(copy, "src/ResultsEs"), "--disable-build-servers", "-v", "q", "-p:RunAnalyzers=false"]) { RedirectStandardOutput = true, UseShellExecute = false };
        Sources.ForgetBuild(start);
        using var build = Process.Start(start)!;
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, output);
        var program = Path.Combine(copy, "src/ResultsEs/bin/Debug/net10.0");
        // The same libraries as the published ones, which are compiled ahead: a start takes half of the work.
        if (ServiceProcess.Published is { } published)
        {
            foreach (var library in Directory.GetFiles(published, "*.dll").Where(file => !Path.GetFileName(file).StartsWith("ResultsEs", StringComparison.Ordinal)))
                File.Copy(library, Path.Combine(program, Path.GetFileName(library)), overwrite: true);
        }

        return Path.Combine(program, "ResultsEs.dll");
    }
}
