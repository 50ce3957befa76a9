using JasperFx;
using JasperFx.CodeGeneration;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using Wolverine;

namespace ResultsEs.Ingestion;

/// <summary>Ingestion's services.</summary>
internal static class IngestionSetup
{
    private static bool HasGeneratedCode => typeof(Program).Assembly.GetTypes().Any(type => type.Namespace == "Internal.Generated.WolverineHandlers");

    /// <summary>Adds what records events.</summary>
    public static WebApplicationBuilder AddIngestion(this WebApplicationBuilder builder)
    {
        var rabbitMq = RabbitMqOptions.Read(builder.Configuration, out var broker);
        builder.Services.AddSingleton(services => new GroupCommit(
            services.GetRequiredService<AppendStore>(),
            services.GetRequiredService<DocumentRefresh>(),
            services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Pinned),
            services.GetRequiredService<ILogger<GroupCommit>>()));
        builder.Services.AddSingleton<Deliveries>();
        builder.Host.UseWolverine(options =>
        {
            options.ApplicationAssembly = typeof(Program).Assembly;
            options.AutoBuildMessageStorageOnStartup = AutoCreate.None;
            // src/publish.sh puts the code in that Wolverine otherwise makes when it starts.
            options.CodeGeneration.TypeLoadMode = HasGeneratedCode ? TypeLoadMode.Static : TypeLoadMode.Dynamic;
            // So that a dead letter can be read back whatever a broker let pass.
            options.MaxIncomingEnvelopeDataSize = int.MaxValue;
            options.MaxIncomingEnvelopeHeaderCount = int.MaxValue;
            // Handlers are called in process, and no message of Wolverine's waits anywhere: the queue's are ours.
            options.Durability.Mode = DurabilityMode.MediatorOnly;
        });
        if (rabbitMq is not null)
        {
            builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<QueueListener>(services, broker, rabbitMq));
            builder.Services.AddHostedService(services => services.GetRequiredService<QueueListener>());
        }

        return builder;
    }
}
