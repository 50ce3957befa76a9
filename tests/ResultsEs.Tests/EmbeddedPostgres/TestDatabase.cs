using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using Testcontainers.PostgreSql;

[assembly: AssemblyFixture(typeof(ResultsEs.Tests.EmbeddedPostgres.TestDatabase.EndOfRun))]

namespace ResultsEs.Tests.EmbeddedPostgres;

/// <summary>
/// Databases for tests: one server a run, started by the first test that asks, a new database for each call.
/// The server is <c>ConnectionStrings__results</c> when set, a container when a Docker engine answers, otherwise a private
/// cluster in the temporary folder.
/// </summary>
internal static class TestDatabase
{
    private static readonly Lazy<Task<Server>> Running = new(StartAsync);
    private static readonly Lazy<Task<string>> WithTables = new(ApplyAsync);
    private static readonly ConcurrentBag<string> Created = [];
    private static readonly string Run = string.Create(CultureInfo.InvariantCulture, $"t{Environment.ProcessId:x}_{Random.Shared.Next(0x10000):x4}");
    private static int _count;

    /// <summary>The connection string of a new database with the service's tables. It is dropped at the end of the run.</summary>
    public static async Task<string> CreateAsync() => await CreateAsync(await WithTables.Value);

    /// <summary>The same of an empty one.</summary>
    public static Task<string> CreateEmptyAsync() => CreateAsync("template0");

    /// <summary>The same of a copy of a database that nobody is connected to.</summary>
    public static Task<string> CopyAsync(string connectionString) => CreateAsync(new NpgsqlConnectionStringBuilder(connectionString).Database!);

    private static async Task<string> CreateAsync(string template)
    {
        var server = await Running.Value;
        var name = string.Create(CultureInfo.InvariantCulture, $"{Run}_{Interlocked.Increment(ref _count)}");
        await ExecuteAsync(server.ConnectionString, $"create database {name} template {template}");
        Created.Add(name);
        return new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>As an operator makes the tables.</summary>
    private static async Task<string> ApplyAsync()
    {
        var database = await CreateEmptyAsync();
        await ServiceProcess.ApplyAsync(("ConnectionStrings__results", database));
        return new NpgsqlConnectionStringBuilder(database).Database!;
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<Server> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("ConnectionStrings__results") is { Length: > 0 } configured)
            return new Server(configured, DropDatabases: true, () => ValueTask.CompletedTask);

        if (await DockerAnswersAsync())
        {
            try
            {
                return await StartContainerAsync();
            }
            catch (Exception) when (PostgresBinaries.Find() is not null)
            {
                // The engine has no image and no way to one; the PostgreSQL of this machine does as well.
            }
        }

        return await StartClusterAsync();
    }

    private static async Task<Server> StartClusterAsync()
    {
        ThrowAway.RemoveLeftovers();
        var home = ThrowAway.NewHome();
        var binaries = await PostgresBinaries.GetAsync(
            Path.Combine(Path.GetTempPath(), "results-postgres"), majorVersion: null, NullLogger.Instance, CancellationToken.None);
        var cluster = await PostgresCluster.StartAsync(
            new ClusterOptions(home, binaries) { Durable = false, MaxConnections = 500 }, NullLogger.Instance, CancellationToken.None);
        return new Server(cluster.ConnectionString("postgres"), DropDatabases: false, async () =>
        {
            await cluster.DisposeAsync();
            ThrowAway.Remove(home);
        });
    }

    private static async Task<Server> StartContainerAsync()
    {
        var container = new PostgreSqlBuilder("postgres:17-alpine")
            .WithCommand("-c", "max_connections=500", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
            .Build();
        await container.StartAsync();
        return new Server(container.GetConnectionString(), DropDatabases: false, container.DisposeAsync);
    }

    /// <summary>Asks the engine itself: a socket that exists proves nothing, and the container library waits long for one that does not answer.</summary>
    internal static async Task<bool> DockerAnswersAsync()
    {
        var host = Environment.GetEnvironmentVariable("DOCKER_HOST");
        if (host is { Length: > 0 } && !host.StartsWith("unix://", StringComparison.Ordinal))
            return true;
        if (OperatingSystem.IsWindows())
            return File.Exists(@"\\.\pipe\docker_engine");

        var socket = host is { Length: > 0 } ? host["unix://".Length..] : "/var/run/docker.sock";
        if (!File.Exists(socket))
            return false;

        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
                return new NetworkStream(connection, ownsSocket: true);
            },
        })
        { Timeout = TimeSpan.FromSeconds(3) };
        try
        {
            using var answer = await client.GetAsync(new Uri("http://docker/_ping"));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    private sealed record Server(string ConnectionString, bool DropDatabases, Func<ValueTask> StopAsync);

    /// <summary>Made before the first test of any run, filtered or not, and disposed after the last.</summary>
    public sealed class EndOfRun : IAsyncDisposable
    {
        private static readonly ConcurrentBag<Func<ValueTask>> Last = [];

        /// <summary>Has something done when the last test is through.</summary>
        public static void Finally(Func<ValueTask> action) => Last.Add(action);

        public async ValueTask DisposeAsync()
        {
            foreach (var action in Last)
                await action();

            if (!Running.IsValueCreated || !Running.Value.IsCompletedSuccessfully)
                return;

            var server = await Running.Value;
            if (server.DropDatabases)
            {
                foreach (var name in Created)
                    await ExecuteAsync(server.ConnectionString, $"drop database if exists {name} with (force)");
            }

            await server.StopAsync();
        }
    }
}
