using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>The exact count of a test's sessions, at a cost that does not grow with their number.</summary>
internal static class SessionCounts
{
    /// <summary>
    /// A query of one number: stored totals + (current − counted) for sessions that are still queued or set aside, in one snapshot.
    /// </summary>
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
            from (
              select c.session_id from results.test_changes c where c.tenant_id = {account}
              union
              select a.id from {SetAside.Table} a where a.worker = '{TestTotals.WorkerName}' and a.tenant_id = {account}) c
            left join {SessionResultTable.Name} d
              on d.tenant_id = {account} and d.id = c.session_id
              and d.workspace_id = any({workspaces}) and d.test_id = {test} and d.status = any({statuses})
            left join results.test_sessions s
              on s.tenant_id = {account} and s.session_id = c.session_id
              and s.workspace_id = any({workspaces}) and s.test_id = {test}
              and s.status = any({statuses}))
        """;
}
