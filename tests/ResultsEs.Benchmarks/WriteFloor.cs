using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Npgsql;
using NpgsqlTypes;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The least that a program has to do that takes one event a request and answers when that is committed and in its session's document: bare Kestrel, a set of the tokens it has found
/// valid, two round trips of prepared statements (the row lock and the document; event, document and commit), and a fold that knows <see cref="Sessions"/> and nothing more. Its tables are the
/// service's, with their indexes, without the foreign key and without the bookkeeping for tests' totals.
/// </summary>
internal static class WriteFloor
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "floor";

    public const string Events = "results.w1_floor_events";

    public const string Streams = "results.w1_floor_streams";

    public const string Documents = "results.w1_floor_documents";

    // Commits that are under way at once share a flush of the log.
    private const int Writers = 32;

    /// <summary>What stands for a token: as long as one of the service's.</summary>
    public static readonly string Token = new('t', 700);

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        await Postgres.ExecuteAsync(
            database,
            $"""
            create table {Streams} (like results.mt_streams including defaults including indexes);
            create table {Events} (like results.mt_events including defaults including indexes);
            create sequence {Events}_sequence owned by {Events}.seq_id;
            alter table {Events} alter seq_id set default nextval('{Events}_sequence'), alter timestamp set default now();
            create table {Documents} (like results.mt_doc_session_result_2 including defaults including indexes)
            """,
            cancellation);
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = Writers });
        var writers = Channel.CreateUnbounded<FloorWriter>();
        for (var i = 0; i < Writers; i++)
            writers.Writer.TryWrite(await FloorWriter.OpenAsync(source, cancellation));

        var valid = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal) { [$"Bearer {Token}"] = true };
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(Environment.GetEnvironmentVariable("ASPNETCORE_URLS")!);
        await using var app = builder.Build();
        app.Run(http => http.Request.Method == HttpMethods.Post ? TakeAsync(http, valid, writers) : Task.CompletedTask);
        await ((IHost)app).RunAsync(cancellation);
    }

    private static async Task TakeAsync(HttpContext http, ConcurrentDictionary<string, bool> valid, Channel<FloorWriter> writers)
    {
        if (!valid.ContainsKey(http.Request.Headers.Authorization.ToString()))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        var added = await ReadAsync(http.Request.BodyReader);
        var writer = await writers.Reader.ReadAsync();
        bool isNew;
        try
        {
            isNew = await writer.WriteAsync(added);
        }
        finally
        {
            writers.Writer.TryWrite(writer);
        }

        var answer = Encoding.UTF8.GetBytes($$"""{"accepted":{{(isNew ? 1 : 0)}},"duplicates":{{(isNew ? 0 : 1)}},"sessions":1,"events":[{"id":"{{added.Id}}","outcome":"{{(isNew ? "appended" : "duplicate")}}"}]}""");
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = answer.Length;
        await http.Response.BodyWriter.WriteAsync(answer);
    }

    private static async Task<FloorEvent> ReadAsync(PipeReader body)
    {
        while (true)
        {
            var read = await body.ReadAsync();
            if (read.IsCompleted)
            {
                var added = FloorEvent.Read(read.Buffer.IsSingleSegment ? read.Buffer.FirstSpan : System.Buffers.BuffersExtensions.ToArray(read.Buffer));
                body.AdvanceTo(read.Buffer.End);
                return added;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}

/// <summary>A connection with its prepared statements and its document; one request at a time has it.</summary>
internal sealed class FloorWriter
{
    private const string InsertEvent =
        $"insert into {WriteFloor.Events} (tenant_id, stream_id, version, id, type, data, headers, mt_dotnet_type) values ($1, $2, $3, $4, $5, $6, $7, 'ResultsEs.Contracts.SessionEvent, ResultsEs')";

    private readonly FloorDocument _document = new();
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlBatch _begin;
    private readonly NpgsqlBatch _create;
    private readonly NpgsqlBatch _change;
    private readonly NpgsqlCommand _rollback;

    private readonly NpgsqlParameter<Guid>[] _session = new NpgsqlParameter<Guid>[6];

    private FloorWriter(NpgsqlConnection connection)
    {
        _connection = connection;
        _begin = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("begin"),
                // Locks the session until the commit, and makes it when it is new.
                Keyed(0, $"insert into {WriteFloor.Streams} as s (tenant_id, id, type, version) values ($1, $2, 'session_result', 1) on conflict (tenant_id, id) do update set version = s.version + 1, timestamp = now() returning version"),
                Keyed(1, $"select data from {WriteFloor.Documents} where tenant_id = $1 and id = $2"),
            },
        };
        _create = Write(2, $"insert into {WriteFloor.Documents} (tenant_id, id, mt_version, data, workspace_id, test_id, status, audience_id, start_time, listed_at, task_types, mt_dotnet_type) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'ResultsEs.Sessions.SessionResult')");
        _change = Write(4, $"update {WriteFloor.Documents} set mt_version = $3, data = $4, workspace_id = $5, test_id = $6, status = $7, audience_id = $8, start_time = $9, listed_at = $10, task_types = $11, mt_last_modified = now() where tenant_id = $1 and id = $2");
        _rollback = new NpgsqlCommand("rollback", connection);
    }

    public static async Task<FloorWriter> OpenAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        var writer = new FloorWriter(await source.OpenConnectionAsync(cancellation));
        await writer._begin.PrepareAsync(cancellation);
        await writer._create.PrepareAsync(cancellation);
        await writer._change.PrepareAsync(cancellation);
        return writer;
    }

    /// <summary>Whether the event was new. What it is refused for is thrown, and nothing of it is stored.</summary>
    public async Task<bool> WriteAsync(FloorEvent added)
    {
        try
        {
            foreach (var parameter in _session)
                parameter.TypedValue = added.Session;
            long version;
            byte[] before = [];
            await using (var reader = await _begin.ExecuteReaderAsync())
            {
                await reader.ReadAsync();
                version = reader.GetInt64(0);
                await reader.NextResultAsync();
                if (await reader.ReadAsync())
                    before = reader.GetFieldValue<byte[]>(0);
            }

            _document.Add(before, added);
            var write = before.Length == 0 ? _create : _change;
            Set(write.BatchCommands[0].Parameters, added, version);
            Set(write.BatchCommands[1].Parameters, version);
            await write.ExecuteNonQueryAsync();
            return true;
        }
        catch (PostgresException e) when (e is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: { } name } && name.EndsWith("tenant_id_id_idx", StringComparison.Ordinal))
        {
            await _rollback.ExecuteNonQueryAsync();
            return false;
        }
        catch
        {
            await _rollback.ExecuteNonQueryAsync();
            throw;
        }
    }

    private NpgsqlBatch Write(int at, string document)
    {
        var insertEvent = Keyed(at, InsertEvent);
        insertEvent.Parameters.Add(new NpgsqlParameter<long>());
        insertEvent.Parameters.Add(new NpgsqlParameter<Guid>());
        insertEvent.Parameters.Add(new NpgsqlParameter<string>());
        insertEvent.Parameters.Add(new NpgsqlParameter<byte[]> { NpgsqlDbType = NpgsqlDbType.Jsonb });
        insertEvent.Parameters.Add(new NpgsqlParameter<byte[]> { NpgsqlDbType = NpgsqlDbType.Jsonb });
        var writeDocument = Keyed(at + 1, document);
        writeDocument.Parameters.Add(new NpgsqlParameter<long>());
        writeDocument.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { NpgsqlDbType = NpgsqlDbType.Jsonb });
        writeDocument.Parameters.Add(new NpgsqlParameter<Guid?> { NpgsqlDbType = NpgsqlDbType.Uuid });
        writeDocument.Parameters.Add(new NpgsqlParameter<Guid?> { NpgsqlDbType = NpgsqlDbType.Uuid });
        writeDocument.Parameters.Add(new NpgsqlParameter<string>());
        writeDocument.Parameters.Add(new NpgsqlParameter<Guid?> { NpgsqlDbType = NpgsqlDbType.Uuid });
        writeDocument.Parameters.Add(new NpgsqlParameter<DateTime?> { NpgsqlDbType = NpgsqlDbType.TimestampTz });
        writeDocument.Parameters.Add(new NpgsqlParameter<DateTime?> { NpgsqlDbType = NpgsqlDbType.TimestampTz });
        writeDocument.Parameters.Add(new NpgsqlParameter<string>());
        return new NpgsqlBatch(_connection) { BatchCommands = { insertEvent, writeDocument, new("commit") } };
    }

    private NpgsqlBatchCommand Keyed(int at, string sql)
    {
        _session[at] = new NpgsqlParameter<Guid>();
        return new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter<string> { TypedValue = Service.Account }, _session[at] } };
    }

    private static void Set(NpgsqlParameterCollection parameters, FloorEvent added, long version)
    {
        ((NpgsqlParameter<long>)parameters[2]).TypedValue = version;
        ((NpgsqlParameter<Guid>)parameters[3]).TypedValue = added.Id;
        ((NpgsqlParameter<string>)parameters[4]).TypedValue = added.Type;
        ((NpgsqlParameter<byte[]>)parameters[5]).TypedValue = added.Data;
        ((NpgsqlParameter<byte[]>)parameters[6]).TypedValue = added.Headers;
    }

    private void Set(NpgsqlParameterCollection parameters, long version)
    {
        ((NpgsqlParameter<long>)parameters[2]).TypedValue = version;
        ((NpgsqlParameter<ReadOnlyMemory<byte>>)parameters[3]).TypedValue = _document.Bytes;
        ((NpgsqlParameter<Guid?>)parameters[4]).TypedValue = _document.WorkspaceId;
        ((NpgsqlParameter<Guid?>)parameters[5]).TypedValue = _document.TestId;
        ((NpgsqlParameter<string>)parameters[6]).TypedValue = _document.StatusName;
        ((NpgsqlParameter<Guid?>)parameters[7]).TypedValue = _document.AudienceId;
        ((NpgsqlParameter<DateTime?>)parameters[8]).TypedValue = _document.StartTime;
        ((NpgsqlParameter<DateTime?>)parameters[9]).TypedValue = _document.FinishTime ?? _document.StartTime;
        ((NpgsqlParameter<string>)parameters[10]).TypedValue = _document.TaskTypes;
    }
}
