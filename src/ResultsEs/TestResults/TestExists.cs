using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>Whether a test is known to a caller: whether one of its sessions, started, lies in the caller's workspaces.</summary>
internal static class TestExists
{
    /// <summary>
    /// A query of at most one row for each workspace. The order is the index's (<see cref="SessionResultTable.ListIndex"/>), so that no
    /// planner thinks it quicker to look through the table until a session of the test turns up.
    /// </summary>
    /// <param name="account">The placeholder of the tenant.</param>
    /// <param name="workspace">The placeholder, or the column, of one workspace.</param>
    /// <param name="test">The placeholder of the test.</param>
    public static string Sql(string account, string workspace, string test) =>
        $"""
        select 1 from {SessionResultTable.Name} d
        where d.tenant_id = {account} and d.workspace_id = {workspace} and d.test_id = {test}
        order by d.status limit 1
        """;
}
