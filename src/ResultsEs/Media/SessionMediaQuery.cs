using System.Text.Json;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Media;

/// <summary>Reads a session's recording and clips, confined to their caller.</summary>
internal static class SessionMediaQuery
{
    internal static readonly DocumentQuery Query = SessionResultQuery.Of("d.test_id, d.workspace_id, d.data -> 'fold' -> 'media'");

    /// <summary>The session's test, workspace and media; null where there is no such session.</summary>
    public static Task<(Guid Test, Guid Workspace, SessionMedia Media)?> ReadAsync(
        ReadDatabase database, Caller caller, Guid sessionId, CancellationToken cancellation) =>
        SessionResultQuery.ReadAsync<(Guid, Guid, SessionMedia)?>(database, Query, caller, sessionId, Read, cancellation);

    private static (Guid, Guid, SessionMedia)? Read(NpgsqlDataReader reader)
    {
        var media = reader.IsDBNull(3) ? new SessionMedia() : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(3), Json.Of<SessionMedia>())!;
        return (reader.GetGuid(1), reader.GetGuid(2), media);
    }
}
