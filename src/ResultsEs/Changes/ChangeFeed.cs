using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.TestResults;

namespace ResultsEs.Changes;

/// <summary>Removals behind a cursor are kept no longer, so a copy that goes on there would keep what went.</summary>
internal sealed class ChangesGoneException() : Exception("Removals behind this position of the feed are kept no longer.");

/// <summary>The feed cannot be read before the sessions that are older than it are filled in.</summary>
internal sealed class FeedNotFilledException() : Exception("The feed is being filled with the sessions from before.");

/// <summary>
/// The feed of changes: the last change of each session of an account, in an order that never shows a later change before one that was
/// still uncommitted. It is read from the primary, in short queries: nothing in the database waits for a reader.
/// </summary>
public sealed partial class ChangeFeed
{
    /// <summary>The most changes of a page.</summary>
    internal const int MaxLimit = 1_000;

    /// <summary>A page with bodies ends behind the document that reaches this.</summary>
    internal const int PageBytes = 1024 * 1024;

    // With bodies, the rows that are looked up for a page: of most documents not as many fit it.
    private const int BodiesAtOnce = 200;

    // What is passed over for others' workspaces and tests, before a page ends without having found enough.
    private const int ScannedAtOnce = 5_000;

    // A document in a row that is older than the column with its size.
    private const int UnknownBytes = 16 * 1024;

    private static readonly DocumentQuery Body = new(SessionResultTable.Documents, "d.data -> 'body'");

    // The primary key (tenant_id, position), in its order, and those of documents (tenant_id, id) one by one. The scan ends at the limit,
    // and no document is read behind a full page.
    private static readonly string[] PageSql = [PageSqlOf(comparesStreams: false), PageSqlOf(comparesStreams: true)];

    private readonly ReadDatabase _database;
    private readonly FeedEnd _end;
    private readonly ChangeWaiters _waiters;
    private readonly ILogger<ChangeFeed> _logger;
    private volatile bool _isFilled;

    internal ChangeFeed(ReadDatabase database, FeedEnd end, ChangeWaiters waiters, ILogger<ChangeFeed> logger) =>
        (_database, _end, _waiters, _logger) = (database, end, waiters, logger);

    /// <summary>Reads the position up to which every change can be read at this moment.</summary>
    /// <exception cref="FeedNotFilledException">The sessions from before are not in it yet.</exception>
    internal async Task<long> EndAsync(CancellationToken cancellation)
    {
        if (!_isFilled && !await ChangeKeeper.IsFilledAsync(_database.Primary, cancellation))
            throw new FeedNotFilledException();

        _isFilled = true;
        return await _end.ReadAsync(cancellation);
    }

    /// <summary>Waits until the account has changes after a position that can be read, or the time is over.</summary>
    internal Task WaitAsync(string account, long after, TimeSpan longest, CancellationToken cancellation) =>
        WaitAsync(new ChangeQuery(account, Workspaces: null), after, longest, cancellation);

    /// <summary>Waits until there are changes after a position that match the query and can be read, or the time is over.</summary>
    /// <returns>A position up to which nothing matches, where to go on.</returns>
    internal Task<long> WaitAsync(ChangeQuery query, long after, TimeSpan longest, CancellationToken cancellation) =>
        _waiters.WaitAsync(query, after, longest, cancellation);

    /// <summary>Reads the next changes after a position; see the other overload.</summary>
    internal Task<ChangePage> ReadAsync(ChangeQuery query, long after, int limit, CancellationToken cancellation) =>
        ReadAsync(query, new ChangeCursor(after), limit, cancellation);

