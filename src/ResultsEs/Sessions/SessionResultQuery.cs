using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.EventStore;

namespace ResultsEs.Sessions;

/// <summary>Reads of one session in one round trip, confined to its caller.</summary>
internal static class SessionResultQuery
{
    /// <summary>A statement of one session.</summary>
    /// <param name="columns">What is asked of the document <c>d</c>.</param>
    /// <param name="join">What else it is asked of.</param>
    public static DocumentQuery Of(string columns, string join = "") => new(SessionResultTable.Documents, columns, join);

    /// <summary>The JSON that is the one column of <paramref name="query"/>; null where there is no such row.</summary>
    public static Task<byte[]?> ReadAsync(ReadDatabase database, DocumentQuery query, Caller caller, Guid session, CancellationToken cancellation) =>
        ReadAsync(database, query, caller, session, reader => reader.IsDBNull(1) ? null : reader.GetFieldValue<byte[]>(1), cancellation);

    /// <summary>The row of <paramref name="query"/>, whose columns begin at 1; the default where there is none.</summary>
    public static Task<T?> ReadAsync<T>(
        ReadDatabase database, DocumentQuery query, Caller caller, Guid session, Func<NpgsqlDataReader, T?> read, CancellationToken cancellation) =>
        database.ReadDocumentAsync(query, new StreamKey(Tenant.Of(caller.Account), session), caller.Workspaces, read, cancellation);
}
