using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Access;

/// <summary>The table of clients. A revoked one stays for a while, without its secrets, so that nobody gets its id.</summary>
internal sealed class ClientsSchema(Migrator migrator) : FeatureSchemaBase("clients", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var table = new Table(new PostgresqlObjectName("results", "clients", SchemaUtils.IdentifierUsage.General));
        table.AddColumn("id", "varchar").AsPrimaryKey();
        table.AddColumn("account", "uuid").NotNull();
        table.AddColumn("name", "varchar").NotNull();
        table.AddColumn("workspaces", "uuid[]").NotNull();
        table.AddColumn("scopes", "varchar[]").NotNull();
        table.AddColumn("reads_per_minute", "integer");
        table.AddColumn("writes_per_minute", "integer");
        table.AddColumn("secret_hash", "varchar");
        table.AddColumn("secret_since", "timestamptz").NotNull();
        table.AddColumn("old_secret_hash", "varchar");
        table.AddColumn("old_secret_until", "timestamptz");
        table.AddColumn("created_at", "timestamptz").NotNull();
        table.AddColumn("created_by", "varchar").NotNull();
        table.AddColumn("last_used_at", "timestamptz");
        table.AddColumn("revoked_at", "timestamptz");
        table.Indexes.Add(new IndexDefinition("ix_clients_account") { Columns = ["account", "id"] });
        yield return table;
    }
}
