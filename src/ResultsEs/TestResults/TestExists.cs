using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>A test is known to a caller when it is defined in one of the caller's workspaces, or has a started session there.</summary>
internal static class TestExists
{
    /// <summary>
    /// A query of at most one row, by placeholders or columns of one account, workspace and test.
    /// It is ordered as ix_session_result_2_list is, so that no planner scans the table for a session of the test instead. The definition,
    /// is looked for when there is no session.
    /// </summary>
    public static string Sql(string account, string workspace, string test) =>
        $"""
        (select 1 from {SessionResultTable.Name} d
         where d.tenant_id = {account} and d.workspace_id = {workspace} and d.test_id = {test}
         order by d.status limit 1)
        union all
        ({TestDefinitionTable.Sql("1", account, test, workspace)})
        limit 1
        """;
}
