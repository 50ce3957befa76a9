using System.Buffers;
using System.Data;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary>Some of an export's sessions.</summary>
/// <param name="Lines">Their lines but for those whose documents are behind their streams; in an array of the shared pool.</param>
/// <param name="Behind">Those others, each with the place of its line.</param>
/// <param name="Next">The last session, behind which the next page begins; null when there is none.</param>
/// <param name="NextLimit">How many sessions the next page is to have at most.</param>
internal sealed record SessionPage(ArraySegment<byte> Lines, IReadOnlyList<(int At, Guid Session)> Behind, Position? Next, int NextLimit)
{
    /// <summary>Whether there are any sessions.</summary>
    public bool IsEmpty => Lines.Count == 0 && Behind.Count == 0;

    /// <summary>Gives the array back: nobody looks at the lines again.</summary>
    public void Return() => ArrayPool<byte>.Shared.Return(Lines.Array!);
}

/// <summary>Reads an export page by page, each in a short query of its own: nothing in the database waits for the client.</summary>
internal sealed class SessionPages(ReadDatabase database, Caller caller, SessionFilter filter)
{
    public const byte EndOfLine = (byte)'\n';

    // A page is as large as this and a document at most, and two are in memory.
    private const int PageBytes = 1024 * 1024;
    private const int FirstLimit = 25;
    private const int MostLimit = 250;

    // What most sessions need.
    private const int FirstBytes = FirstLimit * 16 * 1024;

    // What jsonb sends before its text.
    private const int JsonbVersion = 1;

    public Guid Test => filter.TestId;

    /// <summary>The first page; null when the caller has no session of the test.</summary>
    public Task<SessionPage?> FirstAsync(CancellationToken cancellation) => database.ReadAsync(
        async (source, stop) => await ReadAsync(source, after: null, FirstLimit, stop) is var page && (!page.IsEmpty || await IsKnownAsync(source, stop)) ? page : null,
        cancellation);

    /// <summary>The page after a page; null when that was the last.</summary>
    public async Task<SessionPage?> AfterAsync(SessionPage page, CancellationToken cancellation) => page.Next is { } last
        ? await database.ReadAsync((source, stop) => ReadAsync(source, last, page.NextLimit, stop), cancellation)
        : null;

    /// <summary>
    /// The JSON of a session whose document is behind its stream, as a client that asks for it alone gets it; null when that shows that
    /// it is not the caller's.
    /// </summary>
    public Task<byte[]?> FoldedAsync(Guid session, CancellationToken cancellation) =>
        SessionResultQuery.ReadAsync(database, GetSessionResultV3.Query, caller, session, cancellation);

    private async Task<SessionPage> ReadAsync(NpgsqlDataSource source, Position? after, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand();
        Build(command, caller, filter, after, limit, database.ComparesStreams);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellation);

        var lines = ArrayPool<byte>.Shared.Rent(after is null ? FirstBytes : PageBytes + (PageBytes / 8));
        var behind = new List<(int, Guid)>();
        var (sessions, filled, last) = (0, 0, after);
        while (filled < PageBytes && await reader.ReadAsync(cancellation))
        {
            var session = reader.GetGuid(0);
            last = new Position(reader.GetFieldValue<DateTimeOffset>(1).UtcTicks, session, default, TotalCount: 0);
            sessions++;
            if (await reader.IsDBNullAsync(2, cancellation))
            {
                behind.Add((filled, session));
                continue;
            }

            await using var json = await reader.GetStreamAsync(2, cancellation);
            var length = (int)json.Length;
            if (lines.Length - filled < length)
                lines = Larger(lines, filled, length);
            // The byte before the text gives way to the one behind it.
            await json.ReadExactlyAsync(lines.AsMemory(filled, JsonbVersion), cancellation);
            if (lines[filled] != JsonbVersion)
                throw new NotSupportedException($"PostgreSQL sends jsonb in version {lines[filled]} of its format.");
            await json.ReadExactlyAsync(lines.AsMemory(filled, length - JsonbVersion), cancellation);
            filled += length;
            lines[filled - 1] = EndOfLine;
        }

        // As many as would fill a page if they are like these: what the database sends beyond a page is thrown away.
        var nextLimit = (int)Math.Clamp(sessions * (long)PageBytes / Math.Max(1, filled), 1, MostLimit);
        return new SessionPage(new ArraySegment<byte>(lines, 0, filled), behind, sessions == limit || filled >= PageBytes ? last : null, nextLimit);
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
    /// A page in the order of the list. The primary keys (tenant_id, id) find each document and its stream, one after the other and
    /// whatever a planner thinks of reading a whole table instead; a
    /// document is unpacked as it is sent, so that what a page has no room for costs little.
    /// </summary>
    internal static void Build(NpgsqlCommand command, Caller caller, SessionFilter filter, Position? after, int limit, bool comparesStreams = true)
    {
        var walk = new SessionListQuery(command, caller, filter);
        command.CommandText =
            $"""
            select p.id, p.moment, case when not o.lags then o.data -> 'body' end
            from ({walk.Part(after, offset: 0, limit)}) p
            cross join lateral (
              select d.data, {DocumentQuery.Lags(comparesStreams)} as lags
              from {SessionResultTable.Name} d
              where d.tenant_id = {walk.Account} and d.id = p.id
              offset 0
            ) o
            order by p.moment {walk.Direction}, p.id {walk.Direction}
            """;
    }
}
