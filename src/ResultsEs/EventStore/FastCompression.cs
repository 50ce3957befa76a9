using System.Data.Common;
using System.Globalization;
using Marten.Events;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;

namespace ResultsEs.EventStore;

/// <summary>
/// Events and documents that are too large for a row are compressed by lz4, where the server has it, which takes a fraction of the time of PostgreSQL's own method
/// (https://www.postgresql.org/docs/current/storage-toast.html). It is for what is stored from then on; what was stored before is read as ever.
/// </summary>
internal sealed class FastCompression(Migrator migrator, IReadOnlyList<DocumentTable> documents) : FeatureSchemaBase("fast-compression", migrator)
{
    /// <inheritdoc/>
    public override IEnumerable<Type> DependentTypes() => [typeof(EventGraph), .. documents.Select(table => table.DocumentType)];

    /// <inheritdoc/>
    protected override IEnumerable<ISchemaObject> schemaObjects() => [new Columns(["mt_events", .. documents.Select(table => table.Name)])];

    private sealed class Columns(IReadOnlyList<string> tables) : ISchemaObject
    {
        private const string IsSupported = "exists (select 1 from pg_settings s where s.name = 'default_toast_compression' and 'lz4' = any(s.enumvals))";

        public DbObjectName Identifier { get; } = new PostgresqlObjectName(MartenSetup.Schema, "fast_compression", SchemaUtils.IdentifierUsage.General);

        public void WriteCreateStatement(Migrator migrator, TextWriter writer)
        {
            writer.WriteLine($"do $$ begin if {IsSupported} then");
            foreach (var table in tables)
                writer.WriteLine($"alter table {MartenSetup.Schema}.{table} alter column data set compression lz4;");
            writer.WriteLine("end if; end $$;");
        }

        public void WriteDropStatement(Migrator rules, TextWriter writer)
        {
            // It goes with its tables.
        }

        public void ConfigureQueryCommand(Weasel.Core.DbCommandBuilder builder) => builder.Append(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            select 1 where not {IsSupported} or {tables.Count} = (
              select count(*) from pg_attribute a
              where a.attrelid in ({string.Join(", ", tables.Select(table => $"to_regclass('{MartenSetup.Schema}.{table}')"))}) and a.attname = 'data' and a.attcompression = 'l');
            """));

        public async Task<ISchemaObjectDelta> CreateDeltaAsync(DbDataReader reader, CancellationToken ct = default) =>
            new SchemaObjectDelta(this, await reader.ReadAsync(ct) ? SchemaPatchDifference.None : SchemaPatchDifference.Create);

        public IEnumerable<DbObjectName> AllNames() => [Identifier];
    }
}
