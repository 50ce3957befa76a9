using Npgsql;
using ResultsEs.Access;

namespace ResultsEs.SessionResults;

/// <summary>Reads one session's stored JSON in one round trip, confined to its caller.</summary>
internal static class SessionResultQuery
{
    /// <summary>The JSON that <paramref name="sql"/> selects by account ($1), workspaces ($2) and session ($3); null where there is no such row.</summary>
    public static async Task<byte[]?> ReadAsync(NpgsqlDataSource database, string sql, Caller caller, Guid sessionId, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand(sql, caller, sessionId);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? await reader.GetFieldValueAsync<byte[]>(0, cancellation) : null;
    }
}
