namespace ResultsEs.EmbeddedPostgres;

/// <summary>The folder of what the service makes when nothing is configured: the embedded cluster and generated keys.</summary>
public static class DataFolder
{
    /// <summary>The environment variable, or configuration key, that moves the folder.</summary>
    public const string Variable = "RESULTS_DATA";

    /// <summary>
    /// Returns the absolute path of the folder, which need not exist. It is <c>RESULTS_DATA</c> from the configuration, relative to the
    /// current directory. Default: <c>.data</c> in the nearest folder with <c>ResultsEs.sln</c> at or above the current directory, or else
    /// the program; without one, in the current directory.
    /// </summary>
    public static string Find(IConfiguration configuration)
    {
        return Find(configuration[Variable], Directory.GetCurrentDirectory(), AppContext.BaseDirectory, File.Exists);
    }

    internal static string Find(string? configured, string currentDirectory, string programDirectory, Func<string, bool> fileExists)
    {
        if (!string.IsNullOrWhiteSpace(configured))
            return Path.TrimEndingDirectorySeparator(Path.GetFullPath(configured, currentDirectory));

        return Path.Combine(RootAbove(currentDirectory) ?? RootAbove(programDirectory) ?? currentDirectory, ".data");

        string? RootAbove(string? directory) =>
            directory is null ? null
            : fileExists(Path.Combine(directory, "ResultsEs.sln")) ? Path.TrimEndingDirectorySeparator(directory)
            : RootAbove(Path.GetDirectoryName(directory));
    }
}
