using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>How many sessions a test has, exactly and at a price that does not grow with them.</summary>
internal static class SessionCounts
{
    /// <summary>
    /// A query of one number: the totals, and for the sessions that the totals do not show yet, those that count now less those
    /// that were counted. In one statement with others, it counts the moment that they see.
    /// </summary>
    /// <param name="account">The placeholder of the tenant.</param>
    /// <param name="workspaces">The placeholder of the workspaces.</param>
    /// <param name="test">The placeholder of the test.</param>
    /// <param name="statuses">The placeholder of the statuses, as the columns spell them.</param>
    public static string Sql(string account, string workspaces, string test, string statuses) =>
        $"""
        select
          coalesce((
            select sum(
              case when 'InProgress' = any({statuses}) then t.in_progress else 0 end
              + case when 'Complete' = any({statuses}) then t.complete else 0 end
              + case when 'Abandoned' = any({statuses}) then t.abandoned else 0 end)
            from results.test_totals t
            where t.tenant_id = {account} and t.workspace_id = any({workspaces}) and t.test_id = {test}), 0)
          + (
            select count(d.id) - count(s.session_id)
            from (select distinct c.session_id from results.test_changes c where c.tenant_id = {account}) c
            left join {SessionResultTable.Name} d
              on d.tenant_id = {account} and d.id = c.session_id
              and d.workspace_id = any({workspaces}) and d.test_id = {test} and d.status = any({statuses})
            left join results.test_sessions s
              on s.tenant_id = {account} and s.session_id = c.session_id
              and s.workspace_id = any({workspaces}) and s.test_id = {test}
              and s.status = any({statuses}))
        """;
}
