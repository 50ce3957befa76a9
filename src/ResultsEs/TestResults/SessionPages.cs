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
internal sealed record SessionPage(ArraySegment<byte> Lines, IReadOnlyList<(int At, Guid Session)> Lagging, Cursor? Next, int NextLimit)
{
    public bool IsEmpty => Lines.Count == 0 && Lagging.Count == 0;

    /// <summary>Returns the array to the pool. The lines must not be read after it.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(Lines.Array!);
}

/// <summary>Reads an export page by page. Each is a short query of its own, so nothing in the database waits for the client.</summary>
internal sealed class SessionPages(ReadDatabase database, Caller caller, SessionFilter filter)
{
    public const byte EndOfLine = (byte)'\n';

    // A page has at most this and one document; two pages are in memory.
    private const int PageBytes = 1024 * 1024;
    private const int FirstLimit = 25;
    private const int MostLimit = 250;

    // 16 KiB a session, enough for most.
    private const int FirstBytes = FirstLimit * 16 * 1024;

    // PostgreSQL sends this byte before the text of a jsonb.
    private const int JsonbVersion = 1;

    public Guid Test => filter.TestId;

    /// <summary>Reads the first page; null when the caller has no session of the test.</summary>
    public Task<SessionPage?> FirstAsync(CancellationToken cancellation) => database.ReadAsync(
        async (source, stop) =>
        {
            var page = await ReadAsync(source, after: null, FirstLimit, stop);
            return !page.IsEmpty || await IsKnownAsync(source, stop) ? page : null;
        },
        cancellation);

    /// <summary>Reads the page after a page; null after the last one.</summary>
    public async Task<SessionPage?> AfterAsync(SessionPage page, CancellationToken cancellation) => page.Next is { } last
        ? await database.ReadAsync((source, stop) => ReadAsync(source, last, page.NextLimit, stop), cancellation)
        : null;

    /// <summary>Catches up a session that lags and reads it as v3 does; null when it is not the caller's.</summary>
    public Task<byte[]?> CaughtUpAsync(Guid session, CancellationToken cancellation) =>
        SessionResultQuery.ReadAsync(database, GetSessionResultV3.Query, caller, session, cancellation);

    private async Task<SessionPage> ReadAsync(NpgsqlDataSource source, Cursor? after, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller, filter, after, limit, database.ComparesStreams);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);

        var lines = ArrayPool<byte>.Shared.Rent(after is null ? FirstBytes : PageBytes + (PageBytes / 8));
        var lagging = new List<(int, Guid)>();
        var (sessions, filled, last) = (0, 0, after);
        while (filled < PageBytes && await reader.ReadAsync(cancellation))
        {
            var session = reader.GetGuid(0);
            last = new Cursor(reader.GetFieldValue<DateTimeOffset>(1).UtcTicks, session, default, TotalCount: 0);
            sessions++;
            if (await reader.IsDBNullAsync(2, cancellation))
            {
                lagging.Add((filled, session));
                continue;
            }

            await using var json = await reader.GetStreamAsync(2, cancellation);
            var length = (int)json.Length;
            if (lines.Length - filled < length)
                lines = Larger(lines, filled, length);
            // The text overwrites the version byte, and leaves room for the end of the line.
            await json.ReadExactlyAsync(lines.AsMemory(filled, JsonbVersion), cancellation);
            if (lines[filled] != JsonbVersion)
                throw new NotSupportedException($"PostgreSQL sends jsonb in version {lines[filled]} of its format.");
            await json.ReadExactlyAsync(lines.AsMemory(filled, length - JsonbVersion), cancellation);
            filled += length;
            lines[filled - 1] = EndOfLine;
        }

        // As many sessions of this size as fill a page: what the database sends beyond a page is thrown away.
        var nextLimit = (int)Math.Clamp(sessions * (long)PageBytes / Math.Max(1, filled), 1, MostLimit);
        var next = sessions == limit || filled >= PageBytes ? last : null;
        return new SessionPage(new ArraySegment<byte>(lines, 0, filled), lagging, next, nextLimit);
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
        NpgsqlCommand command, Caller caller, SessionFilter filter, Cursor? after, int limit, bool comparesStreams = true)
    {
        var query = new SessionListQuery(command, caller, filter);
        command.CommandText =
            $"""
            select p.id, p.moment, case when not o.lags then o.data -> 'body' end
            from ({query.Page(after, offset: 0, limit)}) p
            cross join lateral (
              select d.data, {DocumentQuery.Lags(comparesStreams)} as lags
              from {SessionResultTable.Name} d
              where d.tenant_id = {query.Account} and d.id = p.id
              offset 0
            ) o
            order by p.moment {query.Direction}, p.id {query.Direction}
            """;
    }
}
