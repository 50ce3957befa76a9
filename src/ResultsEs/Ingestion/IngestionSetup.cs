using JasperFx;
using JasperFx.CodeGeneration;
using ResultsEs.EventStore;
using ResultsEs.Ingestion.RabbitMq;
using Wolverine;
using Wolverine.Persistence.Durability;

namespace ResultsEs.Ingestion;

internal static class IngestionSetup
{
    /// <summary>Adds the group commit, Wolverine and, where a broker is configured, the listener to its queues.</summary>
    public static WebApplicationBuilder AddIngestion(this WebApplicationBuilder builder)
    {
        RabbitMqOptions.Add(builder.Services, builder.Configuration);
        builder.Services.AddSingleton(services => new GroupCommit(
            services.GetRequiredService<AppendStore>(),
            services.GetRequiredService<DocumentRefresh>(),
            services.GetRequiredKeyedService<NpgsqlDataSource>(DataSources.Pinned),
            services.GetRequiredService<AheadClocks>(),
            services.GetRequiredService<IOptions<StreamLimits>>().Value,
            services.GetRequiredService<ILogger<GroupCommit>>()));
        builder.Services.AddSingleton<AheadClocks>();
        builder.Services.AddSingleton<Deliveries>();
        builder.Services.AddSingleton<ErasedLetters>();
        builder.Services.AddSingleton(services => new DeadLetters(
            services.GetRequiredService<NpgsqlDataSource>(),
            services.GetRequiredService<IMessageStore>(),
            services.GetRequiredService<GroupCommit>(),
            services.GetRequiredService<Deliveries>(),
            services.GetRequiredService<IOptions<RabbitMqOptions>>().Value));
        builder.Host.UseWolverine(options =>
        {
            options.ApplicationAssembly = typeof(Program).Assembly;
            options.AutoBuildMessageStorageOnStartup = AutoCreate.None;
            // Each build generates Wolverine's code (ResultsEs.csproj), so that no start has to.
            options.CodeGeneration.TypeLoadMode = TypeLoadMode.Static;
            // Without these limits every dead letter can be read back, whatever sizes the broker accepted.
            options.MaxIncomingEnvelopeDataSize = int.MaxValue;
            options.MaxIncomingEnvelopeHeaderCount = int.MaxValue;
            // Wolverine only calls handlers in process. It needs no durable inbox or outbox: we listen to the broker ourselves.
            options.Durability.Mode = DurabilityMode.MediatorOnly;
        });
        // Read from the configuration, because options exist only once the host is built.
        if (RabbitMqOptions.FindConnectionString(builder.Configuration) is not null)
        {
            builder.Services.AddSingleton<QueueListener>();
            builder.Services.AddHostedService(services => services.GetRequiredService<QueueListener>());
        }

        return builder;
    }
}
