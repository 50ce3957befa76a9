using ResultsEs.EventStore;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Explorer;

/// <summary>The table of browser sessions. No row holds what a cookie holds, or a token that can be read.</summary>
internal sealed class BrowserSessionsSchema(Migrator migrator) : FeatureSchemaBase("browser_sessions", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var table = MartenSetup.TableNamed("browser_sessions");
        // SHA-256 of the cookie's id.
        table.AddColumn("id_hash", "bytea").AsPrimaryKey();
        // As callers are named: a client's id, or an issuer and its subject.
        table.AddColumn("caller", "varchar").NotNull();
        table.AddColumn("issuer", "varchar");
        // Of a client: which of its secrets was given, as SHA-256 of the secret's hash.
        table.AddColumn("secret_print", "bytea");
        // Of an issuer: its tokens, sealed; see SecretSeal.
        table.AddColumn("tokens", "bytea");
        table.AddColumn("token_ends_at", "timestamptz");
        // While a node renews the tokens, until when no other does.
        table.AddColumn("renewing_until", "timestamptz");
        table.AddColumn("is_automatic", "boolean").NotNull();
        table.AddColumn("created_at", "timestamptz").NotNull();
        table.AddColumn("used_at", "timestamptz").NotNull();
        table.Indexes.Add(new IndexDefinition("ix_browser_sessions_caller") { Columns = ["caller", "created_at"] });
        yield return table;
    }
}
