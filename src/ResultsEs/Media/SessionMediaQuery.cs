using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary>Reads of a session's recording and clips, limited to the caller's workspaces.</summary>
internal static class SessionMediaQuery
{
    internal static readonly DocumentQuery Query =
        new(SessionResultTable.Documents, "d.test_id, d.workspace_id, d.data -> 'fold' -> 'media'");

    /// <summary>Reads a session's test, workspace and media; null without such a session.</summary>
    public static Task<(Guid Test, Guid Workspace, SessionMedia Media)?> ReadAsync(
        ReadDatabase database, Caller caller, Guid sessionId, CancellationToken cancellation) =>
        SessionResultQuery.ReadAsync<(Guid, Guid, SessionMedia)?>(database, Query, caller, sessionId, Read, cancellation);

    private static (Guid, Guid, SessionMedia)? Read(NpgsqlDataReader reader)
    {
        var media = reader.IsDBNull(3)
            ? new SessionMedia()
            : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(3), Json.Of<SessionMedia>())!;
        return (reader.GetGuid(1), reader.GetGuid(2), media);
    }
}
