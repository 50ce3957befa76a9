using ResultsEs.EventStore;
using Weasel.Core;
using Weasel.Core.Migrations;

namespace ResultsEs.Rebuilding;

/// <summary>
/// The tables of rebuilds. <c>projection_versions</c>: the versions of a projection that have all documents, and when a node of each was
/// last seen. <c>rebuilds</c>: the unfinished rebuild of each projection. <c>rebuild_parts</c>: the streams that it has folded.
/// </summary>
internal sealed class RebuildSchema(Migrator migrator) : FeatureSchemaBase("rebuilds", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var versions = MartenSetup.TableNamed("projection_versions");
        versions.AddColumn("projection", "varchar").AsPrimaryKey();
        versions.AddColumn("version", "integer").AsPrimaryKey();
        versions.AddColumn("built_at", "timestamptz").NotNull();
        versions.AddColumn("seen_at", "timestamptz");
        yield return versions;

        var rebuilds = MartenSetup.TableNamed("rebuilds");
        rebuilds.AddColumn("id", "uuid").AsPrimaryKey();
        rebuilds.AddColumn("projection", "varchar").NotNull();
        rebuilds.AddColumn("version", "integer").NotNull();
        rebuilds.AddColumn("build", "uuid").NotNull();
        rebuilds.AddColumn("began_at", "timestamptz").NotNull();
        rebuilds.AddColumn("position", "bigint").NotNull();
        rebuilds.AddColumn("streams", "bigint").NotNull();
        rebuilds.AddColumn("events", "bigint").NotNull();
        rebuilds.AddColumn("is_switched", "boolean").NotNull();
        yield return rebuilds;

        var parts = MartenSetup.TableNamed("rebuild_parts");
        // The foreign key keeps parts of an abandoned rebuild out.
        parts.AddColumn("rebuild_id", "uuid").AsPrimaryKey().ForeignKeyTo(rebuilds, "id");
        parts.AddColumn("first_tenant", "varchar").AsPrimaryKey();
        parts.AddColumn("first_id", "uuid").AsPrimaryKey();
        parts.AddColumn("last_tenant", "varchar").NotNull();
        parts.AddColumn("last_id", "uuid").NotNull();
        parts.AddColumn("streams", "bigint").NotNull();
        parts.AddColumn("events", "bigint").NotNull();
        yield return parts;
    }
}
