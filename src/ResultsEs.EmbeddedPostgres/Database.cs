using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace ResultsEs.EmbeddedPostgres;

/// <summary>Finds the database, or starts one: the service needs PostgreSQL and runs without being told where it is.</summary>
public static class Database
{
    private const string Name = "results";

    /// <summary>
    /// The configured database (<c>ConnectionStrings__results</c>); otherwise a private cluster in the data folder, run by the
    /// PostgreSQL of this machine; otherwise by one that is downloaded. Dispose the answer when the service has drained:
    /// the last service that leaves a private cluster stops it.
    /// </summary>
    /// <param name="configuration">Read for <c>ConnectionStrings:results</c> and <c>RESULTS_DATA</c>.</param>
    /// <param name="logger">Told what is used, and when PostgreSQL has to be started again.</param>
    /// <param name="cancellationToken">Stops the search or the start.</param>
    /// <exception cref="DatabaseUnavailableException">There is no database; the message says what was tried and what to do.</exception>
    public static async Task<RunningDatabase> OpenAsync(IConfiguration configuration, ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(configuration);

        var database = configuration.GetConnectionString(Name) is { } configured && !string.IsNullOrWhiteSpace(configured)
            ? Configured(configured)
            : await EmbeddedAsync(DataFolder.Find(configuration), moved: !string.IsNullOrWhiteSpace(configuration[DataFolder.Variable]), logger, cancellationToken);
        PostgresLog.Using(logger, database.Description);
        return database;
    }

    private static RunningDatabase Configured(string connectionString) => Parse(connectionString) is { } parts
        ? new RunningDatabase(connectionString, $"PostgreSQL at {parts.Host}:{parts.Port}, database {parts.Database} (configured)", cluster: null)
        : throw new DatabaseUnavailableException("ConnectionStrings__results is not a connection string that Npgsql understands.");

    /// <summary>The parts of a connection string; null when it is malformed.</summary>
    public static NpgsqlConnectionStringBuilder? Parse(string connectionString)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The error is dropped on purpose: its message quotes parts of the string, which may be those of a password.
            return null;
        }
    }

    /// <summary>
    /// Where the cluster lives: in the data folder, unless that was not chosen and lies where only root may go (such as a
    /// checkout below <c>/root</c>): PostgreSQL does not run as root, so then it lives below <c>/var/lib</c>.
    /// </summary>
    internal static string Home(string folder, bool moved, bool privileged, Func<string, string?> closedFolderAbove)
    {
        var home = Path.Combine(folder, "postgres");
        return moved || !privileged || closedFolderAbove(home) is null
            ? home
            : Path.Combine("/var/lib/results-es", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..16], "postgres");
    }

    private static async Task<RunningDatabase> EmbeddedAsync(string folder, bool moved, ILogger logger, CancellationToken cancellationToken)
    {
        var home = Home(folder, moved, Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows(), ServerAccount.ClosedFolderAbove);
        var binaries = await PostgresBinaries.GetAsync(folder, PostgresCluster.MajorVersion(home), logger, cancellationToken);
        var cluster = await PostgresCluster.StartAsync(new ClusterOptions(home, binaries), logger, cancellationToken);
        try
        {
            await cluster.CreateDatabaseAsync(Name, cancellationToken);
            return new RunningDatabase(cluster.ConnectionString(Name), $"the embedded PostgreSQL in {home}, run by {binaries}", cluster);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }
}

/// <summary>A database that is ready for connections.</summary>
public sealed class RunningDatabase : IAsyncDisposable
{
    private readonly PostgresCluster? _cluster;

    internal RunningDatabase(string connectionString, string description, PostgresCluster? cluster)
    {
        ConnectionString = connectionString;
        Description = description;
        _cluster = cluster;
    }

    /// <summary>How to connect; may hold a password. It stays the same when an embedded PostgreSQL has to be started again.</summary>
    public string ConnectionString { get; }

    /// <summary>Which database this is, for logs and people; holds no secret.</summary>
    public string Description { get; }

    /// <summary>Leaves an embedded cluster, and stops it when no other service uses it; does nothing to a configured database. Never throws.</summary>
    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>There is no database to work with. The message is written for the person who starts the service.</summary>
public sealed class DatabaseUnavailableException : Exception
{
    /// <summary>An error without a message.</summary>
    public DatabaseUnavailableException()
    {
    }

    /// <summary>An error that says what was tried and what to do.</summary>
    public DatabaseUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>An error that says what was tried and what to do, and what it comes from.</summary>
    public DatabaseUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
