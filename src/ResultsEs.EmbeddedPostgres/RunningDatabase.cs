namespace ResultsEs.EmbeddedPostgres;

/// <summary>A database that is ready for connections.</summary>
public sealed class RunningDatabase : IAsyncDisposable
{
    private readonly PostgresCluster? _cluster;

    internal RunningDatabase(string connectionString, string description, PostgresCluster? cluster) =>
        (ConnectionString, Description, _cluster) = (connectionString, description, cluster);

    /// <summary>The connection string; may hold a password. It stays the same when an embedded PostgreSQL restarts.</summary>
    public string ConnectionString { get; }

    /// <summary>A description of the database for logs and people, without secrets.</summary>
    public string Description { get; }

    /// <summary>Leaves an embedded cluster and stops it when no other service uses it. Never throws.</summary>
    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? ValueTask.CompletedTask;
}
