namespace ResultsEs.Postgres;

/// <summary>The folder for what this machine keeps between runs: generated keys and the embedded database.</summary>
internal static class DataFolder
{
    /// <summary>
    /// <c>RESULTS_DATA</c>, else <c>.data</c> beside the nearest <c>ResultsEs.sln</c> above the program, else
    /// <c>.data</c> in the working directory. The folder may not exist yet.
    /// </summary>
    public static string Find(IConfiguration configuration)
    {
        if (configuration["RESULTS_DATA"] is { Length: > 0 } configured)
            return Path.GetFullPath(configured);

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ResultsEs.sln")))
                return Path.Combine(folder.FullName, ".data");
        }

        return Path.GetFullPath(".data");
    }
}
