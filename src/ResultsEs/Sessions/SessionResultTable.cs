using Marten.Schema;
using ResultsEs.EventStore;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Sessions;

/// <summary>The table of session documents, with the columns and indexes that lists use.</summary>
internal static class SessionResultTable
{
    /// <summary>
    /// The version of the projection. Raise it with each change that makes stored events fold into different documents.
    /// Nodes of both versions can then serve side by side, each with its own documents (docs/operations/rebuild.md).
    /// </summary>
    public const int Version = 1;

    /// <summary>The type of a session's stream, as Marten stores it.</summary>
    public const string StreamType = "session_result";

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

    /// <summary>True when an event adds no type to <paramref name="taskTypes"/> and changes no other column and no total.</summary>
    private static bool MayDefer(StreamEvent data, string taskTypes) =>
        SessionEventTypes.Of(data).TaskTypesOf(data) is { } types && types.All(type => TaskType.Holds(taskTypes, type));

    // Both lead by account, workspace and test, and hold the columns of all filters: a filter looks up no row.
    private static void AddIndexes(DocumentMapping mapping)
    {
        var alias = DocumentTable.AliasOf(StreamType, Version);
        var list = mapping.AddIndex("tenant_id", "workspace_id", "test_id", "status", "listed_at", "id");
        list.Name = $"ix_{alias}_list";
        list.IncludeColumns = ["audience_id", "task_types"];
        var updated = mapping.AddIndex("tenant_id", "workspace_id", "test_id", DocumentTable.Modified, "id");
        updated.Name = $"ix_{alias}_updated";
        updated.IncludeColumns = ["status", "listed_at", "audience_id", "task_types"];
    }
}

/// <summary>The inline projection of sessions: <see cref="SessionResultFold"/>, in the transaction of the events.</summary>
internal sealed class SessionResultProjection() : DocumentProjection<SessionResult>(SessionResultTable.Documents);

/// <summary>The registration of this folder's services.</summary>
internal static class SessionsSetup
{
    /// <summary>Adds the session documents and their projection.</summary>
    public static WebApplicationBuilder AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddDocuments(SessionResultTable.Documents);
        return builder;
    }
}