    /// <summary>Reads the next changes after a cursor.</summary>
    /// <param name="query">What is asked for.</param>
    /// <param name="after">The cursor; <see cref="ChangeCursor.Begin"/> for all, <see cref="ChangeCursor.Now"/> for an empty page.</param>
    /// <param name="limit">The most changes, up to <see cref="MaxLimit"/>. With bodies it may be fewer.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="FeedNotFilledException">The sessions from before are not in it yet.</exception>
    /// <exception cref="ChangesGoneException">Removals behind the cursor are kept no longer.</exception>
    internal async Task<ChangePage> ReadAsync(ChangeQuery query, ChangeCursor after, int limit, CancellationToken cancellation)
    {
        var end = await EndAsync(cancellation);
        if (after.IsNow)
            return new ChangePage([], new ChangeCursor(end, Begun: end), IsAtEnd: true);
        if (after.Position >= end)
            return new ChangePage([], after, IsAtEnd: true);

        var begun = after.IsBegin ? after with { Begun = end } : after;
        if (query.IncludesSessions)
            limit = Math.Min(limit, BodiesAtOnce);
        try
        {
            return await ReadAsync(query, begun, end, limit, query.IncludesSessions, cancellation);
        }
        catch (PostgresException e) when (query.IncludesSessions && TakenApart.IsItemsOwn(e))
        {
            // A document of the page cannot be read. Each is read by itself.
            return await ReadAsync(query, begun, end, limit, withDocuments: false, cancellation);
        }
    }

    private async Task<ChangePage> ReadAsync(
        ChangeQuery query, ChangeCursor after, long end, int limit, bool withDocuments, CancellationToken cancellation)
    {
        var (rows, beyond, isCut) = await RowsAsync(query, after, end, limit, withDocuments, cancellation);
        var changes = new List<SessionChange>(rows.Count);
        var bytes = rows.Sum(row => row.Change.Session.Length);
        foreach (var (change, lacksBody) in rows)
        {
            if (bytes > PageBytes && changes.Count > 0 && lacksBody)
            {
                isCut = true;
                break;
            }

            var whole = lacksBody ? await WithBodyAsync(query.Account, change, cancellation) : change;
            bytes += lacksBody ? whole.Session.Length : 0;
            changes.Add(whole);
        }

        if (isCut || changes.Count == limit)
            return new ChangePage(changes, after with { Position = changes[^1].Position }, IsAtEnd: false);
        return new ChangePage(changes, after with { Position = beyond ?? end }, IsAtEnd: beyond is null);
    }

    private async Task<(List<(SessionChange Change, bool LacksBody)> Rows, long? Beyond, bool IsCut)> RowsAsync(
        ChangeQuery query, ChangeCursor after, long end, int limit, bool withDocuments, CancellationToken cancellation)
    {
        await using var connection = await _database.ExportsOf(_database.Primary).OpenConnectionAsync(cancellation);
        await using var command = new NpgsqlCommand(PageSql[_database.ComparesStreams ? 1 : 0], connection);
        command.Parameters.AddAll(
            query.Account, after.Position, end, new NpgsqlParameter<Guid[]?> { TypedValue = query.Workspaces },
            new NpgsqlParameter<Guid?> { TypedValue = query.TestId }, limit, query.IncludesSessions, withDocuments);
        // Once a connection: to plan it takes as long as to read ten of its documents.
        await command.PrepareAsync(cancellation);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<(SessionChange, bool)>();
        var (beyond, isCut) = ((long?)null, false);
        while (await reader.ReadAsync(cancellation))
        {
            if (reader.IsDBNull(0))
            {
                // The last row, of the same snapshot: what is forgotten after it is still among the others.
                beyond = reader.IsDBNull(12) ? null : reader.GetInt64(12);
                if (!after.IsComplete(reader.GetInt64(13)))
                    throw new ChangesGoneException();
                break;
            }

            var change = Change(reader);
            if (!reader.IsDBNull(10))
                change = change with { Session = reader.GetFieldValue<byte[]>(10) };
            rows.Add((change, query.IncludesSessions && change.Kind == ChangeKind.Upserted && reader.IsDBNull(10)));
            isCut = reader.GetBoolean(11);
        }

        return (rows, beyond, isCut);
    }

