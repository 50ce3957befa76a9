using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using JasperFx;
using JasperFx.Events;
using JasperFx.Events.Projections;
using JasperFx.MultiTenancy;
using Marten;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.Ingestion;
using ResultsEs.Media;
using ResultsEs.Rebuilding;
using ResultsEs.Sessions;
using ResultsEs.TestResults;
using Weasel.Core;
using Wolverine.Marten;

namespace ResultsEs.EventStore;

/// <summary>How events and documents are stored.</summary>
internal static class MartenSetup
{
    /// <summary>The database schema of everything that is ours.</summary>
    public const string Schema = "results";

    private const string IdleTimeout = "idle_in_transaction_session_timeout";
    private const string LongestSilence = "15s";
    private const int ReadBufferBytes = 32 * 1024;

    /// <summary>Adds the event store on the given database.</summary>
    public static WebApplicationBuilder AddEventStore(this WebApplicationBuilder builder, string connectionString)
    {
        builder.Services.AddSingleton(_ => Open(connectionString, Schema));
        builder.Services.AddMarten(Configure)
            .UseLightweightSessions()
            .UseNpgsqlDataSource()
            // Dead letters lie beside the events.
            .IntegrateWithWolverine();
        return builder;
    }

    /// <summary>Connections to a database.</summary>
    /// <param name="connectionString">Where it is.</param>
    /// <param name="name">What spans and metrics call it: without a name each carries the connection string.</param>
    internal static NpgsqlDataSource Open(string connectionString, string name)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString) { Name = name };
        builder.ConnectionStringBuilder.Options = WithPatience(builder.ConnectionStringBuilder.Options);
        // With Npgsql's own 8 KiB a document of 25 events took a second buffer.
        builder.ConnectionStringBuilder.ReadBufferSize = Math.Max(builder.ConnectionStringBuilder.ReadBufferSize, ReadBufferBytes);
        // What nobody's work asks, such as looking for changes four times a second, is not a trace.
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => Activity.Current is not null)
            .ConfigureBatchFilter(_ => Activity.Current is not null)
            .EnablePhysicalOpenTracing(false));
        return builder.Build();
    }

    /// <summary>
    /// The startup options of a connection, with an end to transactions of which nothing is heard: those of a node that was lost without a word (its machine, its network) would hold sessions,
    /// and what only one node does at a time, until TCP gives up, which takes hours.
    /// </summary>
    internal static string WithPatience(string? options) =>
        options?.Contains(IdleTimeout, StringComparison.Ordinal) == true ? options : $"{options} -c {IdleTimeout}={LongestSilence}".TrimStart();

    /// <summary>The event store's tables, names and projections.</summary>
    internal static void Configure(StoreOptions options)
    {
        options.DatabaseSchemaName = Schema;
        // Tables are made before anything is asked of them (DatabaseSchema), and never in passing.
        options.AutoCreateSchemaObjects = AutoCreate.None;
        options.Serializer(StoredJson());

        options.Policies.AllDocumentsAreMultiTenanted();
        options.Events.TenancyStyle = TenancyStyle.Conjoined;
        options.Events.StreamIdentity = StreamIdentity.AsGuid;
        options.Events.UseMandatoryStreamTypeDeclaration = true;
        options.Events.MetadataConfig.HeadersEnabled = true;
        // Without the lock a lost race leaves a gap in the events' sequence, at which async readers wait.
        options.Events.UseExclusiveLockOnConcurrentAppends = true;
        foreach (var type in EventCatalogue.All)
            type.Register(options);

        options.Events.IgnoreIndex(EventIdIndex.Name);
        options.Storage.Add(new EventIdIndex(options.Advanced.Migrator));
        options.Storage.Add(new TestTotalsSchema(options.Advanced.Migrator));
        options.Storage.Add(new RebuildSchema(options.Advanced.Migrator));
        options.Storage.Add(new FastCompression(options.Advanced.Migrator));

        options.Projections.Add(new SessionResultProjection(), ProjectionLifecycle.Inline);
        options.Schema.For<SessionResult>().DocumentAlias(SessionResultTable.Documents.Alias);
        options.Policies.OnDocuments(new SessionResultColumns());

        options.Projections.Add(new HighlightReelProjection(), ProjectionLifecycle.Inline);
        options.Schema.For<HighlightReel>().DocumentAlias(HighlightReel.Alias);
        options.Policies.OnDocuments(new HighlightReelColumns());
    }

    /// <summary>The wire's own options, and Marten's way for the few types of its own.</summary>
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
        // AsString is for columns. The converter that it adds would replace those that enumerations bring with them.
        serializer.Configure(json =>
        {
            foreach (var converter in json.Converters.OfType<JsonStringEnumConverter>().ToList())
                json.Converters.Remove(converter);
        });
        return serializer;
    }
}
