using System.Reflection;
using Marten;
using Marten.Schema;

namespace ResultsEs.Sessions;

/// <summary>
/// What the endpoints ask sessions by, as columns beside the JSON, and the two indexes that answer them: a test's sessions
/// by status and time, and those that changed. Both lead by account, workspace and test, and hold what lists filter by, so that a
/// filter looks at no row.
/// </summary>
internal sealed class SessionResultColumns : IDocumentPolicy
{
    /// <summary>The index of a test's sessions by status and time.</summary>
    public static readonly string ListIndex = $"ix_{SessionResultTable.Documents.Alias}_list";

    /// <summary>The index of a test's sessions by their last change.</summary>
    public static readonly string UpdatedIndex = $"ix_{SessionResultTable.Documents.Alias}_updated";

    private const string Tenant = "tenant_id";
    private const string Workspace = "workspace_id";
    private const string Test = "test_id";
    private const string Status = "status";
    private const string Audience = "audience_id";
    private const string Listed = "listed_at";
    private const string TaskTypes = SessionResultTable.TaskTypesColumn;
    private const string Updated = "mt_last_modified";

    /// <inheritdoc/>
    public void Apply(DocumentMapping mapping)
    {
        if (mapping.DocumentType != typeof(SessionResult))
            return;

        mapping.DuplicateField(Body(nameof(SessionHead.WorkspaceId)), columnName: Workspace);
        mapping.DuplicateField(Body(nameof(SessionHead.TestId)), columnName: Test);
        mapping.DuplicateField(Body(nameof(SessionHead.Status)), columnName: Status);
        mapping.DuplicateField(Body(nameof(SessionHead.AudienceId)), columnName: Audience);
        mapping.DuplicateField(Body(nameof(SessionHead.StartTime)), columnName: "start_time");
        mapping.DuplicateField([typeof(SessionResult).GetProperty(nameof(SessionResult.ListedAt))!], columnName: Listed);
        mapping.DuplicateField([typeof(SessionResult).GetProperty(nameof(SessionResult.TaskTypes))!], columnName: TaskTypes);

        var list = mapping.AddIndex(Tenant, Workspace, Test, Status, Listed, "id");
        list.Name = ListIndex;
        list.IncludeColumns = [Audience, TaskTypes];
        var updated = mapping.AddIndex(Tenant, Workspace, Test, Updated, "id");
        updated.Name = UpdatedIndex;
        updated.IncludeColumns = [Status, Listed, Audience, TaskTypes];
    }

    private static MemberInfo[] Body(string member) =>
        [typeof(SessionResult).GetProperty(nameof(SessionResult.Body))!, typeof(SessionBody).GetProperty(member)!];
}
