using ResultsEs.EventStore;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Summaries;

/// <summary>
/// The tables of summaries. <c>summary_tests</c>: a number for each test in a workspace, by which the others name it.
/// <c>summary_items</c>: what is counted, with the number of rows that name it. <c>summary_sessions</c>, <c>summary_tasks</c>,
/// <c>summary_scores</c>: a row a session, a task of a session, a score of a session, each in one index that holds all that is counted.
/// <c>summary_progress</c>: how far each account's changes are followed.
/// </summary>
internal sealed class SummarySchema(Migrator migrator) : FeatureSchemaBase("summaries", migrator)
{
    public override IEnumerable<Type> DependentTypes() => [typeof(SessionResult)];

    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        yield return new Sequence(
            new PostgresqlObjectName(MartenSetup.Schema, "summary_test_key", SchemaUtils.IdentifierUsage.General));

        var tests = MartenSetup.TableNamed("summary_tests");
        tests.AddColumn("test_key", "bigint").AsPrimaryKey();
        tests.AddColumn("tenant_id", "varchar").NotNull();
        tests.AddColumn("workspace_id", "uuid").NotNull();
        tests.AddColumn("test_id", "uuid").NotNull();
        // The number of the next item.
        tests.AddColumn("next_item", "integer").NotNull();
        tests.AddColumn("last_stored_at", "timestamptz").NotNull();
        tests.Indexes.Add(new IndexDefinition("ux_summary_tests")
        {
            Columns = ["tenant_id", "workspace_id", "test_id"],
            IsUnique = true,
        });
        tests.Indexes.Add(new IndexDefinition("ix_summary_tests_stored")
        {
            Columns = ["tenant_id", "workspace_id", "last_stored_at", "test_id"],
        });
        yield return tests;

        var items = MartenSetup.TableNamed("summary_items");
        items.AddColumn("test_key", "bigint").AsPrimaryKey();
        items.AddColumn("item", "integer").AsPrimaryKey();
        items.AddColumn("part_id", "uuid").NotNull();
        items.AddColumn("digest", "uuid").NotNull();
        items.AddColumn("kind", "smallint").NotNull();
        items.AddColumn("uses", "bigint").NotNull();
        items.AddColumn("data", "jsonb").NotNull();
        items.Indexes.Add(new IndexDefinition("ux_summary_items_digest")
        {
            Columns = ["test_key", "part_id", "digest"],
            IsUnique = true,
        });
        yield return items;

        var sessions = MartenSetup.TableNamed("summary_sessions");
        sessions.AddColumn("test_key", "bigint").NotNull();
        sessions.AddColumn("start_time", "timestamptz").NotNull();
        sessions.AddColumn("document_id", "uuid").NotNull();
        sessions.AddColumn("tenant_id", "varchar").NotNull();
        sessions.AddColumn("session_id", "uuid").NotNull();
        sessions.AddColumn("status", "smallint").NotNull();
        // Items: its audience and demographic answers; its tasks, negative where skipped; the labels of its scores.
        sessions.AddColumn("traits", "integer[]").NotNull();
        sessions.AddColumn("tasks", "integer[]").NotNull();
        sessions.AddColumn("labels", "integer[]").NotNull();
        sessions.Indexes.Add(new IndexDefinition("ux_summary_sessions")
        {
            Columns = ["test_key", "start_time", "document_id"],
            IsUnique = true,
            IncludeColumns = ["status", "traits", "tasks"],
        });
        sessions.Indexes.Add(new IndexDefinition("ix_summary_sessions_session") { Columns = ["tenant_id", "session_id"] });
        yield return sessions;

        var tasks = MartenSetup.TableNamed("summary_tasks");
        tasks.AddColumn("test_key", "bigint").NotNull();
        tasks.AddColumn("task_id", "uuid").NotNull();
        tasks.AddColumn("start_time", "timestamptz").NotNull();
        tasks.AddColumn("document_id", "uuid").NotNull();
        tasks.AddColumn("duration_ms", "bigint");
        // Items: the task, negative where skipped; what is counted of the answer, negative what was there and not chosen.
        tasks.AddColumn("items", "integer[]").NotNull();
        tasks.AddColumn("words", "varchar");
        tasks.Indexes.Add(new IndexDefinition("ux_summary_tasks")
        {
            Columns = ["test_key", "task_id", "start_time", "document_id"],
            IsUnique = true,
            IncludeColumns = ["duration_ms", "items"],
        });
        yield return tasks;

        var scores = MartenSetup.TableNamed("summary_scores");
        scores.AddColumn("test_key", "bigint").NotNull();
        scores.AddColumn("group_id", "uuid").NotNull();
        scores.AddColumn("start_time", "timestamptz").NotNull();
        scores.AddColumn("document_id", "uuid").NotNull();
        scores.AddColumn("label", "integer").NotNull();
        foreach (var value in SummaryTable.ScoreColumns)
        {
            var column = scores.AddColumn(value, "integer");
            if (value != SummaryTable.Behavioral)
                column.NotNull();
        }

        scores.AddColumn("behavioral_values", "integer[]").NotNull();
        scores.Indexes.Add(new IndexDefinition("ux_summary_scores")
        {
            Columns = ["test_key", "group_id", "start_time", "document_id"],
            IsUnique = true,
            IncludeColumns = ["label", .. SummaryTable.ScoreColumns, "behavioral_values"],
        });
        yield return scores;

        var progress = MartenSetup.TableNamed("summary_progress");
        progress.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        progress.AddColumn("position", "bigint").NotNull();
        progress.AddColumn("complete_to", "timestamptz").NotNull();
        yield return progress;
    }
}
