using Microsoft.Extensions.Configuration.Json;

namespace ResultsEs.Hosting;

internal static class SettingsFiles
{
    private const string Common = "appsettings.json";

    /// <summary>Adds the settings files beside the program, below all other sources, when the content root has none.</summary>
    public static void AddSettingsFiles(this WebApplicationBuilder builder)
    {
        if (File.Exists(Path.Combine(builder.Environment.ContentRootPath, Common)))
            return;

        builder.Configuration.Sources.Insert(0, BesideProgram(Common));
        builder.Configuration.Sources.Insert(1, BesideProgram($"appsettings.{builder.Environment.EnvironmentName}.json"));
    }

    private static JsonConfigurationSource BesideProgram(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, name);
        var source = new JsonConfigurationSource { Path = path, Optional = true, ReloadOnChange = true };
        source.ResolveFileProvider();
        return source;
    }
}
