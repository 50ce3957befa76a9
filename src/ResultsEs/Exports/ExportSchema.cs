using ResultsEs.EventStore;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Exports;

/// <summary>
/// The tables of exports that are made in the background: <c>exports</c> says what each is of and how far it is, <c>export_files</c> which
/// files it has, and <c>export_chunks</c> holds their bytes (docs/decisions/0037).
/// </summary>
internal sealed class ExportSchema(Migrator migrator) : FeatureSchemaBase("exports", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var exports = MartenSetup.TableNamed("exports");
        exports.AddColumn("id", "uuid").AsPrimaryKey();
        exports.AddColumn("tenant_id", "varchar").NotNull();
        exports.AddColumn("client_id", "varchar").NotNull();
        exports.AddColumn("workspaces", "uuid[]").NotNull();
        exports.AddColumn("test_id", "uuid");
        exports.AddColumn("tables", "text[]").NotNull();
        exports.AddColumn("format", "varchar").NotNull();
        exports.AddColumn("with_mark", "boolean").NotNull();
        exports.AddColumn("since", "varchar");
        exports.AddColumn("state", "varchar").NotNull();
        exports.AddColumn("reason", "varchar");
        exports.AddColumn("requested_at", "timestamptz").NotNull();
        exports.AddColumn("ended_at", "timestamptz");
        exports.AddColumn("served_at", "timestamptz");
        // Up to where it has all; null until it begins.
        exports.AddColumn("position", "bigint");
        exports.AddColumn("plan", "jsonb");
        exports.AddColumn("total", "bigint").NotNull().DefaultValue(0);
        exports.AddColumn("sessions", "bigint").NotNull().DefaultValue(0);
        exports.AddColumn("problems", "bigint").NotNull().DefaultValue(0);
        // The last part that is stored, and how far it reaches.
        exports.AddColumn("part", "integer").NotNull().DefaultValue(0);
        exports.AddColumn("place_key", "uuid").NotNull();
        exports.AddColumn("place_position", "bigint").NotNull();
        exports.Indexes.Add(new IndexDefinition("ix_exports_tenant") { Columns = ["tenant_id", "requested_at"] });
        exports.Indexes.Add(new IndexDefinition("ix_exports_unfinished")
        {
            Columns = ["requested_at"],
            Predicate = "ended_at is null",
        });
        yield return exports;

        var files = MartenSetup.TableNamed("export_files");
        files.AddColumn("export_id", "uuid").AsPrimaryKey();
        files.AddColumn("id", "uuid").AsPrimaryKey();
        files.AddColumn("name", "varchar").NotNull();
        files.AddColumn("table_name", "varchar").NotNull();
        files.AddColumn("part", "integer").NotNull();
        files.AddColumn("rows", "bigint").NotNull();
        files.AddColumn("bytes", "bigint").NotNull();
        files.AddColumn("sha256", "varchar").NotNull();
        yield return files;

        var chunks = MartenSetup.TableNamed("export_chunks");
        chunks.AddColumn("export_id", "uuid").AsPrimaryKey();
        chunks.AddColumn("file_id", "uuid").AsPrimaryKey();
        chunks.AddColumn("number", "integer").AsPrimaryKey();
        chunks.AddColumn("data", "bytea").NotNull();
        yield return chunks;
    }
}
