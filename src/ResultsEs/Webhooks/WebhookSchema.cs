using ResultsEs.EventStore;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Webhooks;

/// <summary>
/// The tables of webhooks. <c>webhooks</c>: the subscriptions, each with its position in the feed. <c>webhook_deliveries</c>: the messages
/// that wait to be sent, and the log of those that were. <c>webhook_completions</c>: the sessions that were told to be complete.
/// </summary>
internal sealed class WebhookSchema(Migrator migrator) : FeatureSchemaBase("webhooks", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var webhooks = MartenSetup.TableNamed("webhooks");
        webhooks.AddColumn("id", "uuid").AsPrimaryKey();
        webhooks.AddColumn("tenant_id", "varchar").NotNull();
        webhooks.AddColumn("client_id", "varchar").NotNull();
        webhooks.AddColumn("url", "varchar").NotNull();
        webhooks.AddColumn("kinds", "varchar[]").NotNull();
        webhooks.AddColumn("test_id", "uuid");
        webhooks.AddColumn("content", "varchar").NotNull();
        webhooks.AddColumn("description", "varchar");
        // Sealed: see SecretSeal.
        webhooks.AddColumn("secret", "bytea").NotNull();
        webhooks.AddColumn("former_secret", "bytea");
        webhooks.AddColumn("former_until", "timestamptz");
        webhooks.AddColumn("position", "bigint").NotNull();
        webhooks.AddColumn("disabled_at", "timestamptz");
        webhooks.AddColumn("disabled_reason", "varchar");
        // Its last attempt failed or took long: it is sent to apart from the others.
        webhooks.AddColumn("is_slow", "boolean").NotNull().DefaultValueByExpression("false");
        webhooks.AddColumn("created_at", "timestamptz").NotNull();
        webhooks.AddColumn("updated_at", "timestamptz").NotNull();
        webhooks.Indexes.Add(new IndexDefinition("ix_webhooks_client") { Columns = ["tenant_id", "client_id", "created_at"] });
        yield return webhooks;

        var deliveries = MartenSetup.TableNamed("webhook_deliveries");
        // The webhook-id of the message.
        deliveries.AddColumn("id", "uuid").AsPrimaryKey();
        deliveries.AddColumn("webhook_id", "uuid").NotNull();
        deliveries.AddColumn("kind", "varchar").NotNull();
        deliveries.AddColumn("session_id", "uuid").NotNull();
        deliveries.AddColumn("workspace_id", "uuid").NotNull();
        deliveries.AddColumn("test_id", "uuid").NotNull();
        deliveries.AddColumn("reason", "varchar");
        deliveries.AddColumn("version", "bigint").NotNull();
        deliveries.AddColumn("changed_at", "timestamptz").NotNull();
        deliveries.AddColumn("position", "bigint").NotNull();
        deliveries.AddColumn("created_at", "timestamptz").NotNull();
        deliveries.AddColumn("status", "varchar").NotNull();
        // When it is to be sent; while a node sends it, when another may. Null when nothing is left to be done.
        deliveries.AddColumn("due_at", "timestamptz");
        deliveries.AddColumn("first_at", "timestamptz");
        deliveries.AddColumn("tries", "integer").NotNull().DefaultValue(0);
        deliveries.AddColumn("attempts", "jsonb").NotNull().DefaultValueByExpression("'[]'::jsonb");
        deliveries.Indexes.Add(new IndexDefinition("ix_webhook_deliveries_due")
        {
            Columns = ["webhook_id", "due_at", "position"],
            Predicate = "due_at is not null",
        });
        deliveries.Indexes.Add(new IndexDefinition("ix_webhook_deliveries_log") { Columns = ["webhook_id", "created_at", "id"] });
        deliveries.Indexes.Add(new IndexDefinition("ix_webhook_deliveries_session")
        {
            Columns = ["webhook_id", "session_id", "created_at"],
        });
        yield return deliveries;

        var completions = MartenSetup.TableNamed("webhook_completions");
        completions.AddColumn("webhook_id", "uuid").AsPrimaryKey();
        completions.AddColumn("session_id", "uuid").AsPrimaryKey();
        yield return completions;
    }
}
