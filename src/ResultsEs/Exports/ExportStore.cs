using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Exports;

/// <summary>A file that is stored: who had it made, its format and name, and its bytes.</summary>
internal sealed record StoredFile(Caller Owner, ExportFormat Format, string Name, Stream Content);

/// <summary>The rows of exports, for who asks for them, and their files.</summary>
public sealed class ExportStore
{
    /// <summary>The states in which something is to be done.</summary>
    internal const string Unfinished = "('Waiting', 'Running')";

    private readonly NpgsqlDataSource _database;
    private readonly ExportOptions _options;
    private readonly FileSigner _signer;

    internal ExportStore(NpgsqlDataSource database, ExportOptions options, FileSigner signer) =>
        (_database, _options, _signer) = (database, options, signer);

    /// <summary>Stores what a client asks for; null when its account has as many as it may, or as many bytes.</summary>
    internal async Task<Guid?> AddAsync(string client, ExportAsk ask, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // One after the other, so that two do not both take the last place. By ix_exports_tenant.
        await AdvisoryLock.WaitInTransactionAsync(connection, $"results.exports {ask.Scope.Tenant}", cancellation);
        var added = await new NpgsqlCommand(
            $"""
            insert into results.exports
              (id, tenant_id, client_id, workspaces, test_id, tables, format, with_mark, since, state, requested_at, place_key,
               place_position)
            select gen_random_uuid(), $1, $2, $3, $4::uuid, $5, $6, $7, $8::varchar, 'Waiting', clock_timestamp(), $9, 0
            where (select count(*) from results.exports e where e.tenant_id = $1 and e.state in {Unfinished}) < $10
              and ({BytesSql}) < $11
            returning id
            """, connection).ReadAllAsync(
            [
                ask.Scope.Tenant, client, ask.Scope.Workspaces, ask.Scope.TestId, ask.Tables.ToArray(), ask.Format.ToString(),
                ask.WithMark, ask.Since, Guid.Empty, (long)_options.PerAccount, _options.MebibytesPerAccount * 1024L * 1024,
            ],
            reader => reader.GetGuid(0), cancellation);
        await transaction.CommitAsync(cancellation);
        return added is [var id] ? id : null;
    }

    /// <summary>Finds an export of an account whose workspaces a caller all has.</summary>
    internal async Task<ExportJob?> FindAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        // The primary keys.
        var found = await _database.CreateCommand(
            $"""
            select e.state, e.reason, e.test_id, e.workspaces, e.tables, e.format, e.since, e.requested_at, e.ended_at,
              case when e.state = 'Done' then e.ended_at + make_interval(hours => $4) end, e.position, e.sessions, e.total, e.problems
            from results.exports e
            where e.id = $1 and e.tenant_id = $2 and e.workspaces <@ $3
            """).ReadAllAsync([id, Tenant.Of(caller.Account), caller.Workspaces, _options.KeepHours], reader =>
            {
                var workspaces = reader.GetFieldValue<Guid[]>(3);
                var scope = new ExportScope(caller.Account, workspaces, reader.IsDBNull(2) ? null : reader.GetGuid(2));
                var since = reader.IsDBNull(6) ? null : reader.GetString(6);
                ChangeCursor? from = since is not null && ChangeCursor.TryRead(since, scope.Tenant, out var cursor) ? cursor : null;
                return new ExportJob
                {
                    ExportId = id,
                    State = Enum.Parse<ExportState>(reader.GetString(0)),
                    Reason = reader.IsDBNull(1) ? null : reader.GetString(1),
                    TestId = scope.TestId,
                    WorkspaceIds = workspaces,
                    Tables = reader.GetFieldValue<string[]>(4),
                    Format = ExportFormats.NameOf(Enum.Parse<ExportFormat>(reader.GetString(5))),
                    Since = since,
                    RequestedAt = reader.GetFieldValue<DateTimeOffset>(7),
                    EndedAt = reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8),
                    ExpiresAt = reader.IsDBNull(9) ? null : reader.GetFieldValue<DateTimeOffset>(9),
                    Cursor = reader.IsDBNull(10) ? null : new ExportRange(from, reader.GetInt64(10)).CursorOf(scope),
                    Sessions = reader.GetInt64(11),
                    TotalSessions = Math.Max(reader.GetInt64(11), reader.GetInt64(12)),
                    Problems = reader.GetInt64(13),
                    Files = [],
                };
            }, cancellation);
        if (found is not [var job])
            return null;

        return job.State == ExportState.Done ? job with { Files = await FilesAsync(id, cancellation) } : job;
    }

    /// <summary>Finds a file of an export that is done.</summary>
    internal async Task<StoredFile?> FindFileAsync(Guid export, Guid file, CancellationToken cancellation)
    {
        // The primary keys.
        var found = await _database.CreateCommand(
            """
            select e.tenant_id, e.client_id, e.workspaces, e.format, f.name, f.bytes
            from results.exports e join results.export_files f on f.export_id = e.id
            where e.id = $1 and f.id = $2 and e.state = 'Done'
            """).ReadAllAsync([export, file], reader => new StoredFile(
                new Caller(Guid.Parse(reader.GetString(0)), reader.GetFieldValue<Guid[]>(2), reader.GetString(1), []),
                Enum.Parse<ExportFormat>(reader.GetString(3)),
                reader.GetString(4),
                new ChunkReader(_database, export, file, reader.GetInt64(5))), cancellation);
        return found is [var one] ? one : null;
    }

    // By ix_exports_tenant, and the primary key of files.
    internal const string BytesSql =
        """
        select coalesce(sum(f.bytes), 0)
        from results.exports e join results.export_files f on f.export_id = e.id
        where e.tenant_id = $1
        """;

    private Task<List<ExportFile>> FilesAsync(Guid id, CancellationToken cancellation) =>
        _database.CreateCommand(
            """
            select f.id, f.name, f.table_name, f.rows, f.bytes, f.sha256
            from results.export_files f where f.export_id = $1 order by f.name
            """).ReadAllAsync([id], reader => new ExportFile(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetString(5),
                _signer.UrlOf(id, reader.GetGuid(0))), cancellation);
}
