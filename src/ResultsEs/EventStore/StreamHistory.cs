namespace ResultsEs.EventStore;

/// <summary>Where a caller reads a stream: in the workspace of the document that it is shown.</summary>
/// <param name="Version">The version of the stream.</param>
/// <param name="Workspace">The document's workspace.</param>
/// <param name="Bytes">The bytes of the stream's events, roughly where its row does not tell them.</param>
internal sealed record StreamPlace(long Version, Guid Workspace, long Bytes)
{
    // An event without a size, of a row that is older than the column.
    private const int UsualBytes = 1_024;

    /// <summary>The columns of a <see cref="DocumentQuery"/> from which <see cref="Read"/> reads.</summary>
    public const string Columns =
        $"d.{DocumentTable.VersionColumn}, d.workspace_id, d.{SizedDocument.StreamBytesColumn}";

    public static StreamPlace Read(NpgsqlDataReader reader)
    {
        var version = reader.GetInt64(1);
        return new StreamPlace(version, reader.GetGuid(2), reader.IsDBNull(3) ? version * UsualBytes : reader.GetInt64(3));
    }
}

/// <summary>An event as it was appended, with its place in the stream. Its data is JSON.</summary>
internal sealed record AppendedEvent(
    long Version, Guid Id, string WireType, DateTimeOffset Time, DateTimeOffset Stored, string Source, string? TraceParent, byte[] Data);

/// <summary>
/// Reads what was appended to a stream. Each statement is confined to account and workspaces: of a stream that has no document in these,
/// nothing is read.
/// </summary>
internal static class StreamHistory
{
    /// <summary>The most bytes of data in a page of events, unless the first alone has more.</summary>
    public const int PageBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Runs a read of a stream on a server that has this version of it; the default where the stream is gone meanwhile.
    /// </summary>
    public static async Task<T?> ReadAsync<T>(
        ReadDatabase database, StreamKey stream, long version, Func<NpgsqlConnection, CancellationToken, Task<T?>> read,
        CancellationToken cancellation)
    {
        var answer = await database.ReadAsync(
            async (source, stop) =>
            {
                await using var connection = await source.OpenConnectionAsync(stop);
                // The primary key (tenant_id, id).
                var isThere = await new NpgsqlCommand(
                    $"select exists (select 1 from {StreamLog.Table} s where s.tenant_id = $1 and s.id = $2 and s.version >= $3)",
                    connection).ReadValueAsync<bool>([stream.Account, stream.Id, version], stop);
                return (IsThere: isThere, Value: isThere ? await read(connection, stop) : default);
            },
            cancellation,
            isGood: answer => answer.IsThere);
        return answer.Value;
    }

