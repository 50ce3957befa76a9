using System.Reflection;
using Marten;
using Marten.Schema;

namespace ResultsEs.SessionResults;

/// <summary>
/// What the endpoints ask sessions by, as columns beside the JSON, and the two indexes that answer them: a test's
/// sessions by status and finish time, and a workspace's tests. One column each and no index each: every index is
/// written at every commit.
/// </summary>
internal sealed class SessionResultColumns : IDocumentPolicy
{
    /// <summary>The session's workspace; null until it is known.</summary>
    public const string Workspace = "workspace_id";

    private const string Test = "test_id";
    private const string Status = "status";
    private const string FinishTime = "finish_time";
    private const string Tenant = "tenant_id";

    /// <inheritdoc/>
    public void Apply(DocumentMapping mapping)
    {
        if (mapping.DocumentType != typeof(SessionResult))
            return;

        mapping.DuplicateField(Body(nameof(SessionHead.WorkspaceId)), columnName: Workspace);
        mapping.DuplicateField(Body(nameof(SessionHead.TestId)), columnName: Test);
        mapping.DuplicateField(Body(nameof(SessionHead.Status)), columnName: Status);
        mapping.DuplicateField(Body(nameof(SessionHead.FinishTime)), columnName: FinishTime);
        mapping.AddIndex(Tenant, Test, Status, FinishTime, "id").Name = "ix_session_result_test";
        mapping.AddIndex(Tenant, Workspace, Test).Name = "ix_session_result_workspace";
    }

    private static MemberInfo[] Body(string member) =>
        [typeof(SessionResult).GetProperty(nameof(SessionResult.Body))!, typeof(SessionBody).GetProperty(member)!];
}
