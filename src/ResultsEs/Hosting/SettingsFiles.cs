using Microsoft.Extensions.Configuration.Json;

namespace ResultsEs.Hosting;

/// <summary>The files that settings are read from.</summary>
internal static class SettingsFiles
{
    private const string Common = "appsettings.json";

    /// <summary>
    /// Where the content root, which is the working folder unless somebody says otherwise, has no <c>appsettings.json</c>: reads those
    /// beside the program, before everything else that is read, so that
    /// whatever else is set goes before them.
    /// </summary>
    public static void AddSettingsFiles(this WebApplicationBuilder builder)
    {
        if (File.Exists(Path.Combine(builder.Environment.ContentRootPath, Common)))
            return;

        builder.Configuration.Sources.Insert(0, Beside(Common));
        builder.Configuration.Sources.Insert(1, Beside($"appsettings.{builder.Environment.EnvironmentName}.json"));
    }

    private static JsonConfigurationSource Beside(string name)
    {
        var source = new JsonConfigurationSource { Path = Path.Combine(AppContext.BaseDirectory, name), Optional = true, ReloadOnChange = true };
        source.ResolveFileProvider();
        return source;
    }
}
