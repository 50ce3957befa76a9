namespace ResultsEs.EmbeddedPostgres;

/// <summary>The service's database: the configured one, or an embedded PostgreSQL that is started for it.</summary>
public static class Database
{
    private const string Name = "results";

    /// <summary>
    /// Opens the configured database (<c>ConnectionStrings:results</c>), otherwise a private cluster in the data folder. This machine's
    /// PostgreSQL runs the cluster, or a downloaded one. Dispose the result when the service has drained: the last service that leaves a
    /// private cluster stops it.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException">There is no database; the message says what was tried and what to do.</exception>
    public static async Task<RunningDatabase> OpenAsync(IConfiguration configuration, ILogger logger, CancellationToken cancellationToken)
    {
        var moved = !string.IsNullOrWhiteSpace(configuration[DataFolder.Variable]);
        var database = configuration.GetConnectionString(Name) is { } configured && !string.IsNullOrWhiteSpace(configured)
            ? Configured(configured)
            : await EmbeddedAsync(DataFolder.Find(configuration), moved, logger, cancellationToken);
        PostgresLog.Using(logger, database.Description);
        return database;
    }

    private static RunningDatabase Configured(string connectionString) => Parse(connectionString) is { } parts
        ? new(connectionString, $"PostgreSQL at {parts.Host}:{parts.Port}, database {parts.Database} (configured)", cluster: null)
        : throw new DatabaseUnavailableException("ConnectionStrings__results is not a connection string that Npgsql understands.");

    /// <summary>Parses a connection string; null when it is malformed.</summary>
    public static NpgsqlConnectionStringBuilder? Parse(string connectionString)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The exception is dropped on purpose: its message quotes the string, which may hold a password.
            return null;
        }
    }

    /// <summary>
    /// The cluster's folder: in the data folder, or below <c>/var/lib</c> when only root may enter the default data folder. An example
    /// is a checkout below <c>/root</c>; PostgreSQL does not run as root.
    /// </summary>
    internal static string Home(string folder, bool moved, bool privileged, Func<string, string?> closedFolderAbove)
    {
        var home = Path.Combine(folder, "postgres");
        return moved || !privileged || closedFolderAbove(home) is null
            ? home
            : Path.Combine("/var/lib/results-es", ClusterOptions.ShortHash(folder), "postgres");
    }

    private static async Task<RunningDatabase> EmbeddedAsync(
        string folder, bool moved, ILogger logger, CancellationToken cancellationToken)
    {
        var privileged = Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows();
        var home = Home(folder, moved, privileged, ServerAccount.ClosedFolderAbove);
        var binaries = await PostgresBinaries.GetAsync(folder, ClusterOptions.MajorVersion(home), logger, cancellationToken);
        var cluster = await PostgresCluster.StartAsync(new ClusterOptions(home, binaries), logger, cancellationToken);
        try
        {
            await cluster.CreateDatabaseAsync(Name, cancellationToken);
            return new(cluster.ConnectionString(Name), $"the embedded PostgreSQL in {home}, run by {binaries}", cluster);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }
}
