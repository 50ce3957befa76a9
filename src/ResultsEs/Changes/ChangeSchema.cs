using ResultsEs.EventStore;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Changes;

/// <summary>
/// The tables of the feed of changes. <c>session_changes</c>: the last change of each session, and of each place that it left.
/// <c>change_position</c>: the sequence of positions. <c>change_state</c>: one row, of <see cref="ChangeKeeper"/>.
/// <c>change_floors</c>: up to which position removals of an account are forgotten.
/// </summary>
internal sealed class ChangeSchema(Migrator migrator) : FeatureSchemaBase("changes", migrator)
{
    public override IEnumerable<Type> DependentTypes() => [typeof(SessionResult)];

    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        yield return new Sequence(
            new PostgresqlObjectName(MartenSetup.Schema, "change_position", SchemaUtils.IdentifierUsage.General));

        var changes = MartenSetup.TableNamed("session_changes");
        changes.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        changes.AddColumn("position", "bigint").AsPrimaryKey();
        // The key of the document; stream_id is that of the session, where the two differ.
        changes.AddColumn("session_id", "uuid").NotNull();
        changes.AddColumn("stream_id", "uuid");
        changes.AddColumn("workspace_id", "uuid").NotNull();
        changes.AddColumn("test_id", "uuid").NotNull();
        changes.AddColumn("version", "bigint").NotNull();
        changes.AddColumn("changed_at", "timestamptz").NotNull();
        // Why the session is gone from this place; null while it is there.
        changes.AddColumn("reason", "varchar");
        changes.Indexes.Add(new IndexDefinition("ux_session_changes_there")
        {
            Columns = ["tenant_id", "session_id"],
            IsUnique = true,
            Predicate = "reason is null",
        });
        changes.Indexes.Add(new IndexDefinition("ux_session_changes_removed")
        {
            Columns = ["tenant_id", "session_id", "workspace_id", "test_id"],
            IsUnique = true,
            Predicate = "reason is not null",
        });
        // Finds removals that are old.
        changes.Indexes.Add(new IndexDefinition("ix_session_changes_old")
        {
            Columns = ["changed_at"],
            Predicate = "reason is not null",
        });
        yield return changes;

        var state = MartenSetup.TableNamed("change_state");
        state.AddColumn("id", "integer").AsPrimaryKey();
        state.AddColumn("era", "bigint").NotNull();
        state.AddColumn("timeline", "integer").NotNull();
        // How far the sessions from before the feed are filled in, in key order.
        state.AddColumn("filled_account", "varchar").NotNull();
        state.AddColumn("filled_session", "uuid").NotNull();
        state.AddColumn("is_filled", "boolean").NotNull();
        // How far the log of events is compared with the feed.
        state.AddColumn("checked", "bigint").NotNull();
        yield return state;

        var floors = MartenSetup.TableNamed("change_floors");
        floors.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        floors.AddColumn("position", "bigint").NotNull();
        yield return floors;
    }
}
