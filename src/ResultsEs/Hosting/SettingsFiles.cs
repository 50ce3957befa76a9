namespace ResultsEs.Hosting;

internal static class SettingsFiles
{
    private const string Common = "appsettings.json";

    /// <summary>Adds the settings files beside the program, below all other sources, when the content root has none.</summary>
    public static void AddSettingsFiles(this WebApplicationBuilder builder)
    {
        if (File.Exists(Path.Combine(builder.Environment.ContentRootPath, Common)))
            return;

        var beside = new ConfigurationBuilder();
        foreach (var name in new[] { Common, $"appsettings.{builder.Environment.EnvironmentName}.json" })
            beside.AddJsonFile(Path.Combine(AppContext.BaseDirectory, name), optional: true, reloadOnChange: true);
        foreach (var (i, source) in beside.Sources.Index())
            builder.Configuration.Sources.Insert(i, source);
    }
}
