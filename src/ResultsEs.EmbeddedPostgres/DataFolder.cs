namespace ResultsEs.EmbeddedPostgres;

/// <summary>The folder of what the service makes for itself when nothing is configured: the embedded cluster and generated keys.</summary>
public static class DataFolder
{
    /// <summary>The environment variable, or configuration key, that moves the folder.</summary>
    public const string Variable = "RESULTS_DATA";

    /// <summary>
    /// The absolute path: <c>RESULTS_DATA</c>, relative to the current directory; otherwise <c>.data</c> at the repository's root.
    /// The root is the nearest ancestor of the current directory, or else of the program, that holds <c>ResultsEs.sln</c>.
    /// Without one it is <c>.data</c> in the current directory. The folder need not exist.
    /// </summary>
    /// <param name="configuration">Where <c>RESULTS_DATA</c> is looked up.</param>
    public static string Find(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
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
