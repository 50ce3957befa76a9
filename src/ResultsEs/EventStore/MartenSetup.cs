using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using JasperFx;
using JasperFx.Events;
using JasperFx.MultiTenancy;
using Marten;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.TestResults;
using Weasel.Core;
using Wolverine.Marten;

namespace ResultsEs.EventStore;

/// <summary>How events and documents are stored.</summary>
internal static class MartenSetup
{
    /// <summary>The database schema of everything that is ours.</summary>
    public const string Schema = "results";

    /// <summary>Adds the event store on the given database; features add their documents (<see cref="AddDocuments"/>).</summary>
    public static WebApplicationBuilder AddEventStore(this WebApplicationBuilder builder, string connectionString)
    {
        var services = builder.Services;
        services.AddSingleton(_ => DataSources.Open(connectionString, Schema));
        services.AddKeyedSingleton(DataSources.Pinned, (_, _) => DataSources.OpenPinned(connectionString, DataSources.Pinned));
        services.AddMarten((StoreOptions options) => { })
            .UseNpgsqlDataSource(DataSources.Pinned)
            // Dead letters lie beside the events.
            .IntegrateWithWolverine();
        services.ConfigureMarten((provider, options) => Configure(options, [.. provider.GetServices<DocumentTable>()]));
        services.AddSingleton<DocumentTables>();
        services.AddSingleton<DocumentCache>();
        services.AddSingleton<AppendStore>();
        services.AddSingleton<DocumentRefresh>();
        services.AddSingleton<OtherVersions>();
        return builder;
    }

    /// <summary>Adds a feature's documents.</summary>
    public static IServiceCollection AddDocuments(this IServiceCollection services, DocumentTable table) => services.AddSingleton(table);

    /// <summary>The store's own settings, and the documents of features.</summary>
    internal static void Configure(StoreOptions options, IReadOnlyList<DocumentTable> tables)
    {
        options.DatabaseSchemaName = Schema;
        // Tables are made before anything is asked of them (DatabaseSchema), and never in passing.
        options.AutoCreateSchemaObjects = AutoCreate.None;
        options.Serializer(new Marten.Services.SystemTextJsonSerializer(StoredJson()) { EnumStorage = EnumStorage.AsString, Casing = Casing.CamelCase });
        // A session's reads, locks and commit are one transaction of one connection. Whoever began it knows whether it can be tried again.
        options.UseStickyConnectionLifetimes = true;
        options.ConfigurePolly(_ => { });
        options.ConfigureWritePolly(_ => { });

        options.Policies.AllDocumentsAreMultiTenanted();
        options.Events.TenancyStyle = TenancyStyle.Conjoined;
        options.Events.StreamIdentity = StreamIdentity.AsGuid;
        options.Events.UseMandatoryStreamTypeDeclaration = true;
        options.Events.MetadataConfig.HeadersEnabled = true;
        // Sessions other than an AppendTransaction's look at the version under the stream's lock, so that a lost race draws no position.
        options.Events.UseExclusiveLockOnConcurrentAppends = true;
        // Events carry the database's time, read under the lock (AppendTransaction).
        options.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps;

        options.Events.IgnoreIndex(EventIdIndex.Name);
        options.Storage.Add(new EventIdIndex(options.Advanced.Migrator));
        options.Storage.Add(new FastCompression(options.Advanced.Migrator, tables));
        foreach (var table in tables)
            table.Register(options);
    }

    /// <summary>The wire's own options, and Marten's way for the few types of its own.</summary>
    private static JsonSerializerOptions StoredJson() =>
        new(Json.Options)
        {
            TypeInfoResolver = JsonTypeInfoResolver.Combine(Json.Options.TypeInfoResolver, new DefaultJsonTypeInfoResolver()),
        };
}
