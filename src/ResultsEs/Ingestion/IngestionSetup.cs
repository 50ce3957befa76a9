using Wolverine;

namespace ResultsEs.Ingestion;

/// <summary>Ingestion's services.</summary>
internal static class IngestionSetup
{
    /// <summary>Adds what records events.</summary>
    public static WebApplicationBuilder AddIngestion(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SessionWriter>();
        builder.Host.UseWolverine(options =>
        {
            options.ApplicationAssembly = typeof(Program).Assembly;
            // Handlers are called in process; no message waits anywhere yet.
            options.Durability.Mode = DurabilityMode.MediatorOnly;
        });
        return builder;
    }
}
