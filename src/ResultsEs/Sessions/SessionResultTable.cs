using Marten.Schema;
using ResultsEs.Contracts;
using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>Where the documents of sessions are stored, and by what lists find them.</summary>
internal static class SessionResultTable
{
    /// <summary>
    /// The version of the projection. Raise it with each change by which stored events fold into other documents than before: nodes of both versions
    /// can then serve side by side, each with documents of its own (docs/operations/rebuild.md).
    /// </summary>
    public const int Version = 1;

    /// <summary>The type of a session's stream, as Marten names it.</summary>
    public const string StreamType = "session_result";

    /// <summary>The index of a test's sessions by status and time.</summary>
    public static readonly string ListIndex = $"ix_{DocumentTable.AliasOf(StreamType, Version)}_list";

    /// <summary>The index of a test's sessions by their last change.</summary>
    public static readonly string UpdatedIndex = $"ix_{DocumentTable.AliasOf(StreamType, Version)}_updated";

    /// <summary>The table, its columns, its events and its fold.</summary>
    public static readonly DocumentTable<SessionResult> Documents = new(
        StreamType,
        Version,
        StreamType,
        SessionEventTypes.All,
        SessionResultFold.Fold,
        DocumentColumn<SessionResult>.Of("workspace_id", document => document.Body.WorkspaceId),
        DocumentColumn<SessionResult>.Of("test_id", document => document.Body.TestId),
        DocumentColumn<SessionResult>.Of("status", document => document.Body.Status),
        DocumentColumn<SessionResult>.Of("audience_id", document => document.Body.AudienceId),
        DocumentColumn<SessionResult>.Of("start_time", document => document.Body.StartTime),
        DocumentColumn<SessionResult>.Of("listed_at", document => document.ListedAt),
        DocumentColumn<SessionResult>.Of("task_types", document => document.TaskTypes),
        DocumentColumn<SessionResult>.Of(DocumentTable.Lag, document => document.Lag))
    {
        Noun = "session",
        Indexes = AddIndexes,
        Projection = () => new SessionResultProjection(),
        MayDefer = MayDefer,
    };

    /// <summary>The table's name with its schema, for SQL.</summary>
    public static readonly string Name = Documents.QualifiedName;

    /// <summary>Whether an event changes nothing beside the document of a session that lists find by <paramref name="taskTypes"/>, and nothing that is counted.</summary>
    private static bool MayDefer(StreamEvent data, string taskTypes) =>
        SessionEventTypes.Of(data).TaskTypesOf(data) is { } types && types.All(type => TaskType.Holds(taskTypes, type));

    /// <summary>Both indexes lead by account, workspace and test, and hold what lists filter by, so that a filter looks at no row.</summary>
    private static void AddIndexes(DocumentMapping mapping)
    {
        var list = mapping.AddIndex("tenant_id", "workspace_id", "test_id", "status", "listed_at", "id");
        list.Name = ListIndex;
        list.IncludeColumns = ["audience_id", "task_types"];
        var updated = mapping.AddIndex("tenant_id", "workspace_id", "test_id", DocumentTable.Modified, "id");
        updated.Name = UpdatedIndex;
        updated.IncludeColumns = ["status", "listed_at", "audience_id", "task_types"];
    }
}
