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
        DocumentColumn.Of("product_type", (TestDefinition document) => document.ProductType))
    {
        Noun = "test",
        Indexes = mapping => mapping.AddIndex("tenant_id", "workspace_id", "ordered_at", "id").Name = "ix_test_definition_ordered",
    };

    /// <summary>The table's name with its schema, for SQL.</summary>
    public static readonly string Name = Documents.QualifiedName;
}
