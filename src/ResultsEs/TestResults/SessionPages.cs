using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>A page of an export.</summary>
/// <param name="Lines">The lines of its sessions, except those that lag; in an array of the shared pool.</param>
/// <param name="Lagging">The sessions whose documents lag, each with the place of its line.</param>
/// <param name="Next">The cursor of the next page; null after the last one.</param>
/// <param name="NextLimit">The greatest number of sessions of the next page.</param>
/// <param name="AsOf">The time, by the database's clock, before which the export shows all changes.</param>
internal sealed record SessionPage(
    ArraySegment<byte> Lines, IReadOnlyList<(int At, Guid Session)> Lagging, Cursor? Next, int NextLimit, DateTimeOffset AsOf)
{
    public bool IsEmpty => Lines.Count == 0 && Lagging.Count == 0;

    /// <summary>Returns the array to the pool. The lines must not be read after it.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(Lines.Array!);
}

/// <summary>Reads an export page by page. Each is a short query of its own, so nothing in the database waits for the client.</summary>
internal sealed class SessionPages(ReadDatabase database, Caller caller, SessionFilter filter)
{
    // A page has at most this and one document; two pages are in memory.
    private const int PageBytes = 1024 * 1024;
    private const int FirstLimit = 25;
    private const int MostLimit = 250;

    // 16 KiB a session, enough for most.
    private const int FirstBytes = FirstLimit * 16 * 1024;

    // PostgreSQL sends this byte before the text of a jsonb, which begins with a brace.
    private const int JsonbVersion = 1;

    private static readonly DocumentQuery Line =
        new(SessionResultTable.Documents, $"d.data -> 'body', d.{DocumentTable.Modified}");

    public Guid Test => filter.TestId;

    /// <summary>Reads the first page; null when the caller has no session of the test.</summary>
    public Task<SessionPage?> FirstAsync(CancellationToken cancellation) => database.ReadChangesAsync(
        completeTo: null,
        async (source, asOf, stop) =>
        {
            var page = await ReadAsync(database.ExportsOf(source), after: null, FirstLimit, asOf, stop);
            return !page.IsEmpty || await IsKnownAsync(database.ExportsOf(source), stop) ? page : null;
        },
        cancellation);

    /// <summary>Reads the page after a page; null after the last one.</summary>
    public async Task<SessionPage?> AfterAsync(SessionPage page, CancellationToken cancellation) => page.Next is { } last
        ? await database.ReadChangesAsync(
            page.AsOf, (source, asOf, stop) => ReadAsync(database.ExportsOf(source), last, page.NextLimit, asOf, stop), cancellation)
        : null;

    /// <summary>
    /// Catches up a session that lags and reads its line; null when it is not the caller's. It asks the primary, because a standby may
    /// show the session as it was before.
    /// </summary>
    public Task<byte[]?> CaughtUpAsync(Guid session, CancellationToken cancellation) => database.ReadDocumentAsync(
        Line,
        new StreamKey(Tenant.Of(caller.Account), session),
        caller.Workspaces,
        reader => ExportLine.Of(reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<byte[]>(1)),
        cancellation,
        onPrimary: true);

    /// <summary>Reads a page. When a row of it cannot be read, the sessions of the page are all read one by one.</summary>
    private async Task<SessionPage> ReadAsync(
        NpgsqlDataSource source, Cursor? after, int limit, DateTimeOffset asOf, CancellationToken cancellation)
    {
        try
        {
            return await ReadAsync(source, after, limit, asOf, withDocuments: true, cancellation);
        }
        catch (PostgresException e) when (TakenApart.IsItemsOwn(e))
        {
            return await ReadAsync(source, after, limit, asOf, withDocuments: false, cancellation);
        }
    }

    private async Task<SessionPage> ReadAsync(
        NpgsqlDataSource source, Cursor? after, int limit, DateTimeOffset asOf, bool withDocuments, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller, filter, after, limit, database.ComparesStreams, withDocuments);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);

        var lines = ArrayPool<byte>.Shared.Rent(after is null ? FirstBytes : PageBytes + (PageBytes / 8));
        var lagging = new List<(int, Guid)>();
        var (sessions, filled, last) = (0, 0, after);
        while (filled < PageBytes && await reader.ReadAsync(cancellation))
        {
            var session = reader.GetGuid(0);
            last = new Cursor(reader.GetFieldValue<DateTimeOffset>(1).UtcTicks, session, default, TotalCount: 0);
            sessions++;
            var updated = reader.GetFieldValue<DateTimeOffset>(2);
            if (await reader.IsDBNullAsync(3, cancellation))
            {
                lagging.Add((filled, reader.GetGuid(4)));
                continue;
            }

            await using var json = await reader.GetStreamAsync(3, cancellation);
            var length = ExportLine.Length((int)json.Length - JsonbVersion);
            if (lines.Length - filled < length)
                lines = Larger(lines, filled, length);
            // The begin of the line overwrites the version byte and the brace.
            await json.ReadExactlyAsync(lines.AsMemory(filled, JsonbVersion + 1), cancellation);
            if (lines[filled] != JsonbVersion)
                throw new NotSupportedException($"PostgreSQL sends jsonb in version {lines[filled]} of its format.");
            ExportLine.WriteBegin(updated, lines.AsSpan(filled));
            await json.ReadExactlyAsync(lines.AsMemory(filled, length - 1)[ExportLine.BeginBytes..], cancellation);
            filled += length;
            lines[filled - 1] = ExportLine.End;
        }

        // As many sessions of this size as fill a page: what the database sends beyond a page is thrown away.
        var nextLimit = (int)Math.Clamp(sessions * (long)PageBytes / Math.Max(1, filled), 1, MostLimit);
        var next = sessions == limit || filled >= PageBytes ? last : null;
        return new SessionPage(new ArraySegment<byte>(lines, 0, filled), lagging, next, nextLimit, asOf);
    }

    private static byte[] Larger(byte[] lines, int filled, int more)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(filled + more, lines.Length * 2));
        lines.AsSpan(0, filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(lines);
        return larger;
    }

    private async Task<bool> IsKnownAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        command.CommandText = $"select {new SessionListQuery(command, caller, filter).IsKnown}";
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>
    /// Builds the statement of a page, in list order. The primary keys (tenant_id, id) find each document and its stream one by one:
    /// "offset 0" keeps the planner from scanning a table. A document is decompressed as it is sent, so rows beyond a page cost little.
    /// </summary>
    internal static void Build(
        NpgsqlCommand command, Caller caller, SessionFilter filter, Cursor? after, int limit, bool comparesStreams = true,
        bool withDocuments = true)
    {
        var query = new SessionListQuery(command, caller, filter);
        command.CommandText =
            $"""
            select p.id, p.moment, o.updated, case when not o.lags and {withDocuments} then o.data -> 'body' end, o.session
            from ({query.Page(after, offset: 0, limit)}) p
            cross join lateral (
              select d.data, d.{DocumentTable.Modified} as updated, coalesce(d.{DocumentTable.Stream}, d.id) as session,
                {DocumentQuery.Lags(SessionResultTable.Documents, comparesStreams)} as lags
              from {SessionResultTable.Name} d
              where d.tenant_id = {query.Account} and d.id = p.id
              offset 0
            ) o
            order by p.moment {query.Direction}, p.id {query.Direction}
            """;
    }
}
