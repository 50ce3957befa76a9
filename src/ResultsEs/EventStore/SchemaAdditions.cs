using Marten.Events;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;

namespace ResultsEs.EventStore;

/// <summary>
/// Additions to Marten's tables. The key of idempotency makes an event id unique within its account; Marten's own index would let one
/// account block another's ids. Large events and documents are compressed by lz4, if the server has it, which is far faster than
/// PostgreSQL's default; values stored before stay as they are.
/// </summary>
internal sealed class SchemaAdditions(Migrator migrator, IReadOnlyList<DocumentTable> documents)
    : FeatureSchemaBase("schema-additions", migrator)
{
    /// <summary>The index of event ids within an account.</summary>
    public const string EventIdIndex = "ux_events_tenant_id";

    /// <summary>The index of participants, by which what is held about one is found.</summary>
    public const string ParticipantIndex = "ix_events_participant";

    /// <summary>A condition on an event <c>e</c>: it names a participant.</summary>
    public const string IsProfile = "e.type = 'results.ParticipantProfiled.v1'";

    private const string HasLz4 =
        "exists (select 1 from pg_settings s where s.name = 'default_toast_compression' and 'lz4' = any(s.enumvals))";

    public override IEnumerable<Type> DependentTypes() => [typeof(EventGraph), .. documents.Select(table => table.DocumentType)];

    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        const string Events = $"{MartenSetup.Schema}.mt_events";
        yield return new Addition(
            EventIdIndex,
            create: $"create unique index if not exists {EventIdIndex} on {Events} (tenant_id, id);",
            drop: $"drop index if exists {MartenSetup.Schema}.{EventIdIndex};\n",
            exists: $"select 1 from pg_indexes where schemaname = '{MartenSetup.Schema}' and indexname = '{EventIdIndex}';");

        yield return new Addition(
            ParticipantIndex,
            create: $"""
                create index if not exists {ParticipantIndex} on {Events} (tenant_id, (data ->> 'participantId'))
                where {IsProfile.Replace("e.", "", StringComparison.Ordinal)};
                """,
            drop: $"drop index if exists {MartenSetup.Schema}.{ParticipantIndex};\n",
            exists: $"select 1 from pg_indexes where schemaname = '{MartenSetup.Schema}' and indexname = '{ParticipantIndex}';");

        string[] tables = [Events, .. documents.Select(table => table.QualifiedName)];
        yield return new Addition(
            "fast_compression",
            create: $"""
                do $$ begin if {HasLz4} then
                {string.Join('\n', tables.Select(table => $"alter table {table} alter column data set compression lz4;"))}
                end if; end $$;
                """,
            drop: "",
            exists: $"""
                select 1 where not {HasLz4} or {tables.Length} = (
                  select count(*) from pg_attribute a
                  where a.attrelid in ({string.Join(", ", tables.Select(table => $"to_regclass('{table}')"))})
                    and a.attname = 'data' and a.attcompression = 'l');
                """);
    }

    /// <summary>A schema object in SQL. It exists when the last query has a row.</summary>
    private sealed class Addition(string name, string create, string drop, string exists) : ISchemaObject
    {
        public DbObjectName Identifier { get; } = new PostgresqlObjectName(MartenSetup.Schema, name, SchemaUtils.IdentifierUsage.General);

        public void WriteCreateStatement(Migrator migrator, TextWriter writer) => writer.WriteLine(create);

        public void WriteDropStatement(Migrator rules, TextWriter writer) => writer.Write(drop);

        public void ConfigureQueryCommand(Weasel.Core.DbCommandBuilder builder) => builder.Append(exists);

        public async Task<ISchemaObjectDelta> CreateDeltaAsync(DbDataReader reader, CancellationToken ct = default) =>
            new SchemaObjectDelta(this, await reader.ReadAsync(ct) ? SchemaPatchDifference.None : SchemaPatchDifference.Create);

        public IEnumerable<DbObjectName> AllNames() => [Identifier];
    }
}
