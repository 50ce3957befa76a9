using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql.Tables;

namespace ResultsEs.EventStore;

/// <summary>
/// The tables of erasures. <c>erasures</c> says who asked for each, when and why; <c>erasure_sessions</c> which sessions it masks and
/// <c>erasure_media</c> which files are still to be deleted; <c>erased</c> is what writers look up. <c>tombstones</c> names the sessions
/// that retention has removed, for whoever keeps copies.
/// </summary>
internal sealed class ErasureSchema(Migrator migrator) : FeatureSchemaBase("erasures", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var erased = MartenSetup.TableNamed("erased");
        erased.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        erased.AddColumn("subject", "uuid").AsPrimaryKey();
        erased.AddColumn("erasure_id", "uuid").NotNull();
        erased.AddColumn("erased_at", "timestamptz").NotNull();
        yield return erased;

        var erasures = MartenSetup.TableNamed("erasures");
        erasures.AddColumn("id", "uuid").AsPrimaryKey();
        erasures.AddColumn("tenant_id", "varchar").NotNull();
        erasures.AddColumn("kind", "varchar").NotNull();
        erasures.AddColumn("subject", "uuid").NotNull();
        // The id as it was sent, until its sessions are listed.
        erasures.AddColumn("participant_id", "uuid");
        erasures.AddColumn("requested_by", "varchar").NotNull();
        erasures.AddColumn("reason", "varchar");
        erasures.AddColumn("requested_at", "timestamptz").NotNull();
        erasures.AddColumn("listed_at", "timestamptz");
        erasures.AddColumn("letters_at", "timestamptz");
        erasures.Indexes.Add(new IndexDefinition("ux_erasures_subject")
        {
            Columns = ["tenant_id", "subject"],
            IsUnique = true,
        });
        yield return erasures;

        var sessions = MartenSetup.TableNamed("erasure_sessions");
        sessions.AddColumn("erasure_id", "uuid").AsPrimaryKey();
        sessions.AddColumn("session_id", "uuid").AsPrimaryKey();
        sessions.AddColumn("tenant_id", "varchar").NotNull();
        sessions.AddColumn("done_at", "timestamptz");
        sessions.AddColumn("events", "integer");
        sessions.Indexes.Add(new IndexDefinition("ix_erasure_sessions_waiting")
        {
            Columns = ["erasure_id"],
            Predicate = "done_at is null",
        });
        yield return sessions;

        var media = MartenSetup.TableNamed("erasure_media");
        media.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        media.AddColumn("session_id", "uuid").AsPrimaryKey();
        media.AddColumn("object_key", "varchar").AsPrimaryKey();
        media.AddColumn("erasure_id", "uuid").NotNull();
        // Those who named it, by the workspaces into which they could write.
        media.AddColumn("writers", "varchar[]");
        // Of a session that was removed; of one that is there, its starts tell. Rows of before have one at most.
        media.AddColumn("workspaces", "uuid[]");
        media.AddColumn("workspace_id", "uuid");
        yield return media;

        var tombstones = MartenSetup.TableNamed("tombstones");
        tombstones.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        tombstones.AddColumn("session_id", "uuid").AsPrimaryKey();
        tombstones.AddColumn("workspace_id", "uuid");
        tombstones.AddColumn("test_id", "uuid");
        tombstones.AddColumn("removed_at", "timestamptz").NotNull();
        tombstones.Indexes.Add(new IndexDefinition("ix_tombstones_removed") { Columns = ["removed_at"] });
        yield return tombstones;
    }
}
