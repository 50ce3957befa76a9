using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Npgsql;
using ResultsEs.Sessions;

namespace ResultsEs.Benchmarks;

/// <summary>
/// The least that a program has to do that sends one result to whom it belongs: Kestrel without routing, middleware or logging, a look at the token and at the counter of its client, a prepared
/// statement in one round trip, and what that brings goes into the answer. Of the service's headers it sends none.
/// </summary>
internal sealed class ReadFloor
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "floor";

    private const string V2 = "/api/v2/sessionResults/";
    private const string V3 = "/api/v3/sessionResults/";
    private const string Json = "application/json; charset=utf-8";

    // HTTP/1.1 asks once at a time on each, so this also bounds the connections to the database.
    private const int MostConnections = 64;

    private readonly FloorAccess _access = new();
    private readonly ConcurrentQueue<FloorReader> _readers = new();
    private readonly NpgsqlDataSource _source;

    private ReadFloor(NpgsqlDataSource source) => _source = source;

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        // A row is in the buffer at once.
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { ReadBufferSize = 32 * 1024, MaxPoolSize = MostConnections });
        var floor = new ReadFloor(source);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // Nothing here blocks, so a request is worked on where it was read: measured, a seventh less work.
        builder.WebHost.UseKestrelCore().UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
        });
        builder.WebHost.UseUrls(Environment.GetEnvironmentVariable("ASPNETCORE_URLS")!);
        await using var app = builder.Build();
        app.Run(floor.AnswerAsync);
        await app.RunAsync(cancellation);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Path.Value!;
        var isV3 = path.StartsWith(V3, StringComparison.Ordinal);
        if (!isV3 && !path.StartsWith(V2, StringComparison.Ordinal))
        {
            response.StatusCode = path == "/health/live" ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            return;
        }

        if (await _access.FindAsync(request.Headers.Authorization.ToString()) is not { } caller)
        {
            response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (!caller.Window.Take())
        {
            response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }

        if (!caller.MayRead || !HttpMethods.IsGet(request.Method) || !Guid.TryParseExact(path.AsSpan(V3.Length), "D", out var session))
        {
            response.StatusCode = !caller.MayRead ? StatusCodes.Status403Forbidden : HttpMethods.IsGet(request.Method) ? StatusCodes.Status400BadRequest : StatusCodes.Status405MethodNotAllowed;
            return;
        }

        if (!_readers.TryDequeue(out var reader))
            reader = await FloorReader.OpenAsync(_source);
        ArraySegment<byte> json;
        try
        {
            json = await reader.ReadAsync(isV3, caller, session, context.RequestAborted);
        }
        catch
        {
            // Nobody knows what it would answer next.
            await reader.DisposeAsync();
            throw;
        }

        _readers.Enqueue(reader);
        if (json.Array is null)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (!isV3)
        {
            // The document holds more than v2 shows.
            var body = ArrayPool<byte>.Shared.Rent(json.Count * 2);
            var length = FloorV2.Render(json, body);
            ArrayPool<byte>.Shared.Return(json.Array);
            json = new ArraySegment<byte>(body, 0, length);
        }

        response.ContentType = Json;
        response.ContentLength = json.Count;
        await response.Body.WriteAsync(json);
        ArrayPool<byte>.Shared.Return(json.Array!);
    }

    /// <summary>A connection with its statements.</summary>
    private sealed class FloorReader : IAsyncDisposable
    {
        private readonly NpgsqlConnection _connection;
        private readonly FloorStatement _v3;
        private readonly FloorStatement _v2;

        private FloorReader(NpgsqlConnection connection) => (_connection, _v3, _v2) = (connection, new(connection, "data -> 'body'"), new(connection, "data"));

        public static async Task<FloorReader> OpenAsync(NpgsqlDataSource source)
        {
            var reader = new FloorReader(await source.OpenConnectionAsync());
            await reader._v3.Command.PrepareAsync();
            await reader._v2.Command.PrepareAsync();
            return reader;
        }

        /// <summary>The JSON, in an array of the shared pool; without one where there is no such session for this caller.</summary>
        public async Task<ArraySegment<byte>> ReadAsync(bool isV3, FloorCaller caller, Guid session, CancellationToken cancellation)
        {
            await using var reader = await (isV3 ? _v3 : _v2).ExecuteAsync(caller, session, cancellation);
            if (!await reader.ReadAsync(cancellation))
                return default;

            // The row is in memory, so the stream does not wait. Before the text jsonb sends the version of its format.
            await using var stream = reader.GetStream(0);
            var length = (int)stream.Length - 1;
            if (stream.ReadByte() != 1)
                throw new InvalidOperationException("This jsonb is of another format.");
            var bytes = ArrayPool<byte>.Shared.Rent(length);
            stream.ReadExactly(bytes, 0, length);
            return new ArraySegment<byte>(bytes, 0, length);
        }

        public async ValueTask DisposeAsync()
        {
            await _v3.Command.DisposeAsync();
            await _v2.Command.DisposeAsync();
            await _connection.DisposeAsync();
        }
    }

    /// <summary>A statement of a connection, and its parameters, which are used again.</summary>
    private sealed class FloorStatement
    {
        private readonly NpgsqlParameter<string> _tenant = new() { TypedValue = "" };
        private readonly NpgsqlParameter<Guid> _session = new();
        private readonly NpgsqlParameter<Guid[]> _workspaces = new() { TypedValue = [] };

        // The primary key (tenant_id, id) finds the row.
        public FloorStatement(NpgsqlConnection connection, string column) =>
            Command = new NpgsqlCommand($"select {column} from {SessionResultTable.Name} where tenant_id = $1 and id = $2 and workspace_id = any($3)", connection) { Parameters = { _tenant, _session, _workspaces } };

        public NpgsqlCommand Command { get; }

        public Task<NpgsqlDataReader> ExecuteAsync(FloorCaller caller, Guid session, CancellationToken cancellation)
        {
            (_tenant.TypedValue, _session.TypedValue, _workspaces.TypedValue) = (caller.Tenant, session, caller.Workspaces);
            return Command.ExecuteReaderAsync(cancellation);
        }
    }
}