    /// <summary>
    /// Reads a stream up to a version and a moment of storing, in milliseconds, as times of storing are shown. Null: no event of it.
    /// </summary>
    public static async Task<StoredStream?> ReadUntilAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, Guid[] workspaces, long version, DateTimeOffset stored,
        CancellationToken cancellation) =>
        await StoredStreams.ReadWhereAsync(
            connection, table, stream,
            $"e.version <= $4 and date_trunc('milliseconds', e.timestamp) <= $5 and {IsVisible(table)}",
            [workspaces, version, stored.ToUniversalTime()],
            cancellation).FirstOrDefaultAsync(cancellation);

    /// <summary>
    /// Reads the next events after a version that count in a workspace: at most the limit, and <see cref="PageBytes"/>.
    /// </summary>
    /// <returns>The events, and whether there are more.</returns>
    public static async Task<(IReadOnlyList<AppendedEvent> Events, bool HasMore)?> EventsAfterAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, Guid[] workspaces, Guid workspace, long after, int limit,
        CancellationToken cancellation)
    {
        // The unique index of (tenant_id, stream_id, version), in its order. One event more tells whether there are more.
        var rows = await new NpgsqlCommand(
            $"""
            with page as materialized (
              select e.version, e.id, e.type, e.headers ->> '{StoredEvent.TimeHeader}' as time, e.timestamp,
                e.headers ->> '{StoredEvent.SourceHeader}' as source, e.headers ->> '{StoredEvent.TraceParentHeader}' as trace, e.data
              from {StreamLog.Events} e
              where e.tenant_id = $1 and e.stream_id = $2 and e.version > $6 and {CountsIn(table)} and {IsVisible(table)}
              order by e.version limit $7
            )
            select p.version, p.id, p.type, p.time, p.timestamp, p.source, p.trace, p.data, (select count(*) from page)
            from (
              select p.*, sum(octet_length(p.data::text)) over (order by p.version) - octet_length(p.data::text) as before from page p) p
            where p.before <= {PageBytes}
            order by p.version
            """, connection).ReadAllAsync(
            [stream.Account, stream.Id, workspaces, Sender.MatchOf(workspace), workspace.ToString(), after, limit + 1],
            reader => (Found: reader.GetInt64(8), Event: new AppendedEvent(
                reader.GetInt64(0),
                reader.GetGuid(1),
                reader.GetString(2),
                StoredStreams.Time(reader, 3, 4),
                reader.GetFieldValue<DateTimeOffset>(4),
                reader.IsDBNull(5) ? "" : reader.GetString(5),
                reader.IsDBNull(6) ? null : reader.GetString(6),
                reader.GetFieldValue<byte[]>(7))),
            cancellation);
        List<AppendedEvent> events = [.. rows.Take(limit).Select(row => row.Event)];
        return (events, rows is [var first, ..] && first.Found > events.Count);
    }

    /// <summary>
    /// Reads the places in the event order of a stream's events that count in a workspace, have this type, and whose data has a member
    /// with this text; with the number that another member has.
    /// </summary>
    public static Task<List<(EventOrder Order, long Number)>> OrdersAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, Guid[] workspaces, Guid workspace, EventType type,
        (string Name, string Text) member, string number, CancellationToken cancellation) =>
        // The unique index of (tenant_id, stream_id, version). Of what is read the stream's own bound is the bound.
        new NpgsqlCommand(
            $"""
            select e.id, (e.data ->> $8)::bigint, e.headers ->> '{StoredEvent.TimeHeader}', e.timestamp
            from {StreamLog.Events} e
            where e.tenant_id = $1 and e.stream_id = $2 and e.type = '{type.WireType}' and e.data ->> $6 = $7
              and {CountsIn(table)} and {IsVisible(table)}
            """, connection).ReadAllAsync(
            [
                stream.Account, stream.Id, workspaces, Sender.MatchOf(workspace), workspace.ToString(), member.Name, member.Text, number,
            ],
            reader => (
                EventOrder.Of(StoredStreams.Time(reader, 2, 3), reader.GetGuid(0), reader.GetFieldValue<DateTimeOffset>(3)),
                reader.GetInt64(1)),
            cancellation);

    /// <summary>Reads the data of a stream's events, in the order of their ids here; at most <see cref="PageBytes"/>.</summary>
    public static Task<List<byte[]>> DataAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, Guid[] workspaces, Guid[] events,
        CancellationToken cancellation) =>
        // The unique index ux_events_tenant_id.
        new NpgsqlCommand(
            $"""
            select p.data
            from (
              select k.n, e.data,
                sum(octet_length(e.data::text)) over (order by k.n) - octet_length(e.data::text) as before
              from unnest($4) with ordinality k(id, n)
              join {StreamLog.Events} e on e.tenant_id = $1 and e.id = k.id and e.stream_id = $2
              where {IsVisible(table)}) p
            where p.before <= {PageBytes}
            order by p.n
            """, connection).ReadAllAsync(
            [stream.Account, stream.Id, workspaces, events], reader => reader.GetFieldValue<byte[]>(0), cancellation);

    /// <summary>A condition: the stream ($1, $2) has a document in one of the workspaces ($3). It is asked once, by two indexes.</summary>
    private static string IsVisible(DocumentTable table) =>
        $"""
        (exists (select 1 from {table.QualifiedName} d where d.tenant_id = $1 and d.id = $2 and d.workspace_id = any($3))
          or exists (
            select 1 from {table.QualifiedName} d
            where d.tenant_id = $1 and d.{DocumentTable.Stream} = $2 and d.{DocumentTable.Stream} is not null
              and d.workspace_id = any($3)))
        """;

    /// <summary>A condition on an event <c>e</c>, as <see cref="PlacedFold{T}"/> has it: it counts in a workspace ($4, $5).</summary>
    private static string CountsIn(DocumentTable table) =>
        $"""
        coalesce(e.headers ->> '{Sender.HeaderName}' ~ $4, true)
          and (e.type not in ({table.Starts}) or e.data ->> 'workspaceId' = $5)
        """;
}
