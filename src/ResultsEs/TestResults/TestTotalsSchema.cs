using ResultsEs.EventStore;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace ResultsEs.TestResults;

/// <summary>
/// The tables of the totals of tests: <c>test_totals</c> holds the sums, <c>test_sessions</c> the part of each counted session.
/// <c>test_changes</c> and <c>test_changes_rebuilt</c> are the queues of <see cref="RecountQueue"/>.
/// </summary>
internal sealed class TestTotalsSchema(Migrator migrator) : FeatureSchemaBase("test-totals", migrator)
{
    public override IEnumerable<Type> DependentTypes() => [typeof(SessionResult)];

    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        foreach (var name in new[] { "test_changes", "test_changes_rebuilt" })
        {
            var changes = Table(name);
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
        sessions.AddColumn("nps", "jsonb").NotNull().DefaultValueByExpression("'{}'::jsonb");
        // Null in rows of a version without these columns, until their sessions are counted anew.
        sessions.AddColumn("started_at", "timestamptz");
        sessions.AddColumn("product_type", "varchar");
        // Finds a test's first session.
        sessions.Indexes.Add(new IndexDefinition("ix_test_sessions_started")
        {
            Columns = ["tenant_id", "workspace_id", "test_id", "started_at", "session_id"],
        });
        // Partial, because few sessions of a test have clips.
        sessions.Indexes.Add(new IndexDefinition("ix_test_sessions_clips")
        {
            Columns = ["tenant_id", "workspace_id", "test_id"],
            Predicate = "clips <> '{}'::uuid[]",
        });
        yield return sessions;

        var totals = Table("test_totals");
        totals.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        totals.AddColumn("workspace_id", "uuid").AsPrimaryKey();
        totals.AddColumn("test_id", "uuid").AsPrimaryKey();
        totals.AddColumn("in_progress", "bigint").NotNull();
        totals.AddColumn("complete", "bigint").NotNull();
        totals.AddColumn("abandoned", "bigint").NotNull();
        totals.AddColumn("qx", "jsonb").NotNull();
        totals.AddColumn("nps", "jsonb").NotNull().DefaultValueByExpression("'{}'::jsonb");
        totals.AddColumn("first_started_at", "timestamptz").NotNull().DefaultValueByExpression("'epoch'::timestamptz");
        totals.AddColumn("product_type", "varchar");
        totals.Indexes.Add(new IndexDefinition("ix_test_totals_started")
        {
            Columns = ["tenant_id", "workspace_id", "first_started_at", "test_id"],
        });
        yield return totals;
    }

    private static Table Table(string name) =>
        new(new PostgresqlObjectName(MartenSetup.Schema, name, SchemaUtils.IdentifierUsage.General));
}
