namespace ResultsEs.Access;

/// <summary>
/// The clients as they are now: those of the settings and those of the database, both read again every <c>Access:RefreshSeconds</c>. While
/// one of the two cannot be read, or holds a mistake, its clients of before stay. State: the current set, replaced whole under a lock.
/// </summary>
internal sealed partial class Clients(
    IOptions<AccessOptions> options, IOptionsFactory<AccessOptions> factory, IConfiguration configuration, SecretChecks secrets,
    ILogger<Clients> logger, StoredClients? stored = null, ClientUses? uses = null)
    : PollingService(TimeSpan.FromSeconds(options.Value.Access.RefreshSeconds))
{
    private readonly Lock _applying = new();
    private readonly SemaphoreSlim _reading = new(1);
    private IReadOnlyList<Client> _configured = [.. options.Value.Clients.Select(Client.Of)];
    private IReadOnlyList<Client> _stored = [];
    private volatile ClientSet _current = new(options.Value.Clients.Select(Client.Of));
    private bool _isRead;
    private long _asked;
    private long _readFor;
    private Action<ClientSet>? _changed;

    public ClientSet Current => _current;

    /// <summary>The client of the configuration with this id; null when there is none.</summary>
    public Client? FindConfigured(string id) => _current.Find(id) is { IsStored: false } client ? client : null;

    /// <summary>Has this called with the new set after each change. To be called before the service starts.</summary>
    public void OnChange(Action<ClientSet> changed) => _changed += changed;

    /// <summary>Reads those of the database, so that the first request finds them.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>
    /// Reads the clients of the database now. Who asks meanwhile shares the next reading. While they cannot be read nothing changes.
    /// </summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        try
        {
            await ReadStoredAsync(cancellation);
            Apply();
        }
        catch (Exception e) when (IsOfDatabase(e))
        {
            LogNotRead(logger, e.Message);
        }
    }

    protected override TimeSpan Interval => TimeSpan.FromSeconds(options.Value.Access.RefreshSeconds);

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        // At start all have just been read.
        if (!_isRead)
        {
            _isRead = true;
            return;
        }

        // First, because it waits for no settings: what was revoked is gone although a file is broken.
        await RefreshAsync(stoppingToken);
        await StoreUsesAsync(stoppingToken);
        // A file that is broken throws here. Its watcher would only have emptied it, and no client would be left.
        ((IConfigurationRoot)configuration).Reload();
        _configured = [.. factory.Create(Options.DefaultName).Clients.Select(Client.Of)];
        Apply();
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    private static bool IsOfDatabase(Exception e) => e is NpgsqlException or TimeoutException or IOException;

    private async Task ReadStoredAsync(CancellationToken cancellation)
    {
        if (stored is null)
            return;

        var asked = Interlocked.Increment(ref _asked);
        await _reading.WaitAsync(cancellation);
        try
        {
            if (_readFor >= asked)
                return;
            var readFor = Volatile.Read(ref _asked);
            (_stored, _readFor) = (await stored.ReadAsync(cancellation), readFor);
        }
        finally
        {
            _reading.Release();
        }
    }

    private async Task StoreUsesAsync(CancellationToken cancellation)
    {
        try
        {
            if (uses is not null)
                await uses.StoreAsync(cancellation);
        }
        catch (Exception e) when (IsOfDatabase(e))
        {
            LogUsesNotStored(logger, e.Message);
        }
    }

    private void Apply()
    {
        lock (_applying)
        {
            var ids = _configured.Select(client => client.Id).ToHashSet(StringComparer.Ordinal);
            var rest = _stored.Where(client => !ids.Contains(client.Id)).ToList();
            var read = new ClientSet(_configured.Concat(rest), _current);
            if (read.IsLike(_current))
                return;

            _current = read;
            secrets.Keep(read);
            LogChanged(logger, read.ById.Count);
            if (_stored.Count - rest.Count is > 0 and var hidden)
                LogHidden(logger, hidden);
            _changed?.Invoke(read);
        }
    }

    [LoggerMessage(3400, LogLevel.Information, "The clients have changed; there are {Count}")]
    private static partial void LogChanged(ILogger logger, int count);

    [LoggerMessage(3401, LogLevel.Warning, "The settings of clients cannot be read again; those of before stay")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(3404, LogLevel.Warning, "The clients of the database cannot be read; those of before stay: {Reason}")]
    private static partial void LogNotRead(ILogger logger, string reason);

    [LoggerMessage(3406, LogLevel.Warning, "When clients were used cannot be stored; it is tried again: {Reason}")]
    private static partial void LogUsesNotStored(ILogger logger, string reason);

    [LoggerMessage(3405, LogLevel.Warning, "{Count} clients of the database have the ids of clients of the configuration, which count")]
    private static partial void LogHidden(ILogger logger, int count);
}
