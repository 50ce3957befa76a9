using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>
/// A test is an interaction test when it is defined so, or when one of its started sessions is of that product type. One is enough:
/// should another's recorder have named another type by mistake, the scores are still there.
/// </summary>
internal static class InteractionTest
{
    /// <summary>
    /// A query of at most one row, by placeholders or columns of one account, workspace and test. The partial index
    /// ix_session_result_2_interaction holds nothing but these sessions.
    /// </summary>
    public static string Sql(string account, string workspace, string test) =>
        $"""
        (select 1 from {SessionResultTable.Name} d
         where d.tenant_id = {account} and d.workspace_id = {workspace} and d.test_id = {test} and {SessionResultTable.IsInteraction("d.")}
         limit 1)
        union all
        (select 1 from ({TestDefinitionTable.Sql("x.product_type", account, test, workspace)}) d
         where d.product_type = '{nameof(ProductType.NonThinkOutLoud)}')
        limit 1
        """;
}
