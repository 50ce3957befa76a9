namespace ResultsEs.EmbeddedPostgres;

/// <summary>A database that is ready for connections.</summary>
public sealed class RunningDatabase : IAsyncDisposable
{
    private readonly PostgresCluster? _cluster;

    internal RunningDatabase(string connectionString, string description, PostgresCluster? cluster) =>
        (ConnectionString, Description, _cluster) = (connectionString, description, cluster);

    /// <summary>How to connect; may hold a password. It stays the same when an embedded PostgreSQL has to be started again.</summary>
    public string ConnectionString { get; }

    /// <summary>Which database this is, for logs and people; holds no secret.</summary>
    public string Description { get; }

    /// <summary>Leaves an embedded cluster, and stops it when no other service uses it. Never throws.</summary>
    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? ValueTask.CompletedTask;
}
