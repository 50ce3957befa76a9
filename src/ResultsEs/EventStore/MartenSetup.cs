using JasperFx;
using JasperFx.Events;
using JasperFx.MultiTenancy;
using Marten;
using Weasel.Core;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;
using Wolverine.Marten;

namespace ResultsEs.EventStore;

/// <summary>The setup of the event store: Marten, the pools and the services on top.</summary>
internal static class MartenSetup
{
    /// <summary>The database schema of all our tables.</summary>
    public const string Schema = "results";

    /// <summary>A table of ours beside Marten's.</summary>
    public static Table TableNamed(string name) => new(new PostgresqlObjectName(Schema, name, SchemaUtils.IdentifierUsage.General));

    /// <summary>Adds the event store on a database. Features add their documents by <see cref="AddDocuments"/>.</summary>
    /// <exception cref="StartupException">The connection string has too few connections.</exception>
    public static WebApplicationBuilder AddEventStore(this WebApplicationBuilder builder, string connectionString)
    {
        DataSources.CheckSize(connectionString);
        var services = builder.Services;
        services.AddSingleton(_ => DataSources.Open(connectionString, Schema));
        services.AddKeyedSingleton(DataSources.Pinned, (_, _) => DataSources.OpenPinned(connectionString, DataSources.Pinned));
        services.AddKeyedSingleton(DataSources.Exports, (_, _) => DataSources.OpenExports(connectionString, DataSources.Exports));
        services.AddKeyedSingleton(DataSources.Locks, (_, _) => DataSources.OpenLocks(connectionString, DataSources.Locks));
        services.AddMarten((StoreOptions options) => { })
            .UseNpgsqlDataSource(DataSources.Pinned)
            // Dead letters are stored in the same schema.
            .IntegrateWithWolverine();
        services.ConfigureMarten((provider, options) => Configure(options, [.. provider.GetServices<DocumentTable>()]));
        services.AddSettings<StreamLimits>(builder.Configuration.GetSection(StreamLimits.Section), StreamLimits.Problems);
        services.AddSingleton<DocumentTables>();
        services.AddSingleton<DocumentCache>();
        services.AddSingleton<AppendStore>();
        services.AddSingleton<DocumentRefresh>();
        services.AddSingleton(provider => new SetAsideRetry(
            provider.GetServices<SetAsideWorker>(), provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<ILogger<SetAsideRetry>>()));
        services.AddSingleton<StreamErasure>();
        services.AddSingleton<StreamRemoval>();
        services.AddSingleton<OtherVersions>();
        return builder;
    }

    public static IServiceCollection AddDocuments(this IServiceCollection services, DocumentTable table) => services.AddSingleton(table);

    /// <summary>Configures the store, and registers the features' documents.</summary>
    internal static void Configure(StoreOptions options, IReadOnlyList<DocumentTable> tables)
    {
        options.DatabaseSchemaName = Schema;
        // DatabaseSchema makes the tables at the start.
        options.AutoCreateSchemaObjects = AutoCreate.None;
        options.Serializer(StoredJson());
        // A session's reads, locks and commit are one transaction. Only its caller can tell whether to try the whole again.
        options.UseStickyConnectionLifetimes = true;
        options.ConfigurePolly(_ => { });
        options.ConfigureWritePolly(_ => { });

        options.Policies.AllDocumentsAreMultiTenanted();
        options.Events.TenancyStyle = TenancyStyle.Conjoined;
        options.Events.StreamIdentity = StreamIdentity.AsGuid;
        options.Events.UseMandatoryStreamTypeDeclaration = true;
        options.Events.MetadataConfig.HeadersEnabled = true;
        // Other sessions than an AppendTransaction's check the version under the stream's lock, so a lost race uses up no position.
        options.Events.UseExclusiveLockOnConcurrentAppends = true;
        // The timestamp is the database's, which AppendTransaction reads under the lock.
        options.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps;

        options.Events.IgnoreIndex(SchemaAdditions.EventIdIndex);
        options.Events.IgnoreIndex(SchemaAdditions.ParticipantIndex);
        options.Storage.Add(new SchemaAdditions(options.Advanced.Migrator, tables));
        options.Storage.Add(new SetAsideSchema(options.Advanced.Migrator));
        options.Storage.Add(new ErasureSchema(options.Advanced.Migrator));
        foreach (var table in tables)
            table.Register(options);
    }

    /// <summary>Makes the serializer: the wire's options, with reflection for Marten's own few types.</summary>
    private static Marten.Services.SystemTextJsonSerializer StoredJson()
    {
        var serializer = new Marten.Services.SystemTextJsonSerializer(new JsonSerializerOptions(Json.Options)
        {
            TypeInfoResolver = JsonTypeInfoResolver.Combine(Json.Options.TypeInfoResolver, new DefaultJsonTypeInfoResolver()),
        })
        {
            EnumStorage = EnumStorage.AsString,
            Casing = Casing.CamelCase,
        };
        // AsString is for columns. The converter that it adds would replace the enumerations' own.
        serializer.Configure(json =>
        {
            foreach (var converter in json.Converters.OfType<JsonStringEnumConverter>().ToList())
                json.Converters.Remove(converter);
        });
        return serializer;
    }
}
