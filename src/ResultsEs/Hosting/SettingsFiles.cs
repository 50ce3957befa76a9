namespace ResultsEs.Hosting;

internal static class SettingsFiles
{
    private const string Common = "appsettings.json";

    /// <summary>
    /// Adds the settings files beside the program, below all other sources, when the content root has none. Then checks the names of
    /// connection strings: a misspelt one would open an embedded database instead.
    /// </summary>
    /// <exception cref="StartupException">A connection string has a name that the service does not know.</exception>
    public static void AddSettingsFiles(this WebApplicationBuilder builder)
    {
        if (!File.Exists(Path.Combine(builder.Environment.ContentRootPath, Common)))
            AddFilesBeside(builder);
        Settings.CheckKeys<ConnectionStrings>(builder.Configuration.GetSection("ConnectionStrings"));
    }

    private static void AddFilesBeside(WebApplicationBuilder builder)
    {
        var beside = new ConfigurationBuilder();
        foreach (var name in new[] { Common, $"appsettings.{builder.Environment.EnvironmentName}.json" })
            beside.AddJsonFile(Path.Combine(AppContext.BaseDirectory, name), optional: true, reloadOnChange: true);
        foreach (var (i, source) in beside.Sources.Index())
            builder.Configuration.Sources.Insert(i, source);
    }

    /// <summary>The connection strings that the service reads; their names are <c>results</c>, <c>results_standby</c> and so on.</summary>
    private sealed record ConnectionStrings(string? Results, string? Results_standby, string? Rabbitmq, string? Redis);
}
