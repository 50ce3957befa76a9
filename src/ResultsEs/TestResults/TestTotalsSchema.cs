using ResultsEs.EventStore;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql.Tables;

namespace ResultsEs.TestResults;

/// <summary>
/// The tables of the totals of tests. <c>test_totals</c>: their sessions by status. <c>test_group_totals</c>: the sums of each task
/// group. <c>test_group_labels</c>: its sessions by label. <c>test_nps_totals</c>: the answers to each NPS task.
/// <c>test_sessions</c>: the part of each counted session. <c>test_changes</c> and <c>test_changes_rebuilt</c> are the queues of
/// <see cref="RecountQueue"/>.
/// </summary>
internal sealed class TestTotalsSchema(Migrator migrator) : FeatureSchemaBase("test-totals", migrator)
{
    public override IEnumerable<Type> DependentTypes() => [typeof(SessionResult)];

    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        foreach (var name in new[] { "test_changes", "test_changes_rebuilt" })
        {
            var changes = MartenSetup.TableNamed(name);
            changes.AddColumn("tenant_id", "varchar").NotNull();
            changes.AddColumn("session_id", "uuid").NotNull();
            // Accounts take turns.
            changes.Indexes.Add(new IndexDefinition($"ix_{name}_tenant") { Columns = ["tenant_id"] });
            yield return changes;
        }

        var sessions = MartenSetup.TableNamed("test_sessions");
        sessions.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        sessions.AddColumn("session_id", "uuid").AsPrimaryKey();
        sessions.AddColumn("workspace_id", "uuid").NotNull();
        sessions.AddColumn("test_id", "uuid").NotNull();
        sessions.AddColumn("status", "varchar").NotNull();
        // The parts as nodes of the version before count them; empty in rows that this one has counted.
        sessions.AddColumn("scores", "jsonb").NotNull();
        sessions.AddColumn("clips", "uuid[]").NotNull();
        sessions.AddColumn("nps", "jsonb").NotNull().DefaultValueByExpression("'{}'::jsonb");
        // Null in rows of a version without these columns, until their sessions are counted anew.
        sessions.AddColumn("started_at", "timestamptz");
        sessions.AddColumn("product_type", "varchar");
        sessions.AddColumn("counted_scores", "jsonb");
        sessions.AddColumn("counted_nps", "jsonb");
        // Finds what a node of the version before has counted.
        sessions.Indexes.Add(new IndexDefinition("ix_test_sessions_scores_before")
        {
            Columns = ["tenant_id", "session_id"],
            Predicate = "scores <> '{}'::jsonb",
        });
        sessions.Indexes.Add(new IndexDefinition("ix_test_sessions_nps_before")
        {
            Columns = ["tenant_id", "session_id"],
            Predicate = "nps <> '{}'::jsonb",
        });
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

        var totals = MartenSetup.TableNamed("test_totals");
        totals.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        totals.AddColumn("workspace_id", "uuid").AsPrimaryKey();
        totals.AddColumn("test_id", "uuid").AsPrimaryKey();
        totals.AddColumn("in_progress", "bigint").NotNull();
        totals.AddColumn("complete", "bigint").NotNull();
        totals.AddColumn("abandoned", "bigint").NotNull();
        // The sums of the version before.
        totals.AddColumn("qx", "jsonb").NotNull();
        totals.AddColumn("nps", "jsonb").NotNull().DefaultValueByExpression("'{}'::jsonb");
        totals.AddColumn("first_started_at", "timestamptz").NotNull().DefaultValueByExpression("'epoch'::timestamptz");
        totals.AddColumn("product_type", "varchar");
        totals.Indexes.Add(new IndexDefinition("ix_test_totals_started")
        {
            Columns = ["tenant_id", "workspace_id", "first_started_at", "test_id"],
        });
        yield return totals;

        var groups = OfTest("test_group_totals", "group_id");
        groups.AddColumn("sessions", "bigint").NotNull();
        groups.AddColumn("sums", "jsonb").NotNull();
        groups.Indexes.Add(new IndexDefinition("ix_test_group_totals_sessions")
        {
            Columns = ["tenant_id", "workspace_id", "test_id", "sessions"],
        });
        yield return groups;

        var labels = OfTest("test_group_labels", "group_id");
        // A hash, because a label is too long for an index. "place" is its begin, for the order among labels of as many sessions.
        labels.AddColumn("label_id", "bytea").AsPrimaryKey();
        labels.AddColumn("label", "varchar").NotNull();
        labels.AddColumn("place", "bytea").NotNull();
        labels.AddColumn("sessions", "bigint").NotNull();
        labels.Indexes.Add(new IndexDefinition("ix_test_group_labels_sessions")
        {
            Columns = ["tenant_id", "workspace_id", "test_id", "group_id", "sessions", "place"],
        });
        yield return labels;

        var nps = OfTest("test_nps_totals", "task_id");
        nps.AddColumn("answers", "bigint").NotNull();
        nps.AddColumn("promoters", "bigint").NotNull();
        nps.AddColumn("passives", "bigint").NotNull();
        nps.AddColumn("detractors", "bigint").NotNull();
        nps.Indexes.Add(new IndexDefinition("ix_test_nps_totals_answers")
        {
            Columns = ["tenant_id", "workspace_id", "test_id", "answers"],
        });
        yield return nps;
    }

    private static Table OfTest(string name, string part)
    {
        var table = MartenSetup.TableNamed(name);
        table.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        foreach (var key in new[] { "workspace_id", "test_id", part })
            table.AddColumn(key, "uuid").AsPrimaryKey();
        return table;
    }
}
