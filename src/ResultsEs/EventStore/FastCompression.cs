using System.Data.Common;
using System.Globalization;
using Marten.Events;
using ResultsEs.Media;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;

namespace ResultsEs.EventStore;

/// <summary>
/// Events and documents that are too large for a row are compressed by lz4, where the server has it, which takes a fraction of the time of PostgreSQL's own method
/// (https://www.postgresql.org/docs/current/storage-toast.html). It is for what is stored from then on; what was stored before is read as ever.
/// </summary>
internal sealed class FastCompression(Migrator migrator) : FeatureSchemaBase("fast-compression", migrator)
{
    /// <inheritdoc/>
    public override IEnumerable<Type> DependentTypes() => [typeof(EventGraph), typeof(SessionResult), typeof(HighlightReel)];

    /// <inheritdoc/>
    protected override IEnumerable<ISchemaObject> schemaObjects() => [new Columns()];

    private sealed class Columns : ISchemaObject
    {
        private const string IsSupported = "exists (select 1 from pg_settings s where s.name = 'default_toast_compression' and 'lz4' = any(s.enumvals))";

        private static readonly string[] Tables = ["mt_events", SessionResultTable.Documents.Name, HighlightReelTable.Documents.Name];

        public DbObjectName Identifier { get; } = new PostgresqlObjectName(MartenSetup.Schema, "fast_compression", SchemaUtils.IdentifierUsage.General);

        public void WriteCreateStatement(Migrator migrator, TextWriter writer)
        {
            writer.WriteLine($"do $$ begin if {IsSupported} then");
            foreach (var table in Tables)
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
            select 1 where not {IsSupported} or {Tables.Length} = (
              select count(*) from pg_attribute a
              where a.attrelid in ({string.Join(", ", Tables.Select(table => $"to_regclass('{MartenSetup.Schema}.{table}')"))}) and a.attname = 'data' and a.attcompression = 'l');
            """));

        public async Task<ISchemaObjectDelta> CreateDeltaAsync(DbDataReader reader, CancellationToken ct = default) =>
            new SchemaObjectDelta(this, await reader.ReadAsync(ct) ? SchemaPatchDifference.None : SchemaPatchDifference.Create);

        public IEnumerable<DbObjectName> AllNames() => [Identifier];
    }
}
