namespace ResultsEs.Access;

/// <summary>
/// The clients as they are now. The settings are read again every <c>Access:RefreshSeconds</c>; while they cannot be read, or hold a
/// mistake, those of before stay. State: the current set, replaced whole by the polling loop.
/// </summary>
internal sealed partial class Clients(
    IOptions<AccessOptions> options, IOptionsFactory<AccessOptions> factory, IConfiguration configuration, SecretChecks secrets,
    ILogger<Clients> logger) : PollingService(TimeSpan.FromSeconds(options.Value.Access.RefreshSeconds))
{
    private volatile ClientSet _current = SetOf(options.Value);
    private bool _isRead;
    private Action<ClientSet>? _changed;

    public ClientSet Current => _current;

    /// <summary>Has this called with the new set after each change. To be called before the service starts.</summary>
    public void OnChange(Action<ClientSet> changed) => _changed += changed;

    protected override TimeSpan Interval => TimeSpan.FromSeconds(options.Value.Access.RefreshSeconds);

    protected override Task PollAsync(CancellationToken stoppingToken)
    {
        // At start they have just been read.
        if (!_isRead)
        {
            _isRead = true;
            return Task.CompletedTask;
        }

        // A file that is broken throws here. Its watcher would only have emptied it, and no client would be left.
        ((IConfigurationRoot)configuration).Reload();
        var read = SetOf(factory.Create(Options.DefaultName));
        if (read.IsLike(_current))
            return Task.CompletedTask;

        _current = read;
        secrets.Keep(read);
        LogChanged(logger, read.ById.Count);
        _changed?.Invoke(read);
        return Task.CompletedTask;
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    private static ClientSet SetOf(AccessOptions options) => new(options.Clients.Select(Client.Of));

    [LoggerMessage(3400, LogLevel.Information, "The clients have changed; there are {Count}")]
    private static partial void LogChanged(ILogger logger, int count);

    [LoggerMessage(3401, LogLevel.Warning, "The settings of clients cannot be read again; those of before stay")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
