namespace ResultsEs.EventStore;

/// <summary>
/// Pools of connections to one database, which share its <c>Maximum Pool Size</c>. Who has a connection of one pool may wait for one of
/// a pool that stands later in this order, and for no other: locks, exports, pinned, general. So nobody waits for each other.
/// </summary>
internal static class DataSources
{
    /// <summary>The service key of the pinned pool, for Marten's store and for short reads. Nothing else may use it.</summary>
    public const string Pinned = "results.pinned";

    /// <summary>The service key of the pool of exports, which are many short queries: others need not wait for them.</summary>
    public const string Exports = "results.exports";

    /// <summary>
    /// The service key of the pool of connections that hold the locks of workers, some for as long as the node lives. Their work takes
    /// connections of the general pool.
    /// </summary>
    public const string Locks = "results.locks";

    /// <summary>The least <c>Maximum Pool Size</c> of the primary, of which each pool has some.</summary>
    public const int Least = 20;

    private const string IdleTimeout = "idle_in_transaction_session_timeout";
    private const string LongestSilence = "15s";
    private const int ReadBufferBytes = 32 * 1024;

    // The pinned pool gets a quarter of the connections.
    private const int PinnedPart = 4;

    // The pool of exports gets an eighth.
    private const int ExportsPart = 8;

    // Workers hold four for long: of webhooks, exports, erasures and rebuilds. The others take turns.
    private const int LocksSize = 6;

    // The lifetime bounds how long a plan is used that was made while tables were empty.
    private const int PlanSeconds = 15;

    /// <summary>Checks that a connection string of the primary has enough connections for all pools.</summary>
    /// <exception cref="StartupException">It has too few.</exception>
    public static void CheckSize(string connectionString)
    {
        if (new NpgsqlConnectionStringBuilder(connectionString).MaxPoolSize is var size and < Least)
            throw new StartupException(
                $"ConnectionStrings__results has a Maximum Pool Size of {size}; the service needs at least {Least} connections.");
    }

    /// <summary>The most connections of a pool.</summary>
    public static int SizeOf(NpgsqlDataSource pool) => new NpgsqlConnectionStringBuilder(pool.ConnectionString).MaxPoolSize;

    /// <summary>Opens the general pool, which resets a connection on return.</summary>
    public static NpgsqlDataSource Open(string connectionString, string name)
    {
        var builder = Builder(connectionString, name);
        var all = builder.ConnectionStringBuilder.MaxPoolSize;
        // The rest of the connections. A standby has no locks, and may have fewer than the least.
        builder.ConnectionStringBuilder.MaxPoolSize = Math.Max(1, all - PinnedSize(all) - ExportsSize(all) - LocksSize);
        return builder.Build();
    }

    /// <summary>
    /// Opens a small pool of connections that skips Npgsql's reset on return. Only for code that leaves no session state: key look-ups,
    /// positions and commits. The reset cost as much as the look-up (docs/decisions/0018). Npgsql prepares a statement at its second use.
    /// </summary>
    public static NpgsqlDataSource OpenPinned(string connectionString, string name)
    {
        var builder = Builder(connectionString, name);
        var settings = builder.ConnectionStringBuilder;
        (settings.NoResetOnClose, settings.MaxAutoPrepare, settings.AutoPrepareMinUsages) = (true, 100, 2);
        (settings.MaxPoolSize, settings.ConnectionLifetime) = (PinnedSize(settings.MaxPoolSize), PlanSeconds);
        settings.MinPoolSize = Math.Min(settings.MinPoolSize, settings.MaxPoolSize);
        return builder.Build();
    }

    /// <summary>
    /// Opens the small pool of exports, and of what reads like them. Like pinned ones its connections are not reset, so nothing on them
    /// may outlive its transaction; statements are prepared where that is asked for.
    /// </summary>
    public static NpgsqlDataSource OpenExports(string connectionString, string name)
    {
        var builder = Builder(connectionString, name);
        var settings = builder.ConnectionStringBuilder;
        (settings.MinPoolSize, settings.MaxPoolSize) = (0, ExportsSize(settings.MaxPoolSize));
        (settings.NoResetOnClose, settings.ConnectionLifetime) = (true, PlanSeconds);
        return builder.Build();
    }

    /// <summary>Opens the small pool of locks.</summary>
    public static NpgsqlDataSource OpenLocks(string connectionString, string name)
    {
        var builder = Builder(connectionString, name);
        var settings = builder.ConnectionStringBuilder;
        (settings.MinPoolSize, settings.MaxPoolSize) = (0, LocksSize);
        return builder.Build();
    }

    private static int PinnedSize(int all) => Math.Max(1, all / PinnedPart);

    private static int ExportsSize(int all) => Math.Max(1, all / ExportsPart);

    private static NpgsqlDataSourceBuilder Builder(string connectionString, string name)
    {
        // Without a name, spans and metrics would carry the connection string.
        var builder = new NpgsqlDataSourceBuilder(connectionString) { Name = name };
        var settings = builder.ConnectionStringBuilder;
        // A node that vanishes (machine, network) leaves transactions open. They would hold locks until TCP gives up, hours later.
        if (settings.Options?.Contains(IdleTimeout, StringComparison.Ordinal) != true)
            settings.Options = $"{settings.Options} -c {IdleTimeout}={LongestSilence}".TrimStart();
        // With Npgsql's default of 8 KiB, a document of 25 events took a second buffer.
        settings.ReadBufferSize = Math.Max(settings.ReadBufferSize, ReadBufferBytes);
        // Polling, several times a second, belongs to no trace.
        builder.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => Activity.Current is not null)
            .ConfigureBatchFilter(_ => Activity.Current is not null)
            .EnablePhysicalOpenTracing(false));
        return builder;
    }
}