    /// <summary>Reads the body of a session whose document lags, or cannot be read.</summary>
    private async Task<SessionChange> WithBodyAsync(string account, SessionChange change, CancellationToken cancellation)
    {
        try
        {
            var body = await _database.ReadDocumentAsync(
                Body, new StreamKey(account, change.SessionId), [change.WorkspaceId], reader => reader.GetFieldValue<byte[]>(1),
                cancellation, onPrimary: true);
            // It went meanwhile; the change that says so comes later.
            return change with { Session = body, Problem = body is null ? "it was removed meanwhile" : null };
        }
        catch (Exception e) when (TakenApart.IsItemsOwn(e))
        {
            NotGiven(_logger, change.SessionId, e);
            return change with { Problem = ExportLine.ReasonOf(e) };
        }
    }

    private static SessionChange Change(NpgsqlDataReader reader)
    {
        var isThere = reader.IsDBNull(6);
        // A version of the service without the feed may have deleted the document.
        var reason = !isThere ? Enum.Parse<RemovalReason>(reader.GetString(6), ignoreCase: true)
            : reader.IsDBNull(8) ? RemovalReason.Expired
            : (RemovalReason?)null;
        return new SessionChange(
            reader.IsDBNull(2) ? reader.GetGuid(1) : reader.GetGuid(2),
            reader.GetGuid(3),
            reader.GetGuid(4),
            reason is null ? ChangeKind.Upserted : ChangeKind.Removed,
            reason,
            reader.GetInt64(5),
            reader.GetFieldValue<DateTimeOffset>(7),
            reader.GetInt64(0))
        {
            Status = reason is null ? Enum.Parse<SessionStatus>(reader.GetString(8)) : null,
        };
    }

    private static string PageSqlOf(bool comparesStreams)
    {
        var picked =
            $"""
            select s.* from (
              select c.* from results.session_changes c
              where c.tenant_id = $1 and c.position > $2 and c.position <= $3
              order by c.position limit {ScannedAtOnce}
            ) s
            where ($4::uuid[] is null or s.workspace_id = any($4)) and ($5::uuid is null or s.test_id = $5)
            order by s.position limit $6
            """;
        // All of it is in the order of the index, so nothing is sorted, and bodies are sent while the next ones are read.
        return $"""
            (select s.position, s.session_id, s.{DocumentTable.Stream}, s.workspace_id, s.test_id, s.version, s.reason, s.changed_at,
              s.status, s.lags, case when $8 and not s.lags then s.data -> 'body' end, s.has_more, null::bigint, null::bigint
            from (
              select p.*, d.status, d.data, d.lags, lead(true, 1, false) over (order by p.position) as has_more, coalesce(
                sum(case when $7 then coalesce(d.{SizedDocument.DocumentBytesColumn}, {UnknownBytes}) end)
                  over (order by p.position rows between unbounded preceding and 1 preceding), 0) as before
              from ({picked}) p
              left join lateral (
                select d.status, d.data, d.{SizedDocument.DocumentBytesColumn},
                  {DocumentQuery.Lags(SessionResultTable.Documents, comparesStreams)} as lags
                from {SessionResultTable.Name} d
                where d.tenant_id = $1 and d.id = p.session_id and p.reason is null
                offset 0
              ) d on true
            ) s
            where s.before < {PageBytes}
            order by s.position)
            union all
            select null, null, null, null, null, null, null, null, null, null, null, null,
              case when (select count(*) from ({picked}) p) < $6 then (
                select c.position from results.session_changes c
                where c.tenant_id = $1 and c.position > $2 and c.position <= $3
                order by c.position offset {ScannedAtOnce - 1} limit 1) end,
              coalesce((select f.position from results.change_floors f where f.tenant_id = $1), 0)
            """;
    }

    [LoggerMessage(4001, LogLevel.Error, "Session {Session} is without its result in the feed of changes, because it cannot be made")]
    private static partial void NotGiven(ILogger logger, Guid session, Exception exception);
}
