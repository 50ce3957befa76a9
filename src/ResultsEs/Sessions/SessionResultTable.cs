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
    public const int Version = 2;

    /// <summary>The type of a session's stream, as Marten stores it.</summary>
    public const string StreamType = "session_result";

    public static readonly DocumentTable<SessionResult> Documents = new(
        StreamType,
        Version,
        SessionEventTypes.All,
        SessionResultFold.Fold,
        DocumentColumn.Of("workspace_id", (SessionResult document) => document.Body.WorkspaceId),
        DocumentColumn.Of("test_id", (SessionResult document) => document.Body.TestId),
        DocumentColumn.Of("status", (SessionResult document) => document.Body.Status),
        DocumentColumn.Of("audience_id", (SessionResult document) => document.Body.AudienceId),
        DocumentColumn.Of("start_time", (SessionResult document) => document.Body.StartTime),
        DocumentColumn.Of("listed_at", (SessionResult document) => document.ListedAt),
        DocumentColumn.Of("task_types", (SessionResult document) => document.TaskTypes),
        DocumentColumn.Of(DocumentTable.Stream, (SessionResult document) => document.StreamId),
        DocumentColumn.Of(DocumentTable.Lag, (SessionResult document) => document.Lag),
        DocumentColumn.Of(DocumentTable.TaskCount, (SessionResult document) => document.TaskCount))
    {
        Noun = "session",
        Indexes = AddIndexes,
        MayDefer = MayDefer,
    };

    /// <summary>The table's name with its schema, for SQL.</summary>
    public static readonly string Name = Documents.QualifiedName;

    /// <summary>A condition: the session is one of an interaction test.</summary>
    public static string IsInteraction(string prefix) =>
        $"({prefix}data #>> '{{body,productType}}'::text[]) = 'NON_THINK_OUT_LOUD'::text";

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
        // Which tests are interaction tests is asked rarely, and must be right at once: no column, no count.
        var interaction = mapping.AddIndex("tenant_id", "workspace_id", "test_id");
        interaction.Name = $"ix_{alias}_interaction";
        interaction.Predicate = IsInteraction("");
    }
}

internal static class SessionsSetup
{
    public static WebApplicationBuilder AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddDocuments(SessionResultTable.Documents);
        return builder;
    }
}
