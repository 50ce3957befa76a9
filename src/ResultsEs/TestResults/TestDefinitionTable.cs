using ResultsEs.EventStore;

namespace ResultsEs.TestResults;

/// <summary>The table of tests' definitions, with the columns and the index that lists of tests use.</summary>
internal static class TestDefinitionTable
{
    public static readonly DocumentTable<TestDefinition> Documents = new(
        TestDefinition.Alias,
        version: 1,
        TestDefinitionEventTypes.All,
        TestDefinitionFold.Fold,
        DocumentColumn.Of("workspace_id", (TestDefinition document) => document.WorkspaceId),
        DocumentColumn.Of("ordered_at", (TestDefinition document) => document.OrderedAt),
        DocumentColumn.Of("title", (TestDefinition document) => document.Title),
        DocumentColumn.Of("product_type", (TestDefinition document) => document.ProductType),
        DocumentColumn.Of(DocumentTable.Stream, (TestDefinition document) => document.StreamId))
    {
        Noun = "test",
        Indexes = mapping => mapping.AddIndex("tenant_id", "workspace_id", "ordered_at", "id").Name = "ix_test_definition_ordered",
    };

    /// <summary>The table's name with its schema, for SQL.</summary>
    public static readonly string Name = Documents.QualifiedName;

    /// <summary>
    /// A query of at most one row: the definition of a test in a workspace. The primary key (tenant_id, id) finds it, or the partial
    /// index of (tenant_id, stream_id), which is asked where the first has none.
    /// </summary>
    public static string Sql(string columns, string account, string test, string workspace) =>
        $"""
        (select {columns} from {Name} x where x.tenant_id = {account} and x.id = {test} and x.workspace_id = {workspace})
        union all
        (select {columns} from {Name} x
         where x.tenant_id = {account} and x.{DocumentTable.Stream} = {test} and x.{DocumentTable.Stream} is not null
           and x.workspace_id = {workspace})
        limit 1
        """;
}
