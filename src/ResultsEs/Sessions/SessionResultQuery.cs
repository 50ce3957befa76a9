using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>Reads of one session in one round trip, confined to its caller.</summary>
internal static class SessionResultQuery
{
    /// <summary>
    /// A statement of at most one row: by account ($1), workspaces ($2) and session ($3), whether the document <c>d</c> is behind its stream, and then
    /// <paramref name="columns"/>. A document that is behind is found whoever asks, and nothing of it may be sent.
    /// </summary>
    /// <param name="columns">What is asked.</param>
    /// <param name="join">What else it is asked of.</param>
    public static string Sql(string columns, string join = "") =>
        // The primary keys (tenant_id, id) find the two rows; a session outside the caller's workspaces is no row.
        $"""
        select d.mt_version is distinct from s.version, {columns}
        from {MartenSetup.Schema}.mt_streams s
        left join {SessionResultTable.Name} d on d.tenant_id = s.tenant_id and d.id = s.id
        {join}
        where s.tenant_id = $1 and s.id = $3 and s.type = '{SessionResultTable.StreamType}'
          and (d.workspace_id = any($2) or d.mt_version is distinct from s.version)
        """;

    /// <summary>The JSON that is the one column of <paramref name="sql"/>, which <see cref="Sql"/> made; null where there is no such row.</summary>
    public static Task<byte[]?> ReadAsync(ReadDatabase database, string sql, Caller caller, Guid sessionId, CancellationToken cancellation) =>
        ReadAsync(database, sql, caller, sessionId, reader => reader.IsDBNull(1) ? null : reader.GetFieldValue<byte[]>(1), cancellation);

    /// <summary>The row of <paramref name="sql"/>, which <see cref="Sql"/> made; the default where there is none. The columns begin at 1.</summary>
    public static async Task<T?> ReadAsync<T>(
        ReadDatabase database, string sql, Caller caller, Guid sessionId, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation)
    {
        var row = await database.ReadAsync(
            (source, stop) => database.Kept(source).ReadRowAsync(sql, caller, sessionId, Row, stop), cancellation, isGood: row => !row.IsBehind);
        if (row.IsBehind)
        {
            // The session is long, or a node of another version has written to it: what is stored is folded before anything is sent. Standbys may not show it yet.
            var stream = new StreamKey(Tenant.Of(caller.Account), sessionId);
            row = await Refolding.CatchUpAsync(database.Primary, SessionResultTable.Documents, stream, CaughtUpAsync, cancellation);
        }

        return row.Value;

        (bool IsBehind, T? Value) Row(NpgsqlDataReader reader) => reader.GetBoolean(0) ? (true, default) : (false, read(reader));

        async Task<(bool IsBehind, T? Value)> CaughtUpAsync(NpgsqlConnection connection)
        {
            await using var command = connection.CreateCommand(sql, caller, sessionId);
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? Row(reader) : default;
        }
    }
}
