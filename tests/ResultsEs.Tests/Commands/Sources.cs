using System.Diagnostics;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Commands;

/// <summary>The service's sources, to be built otherwise than here.</summary>
internal static class Sources
{
    /// <summary>A copy of what the service is built from, in the folders of the repository; it is gone at the end of the run.</summary>
    public static string Copy()
    {
        var repository = ServiceProcess.Repository;
        var copy = Directory.CreateTempSubdirectory("results-sources-").FullName;
        TestDatabase.EndOfRun.Finally(() =>
        {
            Directory.Delete(copy, recursive: true);
            return ValueTask.CompletedTask;
        });
        foreach (var file in new[] { "global.json", "Directory.Build.props", "Directory.Packages.props", ".editorconfig", "Dockerfile", "tests/image.sh", "docs/operations/smoke.sh", "docs/openapi.json" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(copy, file))!);
            File.Copy(Path.Combine(repository, file), Path.Combine(copy, file));
        }

        CopyAll(Path.Combine(repository, "src"), Path.Combine(copy, "src"));
        CopyAll(Path.Combine(repository, "docs/samples"), Path.Combine(copy, "docs/samples"));
        return copy;
    }

    /// <summary>Takes away what the build that runs these tests has set for itself.</summary>
    public static void ForgetBuild(ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
    }

    /// <summary>Copies a folder with what is in it, but for what builds have made.</summary>
    public static void CopyAll(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.GetDirectories(from).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj")))
            CopyAll(folder, Path.Combine(to, Path.GetFileName(folder)));
    }
}
