using Marten;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Access;

/// <summary>Settings of the audit; section <c>Audit</c>.</summary>
internal sealed class AuditOptions
{
    /// <summary>How long entries are kept, in days, 1 to 3,650. Default 400.</summary>
    public int KeepDays { get; init; } = 400;

    /// <summary>True to note each read of a session and each export. Default true.</summary>
    public bool Reads { get; init; } = true;

    /// <summary>The most entries that are logged in a second, 0 to 1,000; all are in the table. Default 20.</summary>
    public int LogsPerSecond { get; init; } = 20;

    public static IEnumerable<string> Problems(AuditOptions options)
    {
        if (options.KeepDays is < 1 or > 3_650)
            yield return "Audit:KeepDays must be from 1 to 3650.";
        if (options.LogsPerSecond is < 0 or > 1_000)
            yield return "Audit:LogsPerSecond must be from 0 to 1000.";
    }
}

/// <summary>The table of the audit. Its one index is small and costs nothing to write: entries come in the order of time.</summary>
internal sealed class AuditSchema(Migrator migrator) : FeatureSchemaBase("audit", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var table = new Table(new PostgresqlObjectName("results", "audit", SchemaUtils.IdentifierUsage.General));
        table.AddColumn("at", "timestamptz").NotNull();
        table.AddColumn("kind", "varchar").NotNull();
        table.AddColumn("action", "varchar").NotNull();
        table.AddColumn("outcome", "varchar").NotNull();
        table.AddColumn("account", "uuid");
        table.AddColumn("client", "varchar");
        table.AddColumn("subject", "varchar");
        table.AddColumn("address", "varchar");
        table.AddColumn("times", "integer").NotNull();
        table.Indexes.Add(new IndexDefinition("ix_audit_at") { Columns = ["at"], Method = IndexMethod.brin });
        yield return table;
    }
}

internal static class AuditSetup
{
    /// <summary>Adds what requests are noted in.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        services.AddSettings<AuditOptions>(configuration.GetSection("Audit"), AuditOptions.Problems);
        services.AddSingleton<Audit>();
    }

    /// <summary>Adds the table, and the writer that stores what is noted.</summary>
    public static WebApplicationBuilder AddAuditTable(this WebApplicationBuilder builder)
    {
        builder.Services.AddHostedService<AuditWriter>();
        builder.Services.ConfigureMarten(options => options.Storage.Add(new AuditSchema(options.Advanced.Migrator)));
        return builder;
    }
}
