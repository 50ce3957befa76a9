using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Exports;

/// <summary>
/// Reads the documents of exports from the primary, in short queries on the pool of exports: while a client or a disk is waited for,
/// nothing in the database is held.
/// </summary>
internal sealed partial class SessionSource(ReadDatabase database, ILogger<SessionSource> logger)
{
    /// <summary>The most keys that are read ahead, of 16 bytes each.</summary>
    private const int KeysAtOnce = 50_000;

    // The bytes of documents after which a page ends.
    private const int PageBytes = 1024 * 1024;

    /// <summary>The most sessions of a page.</summary>
    public const int PageSessions = 200;

    // Sorted by id, so that no session is met twice, whatever changes meanwhile. By the primary key (tenant_id, id); those of a test by
    // ix_session_result_2_list, sorted each time.
    private static readonly string KeysSql = KeysSqlOf("");
    private static readonly string KeysOfTestSql = KeysSqlOf("and d.test_id = $5");

    private static readonly DocumentQuery Whole = new(
        SessionResultTable.Documents, $"d.data, d.{DocumentTable.Modified}, d.{DocumentTable.VersionColumn}, d.test_id");

    private NpgsqlDataSource Exports => database.ExportsOf(database.Primary);

    /// <summary>Reads the keys of the next documents after one, in their order; none at the end.</summary>
    public async Task<List<Guid>> KeysAsync(ExportScope scope, Guid after, CancellationToken cancellation)
    {
        var command = Exports.CreateCommand(scope.TestId is null ? KeysSql : KeysOfTestSql);
        command.CommandTimeout = 0;
        object?[] all = [scope.Tenant, scope.Workspaces, after, KeysAtOnce];
        return await command.ReadAllAsync(
            scope.TestId is { } test ? [.. all, test] : all, reader => reader.GetGuid(0), cancellation);
    }

    /// <summary>Counts the sessions, by the totals of tests; they may lag a little.</summary>
    public Task<long> CountAsync(ExportScope scope, CancellationToken cancellation) =>
        // The primary key (tenant_id, workspace_id, test_id, …).
        database.Primary.CreateCommand(
            """
            select coalesce(sum(t.in_progress + t.complete + t.abandoned), 0)::bigint from results.test_totals t
            where t.tenant_id = $1 and t.workspace_id = any($2) and ($3::uuid is null or t.test_id = $3)
            """).ReadValueAsync<long>([scope.Tenant, scope.Workspaces, scope.TestId], cancellation);

    /// <summary>
    /// Reads a page of documents by up to <see cref="PageSessions"/> keys in their order. Those outside the scope, and those that are not
    /// meant, are passed over. Returns how many of the keys are done.
    /// </summary>
    public async Task<int> ReadAsync(
        ExportScope scope, IReadOnlyList<Guid> keys, Func<UnreadSession, bool> isMeant, Action<StoredSession> found,
        Action<UnreadSession> failed, CancellationToken cancellation)
    {
        var page = keys.ToArray();
        var alone = new List<UnreadSession>();
        int done;
        try
        {
            done = await ReadAsync(scope, page, withDocuments: true, isMeant, found, alone, cancellation);
        }
        catch (PostgresException e) when (TakenApart.IsItemsOwn(e))
        {
            // A document cannot be read. Nothing was handed on: the rows come with the first of them.
            done = await ReadAsync(scope, page, withDocuments: false, isMeant, found, alone, cancellation);
        }

        foreach (var session in alone.Where(isMeant))
            await ReadAloneAsync(scope, session, found, failed, cancellation);
        return done;
    }

    private async Task<int> ReadAsync(
        ExportScope scope, Guid[] page, bool withDocuments, Func<UnreadSession, bool> isMeant, Action<StoredSession> found,
        List<UnreadSession> alone, CancellationToken cancellation)
    {
        // The primary key (tenant_id, id).
        await using var command = Exports.CreateCommand(
            $"""
            select d.id, coalesce(d.{DocumentTable.Stream}, d.id), d.workspace_id, d.test_id, d.{DocumentTable.Modified},
              d.{DocumentTable.VersionColumn},
              case when $5 and not {DocumentQuery.Lags(SessionResultTable.Documents, database.ComparesStreams)} then d.data end
            from {SessionResultTable.Name} d
            where d.tenant_id = $1 and d.id = any($2) and d.workspace_id = any($3) and ($4::uuid is null or d.test_id = $4)
            order by d.id
            """);
        command.Parameters.AddAll(scope.Tenant, page, scope.Workspaces, scope.TestId, withDocuments);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (bytes, read) = (0, new List<(UnreadSession Session, byte[]? Json)>());
        while (bytes < PageBytes && await reader.ReadAsync(cancellation))
        {
            var json = reader.IsDBNull(6) ? null : reader.GetFieldValue<byte[]>(6);
            bytes += json?.Length ?? 0;
            read.Add((
                new UnreadSession(
                    reader.GetGuid(0), reader.GetGuid(1), reader.GetGuid(2), reader.GetGuid(3),
                    reader.GetFieldValue<DateTimeOffset>(4), reader.GetInt64(5)),
                json));
        }

        foreach (var (session, json) in read)
        {
            if (json is null)
                alone.Add(session);
            else if (isMeant(session))
                Show(session, json, found);
        }

        return bytes < PageBytes ? page.Length : Array.IndexOf(page, read[^1].Session.Key) + 1;
    }

    /// <summary>Reads a session whose document lags, or cannot be read with others.</summary>
    private async Task ReadAloneAsync(
        ExportScope scope, UnreadSession session, Action<StoredSession> found, Action<UnreadSession> failed,
        CancellationToken cancellation)
    {
        try
        {
            var key = new StreamKey(scope.Tenant, session.SessionId);
            var row = await database.ReadDocumentAsync(
                Whole, key, [session.WorkspaceId],
                reader => (Json: reader.GetFieldValue<byte[]>(1), Session: session with
                {
                    Updated = reader.GetFieldValue<DateTimeOffset>(2),
                    Version = reader.GetInt64(3),
                    TestId = reader.GetGuid(4),
                }), cancellation, onPrimary: true);
            // It went meanwhile, or is in another test now.
            if (row.Json is not null && (scope.TestId ?? row.Session.TestId) == row.Session.TestId)
                Show(row.Session, row.Json, found);
        }
        catch (Exception e) when (TakenApart.IsItemsOwn(e))
        {
            NotGiven(logger, session.SessionId, e);
            failed(session with { Problem = ExportLine.ReasonOf(e) });
        }
    }

    private static string KeysSqlOf(string condition) =>
        $"""
        select d.id from {SessionResultTable.Name} d
        where d.tenant_id = $1 and d.workspace_id = any($2) {condition} and d.id > $3
        order by d.id limit $4
        """;

    private static void Show(UnreadSession session, byte[] json, Action<StoredSession> found)
    {
        using var document = JsonDocument.Parse(json);
        found(new StoredSession(
            session.SessionId, session.WorkspaceId, session.TestId, session.Updated, session.Version, document.RootElement));
    }

    [LoggerMessage(4501, LogLevel.Error, "Session {Session} is a problem in an export of tables, because its result cannot be made")]
    private static partial void NotGiven(ILogger logger, Guid session, Exception exception);
}

/// <summary>A session whose document is not read yet, or cannot be.</summary>
internal sealed record UnreadSession(
    Guid Key, Guid SessionId, Guid WorkspaceId, Guid TestId, DateTimeOffset Updated, long Version)
{
    /// <summary>Why its result cannot be given.</summary>
    public string Problem { get; init; } = "";
}
