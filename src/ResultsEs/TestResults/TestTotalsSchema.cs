using ResultsEs.EventStore;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace ResultsEs.TestResults;

/// <summary>
/// The read model of tests: what all sessions of a test come to. <c>test_changes</c> names sessions whose part in their test may
/// have changed, written in the transaction that changed it; <c>test_changes_rebuilt</c> those whose part a rebuild will change when it is through; <c>test_sessions</c> holds what of each session is counted;
/// <c>test_totals</c> holds the sums.
/// </summary>
internal sealed class TestTotalsSchema(Migrator migrator) : FeatureSchemaBase("test-totals", migrator)
{
    /// <inheritdoc/>
    public override IEnumerable<Type> DependentTypes() => [typeof(SessionResult)];

    /// <inheritdoc/>
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        foreach (var names in new[] { "test_changes", "test_changes_rebuilt" })
        {
            var changes = Table(names);
            changes.AddColumn("tenant_id", "varchar").NotNull();
            changes.AddColumn("session_id", "uuid").NotNull();
            yield return changes;
        }

        var sessions = Table("test_sessions");
        sessions.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        sessions.AddColumn("session_id", "uuid").AsPrimaryKey();
        sessions.AddColumn("workspace_id", "uuid").NotNull();
        sessions.AddColumn("test_id", "uuid").NotNull();
        sessions.AddColumn("status", "varchar").NotNull();
        sessions.AddColumn("scores", "jsonb").NotNull();
        sessions.AddColumn("clips", "uuid[]").NotNull();
        // A test's clips: few of its sessions have any.
        sessions.Indexes.Add(new IndexDefinition(ClipsIndex) { Columns = ["tenant_id", "workspace_id", "test_id"], Predicate = "clips <> '{}'::uuid[]" });
        yield return sessions;

        var totals = Table("test_totals");
        totals.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        totals.AddColumn("workspace_id", "uuid").AsPrimaryKey();
        totals.AddColumn("test_id", "uuid").AsPrimaryKey();
        totals.AddColumn("in_progress", "bigint").NotNull();
        totals.AddColumn("complete", "bigint").NotNull();
        totals.AddColumn("abandoned", "bigint").NotNull();
        totals.AddColumn("qx", "jsonb").NotNull();
        yield return totals;
    }

    /// <summary>The index of the sessions of a test that have clips.</summary>
    public const string ClipsIndex = "ix_test_sessions_clips";

    private static Table Table(string name) => new(new PostgresqlObjectName(MartenSetup.Schema, name, SchemaUtils.IdentifierUsage.General));
}
