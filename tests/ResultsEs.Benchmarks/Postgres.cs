using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Benchmarks;

/// <summary>
/// A PostgreSQL for a run of the benchmark, as the service starts one for itself: what is committed is on the disk. It is gone afterwards.
/// </summary>
internal sealed class Postgres : IAsyncDisposable
{
    private readonly string _folder;
    private readonly PostgresCluster _cluster;
    private readonly Dictionary<int, string> _filled = [];

    private Postgres(string folder, PostgresCluster cluster) => (_folder, _cluster) = (folder, cluster);

    public static async Task<Postgres> StartAsync(CancellationToken cancellation)
    {
        // Below the temporary folder, where the account that PostgreSQL runs under may go.
        var folder = Directory.CreateTempSubdirectory("results-benchmark-").FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var binaries = await PostgresBinaries.GetAsync(Path.Combine(Path.GetTempPath(), "results-postgres"), majorVersion: null, NullLogger.Instance, cancellation);
        return new Postgres(folder, await PostgresCluster.StartAsync(new ClusterOptions(Path.Combine(folder, "postgres"), binaries), NullLogger.Instance, cancellation));
    }

    /// <summary>A new database with the service's tables.</summary>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken cancellation)
    {
        await _cluster.CreateDatabaseAsync(name, cancellation);
        var database = _cluster.ConnectionString(name);
        await Service.RunAsync(database, ["db-apply"], cancellation);
        return database;
    }

    /// <summary>A database that had the first so many of <see cref="Sessions"/> and nothing else when it was asked for first: rows that can live with what others leave share the time it takes.</summary>
    public async Task<string> FilledAsync(int sessions, CancellationToken cancellation)
    {
        if (_filled.TryGetValue(sessions, out var filled))
            return filled;

        var database = await CreateDatabaseAsync(string.Create(CultureInfo.InvariantCulture, $"filled_{sessions}"), cancellation);
        await Fill.WithAsync(database, sessions, cancellation);
        return _filled[sessions] = database;
    }

    /// <summary>The one value that a statement answers.</summary>
    public static async Task<T> AskAsync<T>(string database, string sql, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return (T)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Runs a statement.</summary>
    public static async Task ExecuteAsync(string database, string sql, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
