namespace ResultsEs.EventStore;

/// <summary>A file of an erased or removed session that is still to be deleted.</summary>
/// <param name="Stream">The session.</param>
/// <param name="Key">The key below the folder of a workspace.</param>
/// <param name="Writers">Who named it; null in rows from before that was kept.</param>
/// <param name="Workspaces">The workspaces whose folders it may lie in; null while the session has not started.</param>
internal sealed record ErasedFile(StreamKey Stream, string Key, string[]? Writers, IReadOnlyList<Guid>? Workspaces);

/// <summary>
/// The table of files that are still to be deleted. A file lies in the folder of each workspace in which its session was ever started,
/// and into which one of those could write who named it: as its event counts there (docs/decisions/0032). So nobody's word deletes
/// what is in a workspace that is not theirs.
/// </summary>
internal static class ErasedFiles
{
    // Everybody who named it counts. In one order, so that who names it again changes nothing.
    private const string OrElseMerged =
        """
        on conflict (tenant_id, session_id, object_key) do update set writers =
          case when m.writers is not null then array(select distinct w from unnest(m.writers || excluded.writers) w order by w) end
        """;

    /// <summary>A statement for Marten's unit of work: a file of an erased session is to be deleted.</summary>
    public const string AddSql =
        $"""
        insert into results.erasure_media as m (tenant_id, session_id, object_key, erasure_id, writers)
        values (?, ?, ?, ?, array[?]::varchar[])
        {OrElseMerged}
        """;

    // Stands for the sender of an event that names none, and counts everywhere.
    private const string Anybody = "*";

    private const string InOrder = "order by m.tenant_id, m.session_id, m.object_key";

    /// <summary>The key of the file that an event names; null when it names none.</summary>
    public static string? KeyOf(StreamEvent data) => data switch
    {
        VideoRecorded recorded => recorded.ObjectKey,
        ClipGenerated generated => generated.ObjectKey,
        _ => null,
    };

    /// <summary>How a row says who named its file: the digests of the workspaces into which the sender could write.</summary>
    public static string WriterOf(Sender sender) => sender.Common(null) ?? Anybody;

    /// <summary>Lists files of a session, each with the sender of the event that names it, in the connection's transaction.</summary>
    public static Task AddAsync(
        NpgsqlConnection connection, StreamKey stream, Guid erasure, IEnumerable<(string Key, Sender Sender)> named,
        CancellationToken cancellation)
    {
        var files = named.Distinct().ToList();
        return connection.ExecuteAsync(
            $"""
            insert into results.erasure_media as m (tenant_id, session_id, object_key, erasure_id, writers)
            select $1, $2, f.object_key, $3, array_agg(distinct f.writer)
            from unnest($4, $5) f(object_key, writer) group by f.object_key
            {OrElseMerged}
            """,
            [
                stream.Account, stream.Id, erasure, files.Select(file => file.Key).ToArray(),
                files.Select(file => WriterOf(file.Sender)).ToArray(),
            ],
            cancellation);
    }

    /// <summary>Keeps the workspaces of a session's files, because its events are about to be removed.</summary>
    public static async Task KeepWorkspacesAsync(
        NpgsqlConnection connection, DocumentTable table, StreamKey stream, CancellationToken cancellation)
    {
        foreach (var file in await ReadAsync(
            new NpgsqlCommand($"{Select(table)} where m.tenant_id = $1 and m.session_id = $2", connection),
            [stream.Account, stream.Id], cancellation))
        {
            await connection.ExecuteAsync(
                """
                update results.erasure_media m set workspaces = $4::uuid[]
                where m.tenant_id = $1 and m.session_id = $2 and m.object_key = $3
                """, [stream.Account, stream.Id, file.Key, file.Workspaces?.ToArray()], cancellation);
        }
    }

    /// <summary>Reads all files that are still to be deleted.</summary>
    public static Task<List<ErasedFile>> ReadAsync(
        NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation) =>
        ReadAsync(database.CreateCommand($"{Select(table)} {InOrder}"), [], cancellation);

    /// <summary>Reads all files that are still to be deleted, and forgets them: an operator has deleted them.</summary>
    public static async Task<List<ErasedFile>> ForgetAllAsync(
        NpgsqlDataSource database, DocumentTable table, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Who names one of them meanwhile waits, and lists it anew.
        var files = await ReadAsync(
            new NpgsqlCommand($"{Select(table)} {InOrder} for update of m", connection), [], cancellation);
        await connection.ExecuteAsync(
            """
            delete from results.erasure_media m using unnest($1, $2, $3) f(tenant_id, session_id, object_key)
            where m.tenant_id = f.tenant_id and m.session_id = f.session_id and m.object_key = f.object_key
            """,
            [.. files.Select(file => file.Stream).ToParameters(), files.Select(file => file.Key).ToArray()], cancellation);
        await transaction.CommitAsync(cancellation);
        return files;
    }

    /// <summary>Forgets a file that is deleted, unless somebody else has named it meanwhile.</summary>
    public static async Task ForgetAsync(NpgsqlDataSource database, ErasedFile file, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(
            """
            delete from results.erasure_media m
            where m.tenant_id = $1 and m.session_id = $2 and m.object_key = $3 and m.writers is not distinct from $4::varchar[]
            """, [file.Stream.Account, file.Stream.Id, file.Key, file.Writers], cancellation);
    }

    // The index of (tenant_id, stream_id, version) finds the starts, of sessions that have started.
    private static string Select(DocumentTable table) =>
        $"""
        select m.tenant_id, m.session_id, m.object_key, m.writers, array_append(m.workspaces, m.workspace_id), case
          when d.workspace_id is not null then array(
            select distinct (e.data ->> 'workspaceId')::uuid from {StreamLog.Events} e
            where e.tenant_id = m.tenant_id and e.stream_id = m.session_id and e.type in ({table.Starts}))
          end
        from results.erasure_media m
        left join {table.QualifiedName} d on d.tenant_id = m.tenant_id and d.id = m.session_id
        """;

    private static Task<List<ErasedFile>> ReadAsync(NpgsqlCommand command, object?[] parameters, CancellationToken cancellation) =>
        command.ReadAllAsync(
            parameters,
            reader =>
            {
                var writers = reader.IsDBNull(3) ? null : reader.GetFieldValue<string[]>(3);
                var kept = reader.IsDBNull(4) ? [] : reader.GetFieldValue<Guid?[]>(4).OfType<Guid>();
                var started = reader.IsDBNull(5) ? [] : reader.GetFieldValue<Guid[]>(5);
                return new ErasedFile(reader.ReadKey(), reader.GetString(2), writers, WorkspacesOf(writers, [.. kept], started));
            },
            cancellation);

    private static List<Guid>? WorkspacesOf(string[]? writers, List<Guid> kept, Guid[] started) =>
        kept.Count + started.Length == 0
            ? null
            : [.. kept.Union(started.Where(workspace => CouldWrite(writers, Sender.DigestOf(workspace)))).Order()];

    private static bool CouldWrite(string[]? writers, string digest) =>
        writers is null || Array.Exists(writers, writer => writer == Anybody || new Sender(writer).MayWrite(digest));
}
