using System.Data.Common;
using Marten.Events;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;

namespace ResultsEs.EventStore;

/// <summary>
/// The permanent key of idempotency: an event id is unique within its account. Marten's own index covers the id alone,
/// which would let one account block another's ids.
/// </summary>
internal sealed class EventIdIndex(Migrator migrator) : FeatureSchemaBase("event-id-index", migrator)
{
    /// <summary>The index's name.</summary>
    public const string Name = "ux_events_tenant_id";

    /// <inheritdoc/>
    public override IEnumerable<Type> DependentTypes() => [typeof(EventGraph)];

    /// <inheritdoc/>
    protected override IEnumerable<ISchemaObject> schemaObjects() => [new Index()];

    private sealed class Index : ISchemaObject
    {
        public DbObjectName Identifier { get; } = new PostgresqlObjectName(MartenSetup.Schema, Name, SchemaUtils.IdentifierUsage.General);

        public void WriteCreateStatement(Migrator migrator, TextWriter writer) =>
            writer.WriteLine($"create unique index if not exists {Name} on {MartenSetup.Schema}.mt_events (tenant_id, id);");

        public void WriteDropStatement(Migrator rules, TextWriter writer) =>
            writer.WriteLine($"drop index if exists {Identifier};");

        public void ConfigureQueryCommand(Weasel.Core.DbCommandBuilder builder)
        {
            builder.Append("select 1 from pg_indexes where schemaname = ");
            builder.AppendParameter(MartenSetup.Schema);
            builder.Append(" and indexname = ");
            builder.AppendParameter(Name);
            builder.Append(";");
        }

        public async Task<ISchemaObjectDelta> CreateDeltaAsync(DbDataReader reader, CancellationToken ct = default) =>
            new SchemaObjectDelta(this, await reader.ReadAsync(ct) ? SchemaPatchDifference.None : SchemaPatchDifference.Create);

        public IEnumerable<DbObjectName> AllNames() => [Identifier];
    }
}
