using System.Text.Json;
using Npgsql;
using ResultsEs.Access;

namespace ResultsEs.Media;

/// <summary>Reads a session's recording and clips, confined to their caller.</summary>
internal static class SessionMediaQuery
{
    // The primary key (tenant_id, id) finds the one row.
    internal const string Sql =
        """
        select d.test_id, d.workspace_id, d.data -> 'fold' -> 'media'
        from results.mt_doc_session_result d
        where d.tenant_id = $1 and d.workspace_id = any($2) and d.id = $3
        """;

    /// <summary>The session's test, workspace and media; null where there is no such session.</summary>
    public static async Task<(Guid Test, Guid Workspace, SessionMedia Media)?> ReadAsync(
        NpgsqlDataSource database, Caller caller, Guid sessionId, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(Sql, caller, sessionId);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;

        var media = reader.IsDBNull(2) ? new SessionMedia() : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(2), Json.Of<SessionMedia>())!;
        return (reader.GetGuid(0), reader.GetGuid(1), media);
    }
}
