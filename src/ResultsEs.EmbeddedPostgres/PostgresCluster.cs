namespace ResultsEs.EmbeddedPostgres;

/// <summary>
/// A private PostgreSQL, shared by the services that use the same folder. The first starts it, others attach, the last stops it. Each
/// holds a shared lock on the file <c>users</c>; whoever starts or stops the server holds an exclusive lock on <c>gate</c>. Locks end
/// with their process: after a killed service, the next one attaches to the running server. A background task restarts a lost server.
/// </summary>
internal sealed class PostgresCluster(ClusterOptions options, ClusterFolder folder, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(60);

    private readonly PostgresServer _server = new(options, folder, logger);
    private readonly CancellationTokenSource _leaving = new();
    private IDisposable? _use;
    private Task _watch = Task.CompletedTask;
    private int _disposed;

    private string Users => Path.Combine(options.Home, "users");

    /// <summary>Makes a missing cluster, starts it or attaches to it, and keeps it running until disposed.</summary>
    /// <exception cref="DatabaseUnavailableException">It cannot run; the message says why and what to do.</exception>
    public static async Task<PostgresCluster> StartAsync(ClusterOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        PostgresCluster? cluster = null;
        try
        {
            cluster = new PostgresCluster(options, await ClusterFolder.PrepareAsync(options, cancellationToken), logger);
            await cluster.EnterAsync(cancellationToken);
            return cluster;
        }
        catch (Exception e)
        {
            if (cluster is not null)
                await cluster.DisposeAsync();
            if (e is UnauthorizedAccessException or IOException)
                throw options.CannotUse(e.Message, e);
            throw;
        }
    }

    public string ConnectionString(string database) => _server.Address.ConnectionString(database);

    /// <summary>Creates a database unless it exists.</summary>
    public async Task CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = _server.Address.Connection();
        await connection.OpenAsync(cancellationToken);
        await using var find = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection);
        find.Parameters.Add(new() { Value = name });
        if (await find.ExecuteScalarAsync(cancellationToken) is not null)
            return;

        try
        {
            var quoted = name.Replace("\"", "\"\"", StringComparison.Ordinal);
            await using var create = new NpgsqlCommand($"""create database "{quoted}" template template0""", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another service was first.
        }
    }

    /// <summary>Leaves the cluster; the last user stops it. Never throws: the next start attaches to a server left running.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;

        try
        {
            await _leaving.CancelAsync();
            await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_use is not null)
                await LeaveAsync();
        }
        catch (Exception e)
        {
            PostgresLog.StopFailed(logger, options.Home, e);
        }
        finally
        {
            _use?.Dispose();
            _leaving.Dispose();
        }
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        using (await GateAsync(cancellationToken))
        {
            // While the gate is ours, no service holds it exclusively.
            _use = FileLock.TryShared(Users) ?? throw options.CannotUse($"the lock file {Users} is held by another program");
            await _server.Address.LoadAsync(cancellationToken);
            await folder.CheckOrCreateDataAsync(_server.Address.InitdbArguments, logger, cancellationToken);
            await _server.EnsureRunningAsync(cancellationToken);
        }

        _watch = Task.Run(() => WatchAsync(_leaving.Token), CancellationToken.None);
    }

    private async Task<IDisposable> GateAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (FileLock.TryExclusive(Path.Combine(options.Home, "gate")) is { } held)
                return held;

            // After about two seconds: an ordinary start or stop of another service is not worth a log line.
            if (attempt == 40)
                PostgresLog.Waiting(logger, options.Home);

            await Task.Delay(50, cancellationToken);
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        for (var pause = WatchEvery; ;)
        {
            try
            {
                await Task.Delay(pause, cancellationToken);
                if (!await _server.IsGoneAsync(cancellationToken))
                    continue;

                using (await GateAsync(cancellationToken))
                {
                    PostgresLog.Gone(logger, options.Home);
                    await _server.EnsureRunningAsync(cancellationToken);
                }

                pause = WatchEvery;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                pause = TimeSpan.FromSeconds(Math.Clamp(pause.TotalSeconds * 2, 1, 30));
                PostgresLog.RestartFailed(logger, options.Home, pause, e);
            }
        }
    }

    private async Task LeaveAsync()
    {
        using var late = new CancellationTokenSource(StopWithin);
        using var gate = await GateAsync(late.Token);

        _use!.Dispose();
        using var alone = FileLock.TryExclusive(Users);
        if (alone is null)
        {
            PostgresLog.LeftRunning(logger, options.Home);
            return;
        }

        await _server.StopAsync(late.Token);

        // Nothing stays outside the cluster's folder.
        if (!options.Tcp && !options.SocketFolder.StartsWith(options.Home, StringComparison.Ordinal))
            Directory.Delete(options.SocketFolder, recursive: true);
    }
}
