using Weasel.Core;
using Weasel.Core.Migrations;

namespace ResultsEs.EventStore;

/// <summary>The table of <see cref="SetAside"/>.</summary>
internal sealed class SetAsideSchema(Migrator migrator) : FeatureSchemaBase("set-aside", migrator)
{
    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var table = MartenSetup.TableNamed(SetAside.Name);
        table.AddColumn("worker", "varchar").AsPrimaryKey();
        table.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        table.AddColumn("id", "uuid").AsPrimaryKey();
        table.AddColumn("reason", "varchar").NotNull();
        table.AddColumn("since", "timestamptz").NotNull().DefaultValueByExpression("now()");
        table.AddColumn("last_tried_at", "timestamptz").NotNull().DefaultValueByExpression("now()");
        table.AddColumn("attempts", "integer").NotNull().DefaultValue(1);
        yield return table;
    }
}
