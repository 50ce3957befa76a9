namespace ResultsEs.EmbeddedPostgres;

/// <summary>Where the service keeps what it makes for itself when nothing is configured: the embedded cluster and generated keys.</summary>
public static class DataFolder
{
    /// <summary>The environment variable, or configuration key, that moves the folder.</summary>
    public const string Variable = "RESULTS_DATA";

    /// <summary>
    /// The folder's absolute path: <c>RESULTS_DATA</c>, relative to the current directory, otherwise <c>.data</c> at the
    /// repository's root, which is the nearest ancestor of the current directory or of the program that holds
    /// <c>ResultsEs.sln</c>; without one, <c>.data</c> in the current directory. The folder need not exist.
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

        var root = RootAbove(currentDirectory, fileExists) ?? RootAbove(programDirectory, fileExists) ?? currentDirectory;
        return Path.Combine(root, ".data");
    }

    private static string? RootAbove(string? directory, Func<string, bool> fileExists)
    {
        for (; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (fileExists(Path.Combine(directory, "ResultsEs.sln")))
                return Path.TrimEndingDirectorySeparator(directory);
        }

        return null;
    }
}
