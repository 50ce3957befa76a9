using ResultsEs.Access;
using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>Reads of one session in one round trip, limited to the caller's workspaces.</summary>
internal static class SessionResultQuery
{
    /// <summary>Reads the one column of <paramref name="query"/>, which is JSON; null without a row.</summary>
    public static Task<byte[]?> ReadAsync(
        ReadDatabase database, DocumentQuery query, Caller caller, Guid session, CancellationToken cancellation) =>
        ReadAsync(database, query, caller, session, reader => reader.IsDBNull(1) ? null : reader.GetFieldValue<byte[]>(1), cancellation);

    /// <summary>Reads the row of <paramref name="query"/>; the default value without a row. Its columns begin at 1.</summary>
    public static Task<T?> ReadAsync<T>(
        ReadDatabase database, DocumentQuery query, Caller caller, Guid session, Func<NpgsqlDataReader, T?> read,
        CancellationToken cancellation) =>
        database.ReadDocumentAsync(query, new StreamKey(Tenant.Of(caller.Account), session), caller.Workspaces, read, cancellation);
}
