using ResultsEs.EventStore;

namespace ResultsEs.Changes;

/// <summary>
/// Those who wait for changes. One loop of the node looks for all of them, while there are any, and asks what each account has only when
/// something was written at all. It leaves the database most of the time. State: who waits; a lock guards it.
/// </summary>
internal sealed partial class ChangeWaiters(NpgsqlDataSource database, ILogger<ChangeWaiters> logger)
    : PollingService(TimeSpan.FromSeconds(1))
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(20);

    // A look may take this part of the time.
    private const int PausesPerLook = 4;

    // The index (tenant_id, position) finds the last of each account.
    private const string LastSql =
        """
        select w.tenant_id, c.position
        from unnest($1::varchar[]) w(tenant_id)
        cross join lateral (
          select c.position from results.session_changes c
          where c.tenant_id = w.tenant_id and c.position <= $2
          order by c.position desc limit 1
        ) c
        """;

    private readonly Lock _gate = new();
    private readonly HashSet<Waiter> _waiting = [];
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isNew = true;
    private long _looked;
    private TimeSpan _pause = ShortestPause;

    protected override TimeSpan Interval => _pause;

    /// <summary>Waits until an account has changes after a position that can be read, or the time is over.</summary>
    public async Task WaitAsync(string account, long after, TimeSpan longest, CancellationToken cancellation)
    {
        var waiter = new Waiter(account, after);
        lock (_gate)
        {
            _waiting.Add(waiter);
            _isNew = true;
            _arrived.TrySetResult();
        }

        try
        {
            await waiter.Done.Task.WaitAsync(longest, cancellation);
        }
        catch (TimeoutException)
        {
            // As the caller wants it.
        }
        finally
        {
            lock (_gate)
                _waiting.Remove(waiter);
        }
    }

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        await AnyAsync().WaitAsync(stoppingToken);
        var began = Stopwatch.GetTimestamp();
        // Those who come from here on are looked for in the next round.
        var isNew = Interlocked.Exchange(ref _isNew, false);
        try
        {
            var safe = await database.CreateCommand(ChangePosition.SafeSql).ReadValueAsync<long>([], stoppingToken);
            if (safe != _looked || isNew)
                await LookAsync(safe, stoppingToken);
            _looked = safe;
        }
        catch
        {
            Volatile.Write(ref _isNew, true);
            throw;
        }

        _pause = TimeSpan.FromTicks(Math.Max(ShortestPause.Ticks, PausesPerLook * Stopwatch.GetElapsedTime(began).Ticks));
    }

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    private Task AnyAsync()
    {
        lock (_gate)
        {
            if (_waiting.Count == 0 && _arrived.Task.IsCompleted)
                _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _arrived.Task;
        }
    }

    private async Task LookAsync(long safe, CancellationToken cancellation)
    {
        Waiter[] waiting;
        lock (_gate)
            waiting = [.. _waiting];
        string[] accounts = [.. waiting.Select(waiter => waiter.Account).Distinct(StringComparer.Ordinal)];
        var last = (await database.CreateCommand(LastSql).ReadAllAsync(
            [accounts, safe], reader => (Account: reader.GetString(0), Position: reader.GetInt64(1)), cancellation))
            .ToDictionary(row => row.Account, row => row.Position, StringComparer.Ordinal);
        foreach (var waiter in waiting)
        {
            if (last.GetValueOrDefault(waiter.Account) > waiter.After)
                waiter.Done.TrySetResult();
        }
    }

    [LoggerMessage(4002, LogLevel.Error, "Looking for changes failed; those who wait for them wait on")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private sealed class Waiter(string account, long after)
    {
        public string Account => account;

        public long After => after;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
