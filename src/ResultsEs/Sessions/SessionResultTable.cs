using NpgsqlTypes;
using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>Where the documents of sessions are stored.</summary>
internal static class SessionResultTable
{
    /// <summary>
    /// The version of the projection. Raise it with each change by which stored events fold into other documents than before: nodes of both versions can then
    /// serve side by side, each with documents of its own (docs/operations/rebuild.md).
    /// </summary>
    public const int Version = 1;

    /// <summary>The type of a session's stream, as Marten names it.</summary>
    public const string StreamType = "session_result";

    /// <summary>The column of the task types by which lists find a session.</summary>
    public const string TaskTypesColumn = "task_types";

    /// <summary>The table, its columns and its fold.</summary>
    public static readonly DocumentTable Documents = DocumentTable.Of<SessionResult>(
        "session_result",
        Version,
        StreamType,
        SessionResultFold.Fold,
        ("workspace_id", NpgsqlDbType.Uuid, document => document.Body.WorkspaceId),
        ("test_id", NpgsqlDbType.Uuid, document => document.Body.TestId),
        ("status", NpgsqlDbType.Varchar, document => document.Body.Status.ToString()),
        ("audience_id", NpgsqlDbType.Uuid, document => document.Body.AudienceId),
        ("start_time", NpgsqlDbType.TimestampTz, document => document.Body.StartTime?.UtcDateTime),
        ("listed_at", NpgsqlDbType.TimestampTz, document => document.ListedAt?.UtcDateTime),
        (TaskTypesColumn, NpgsqlDbType.Varchar, document => document.TaskTypes));

    /// <summary>The table's name with its schema, for SQL.</summary>
    public static readonly string Name = $"{MartenSetup.Schema}.{Documents.Name}";
}
