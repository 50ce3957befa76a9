using ResultsEs.EventStore;

namespace ResultsEs.Changes;

/// <summary>
/// Those who wait for changes. One loop of the node looks for all of them, while there are any: at the end of the feed, and, when that has
/// moved, at what is new in each account of theirs. It leaves the database most of the time. State: who waits; a lock guards it.
/// </summary>
internal sealed partial class ChangeWaiters(FeedEnd end, NpgsqlDataSource database, ILogger<ChangeWaiters> logger)
    : PollingService(TimeSpan.FromSeconds(1))
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(20);

    // A look may take this part of the time.
    private const int PausesPerLook = 4;

    // New changes of an account in one look.
    private const int ScannedAtOnce = 5_000;

    // The index (tenant_id, position), a range an account.
    private static readonly string NewSql =
        $"""
        select w.tenant_id, c.workspace_id, c.test_id, max(c.position), count(*)
        from unnest($1::varchar[], $2::bigint[]) w(tenant_id, seen)
        cross join lateral (
          select c.position, c.workspace_id, c.test_id from results.session_changes c
          where c.tenant_id = w.tenant_id and c.position > w.seen and c.position <= $3
          order by c.position limit {ScannedAtOnce}
        ) c
        group by w.tenant_id, c.workspace_id, c.test_id
        """;

    private readonly Lock _gate = new();
    private readonly HashSet<Waiter> _waiting = [];
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isNew = true;
    private long _looked;
    private TimeSpan _pause = ShortestPause;

    protected override TimeSpan Interval => _pause;

    /// <summary>Waits until there are changes after a position that match the query and can be read, or the time is over.</summary>
    /// <returns>A position up to which nothing matches, where to go on.</returns>
    public async Task<long> WaitAsync(ChangeQuery query, long after, TimeSpan longest, CancellationToken cancellation)
    {
        var waiter = new Waiter(query, after);
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

        return waiter.Seen;
    }

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        await AnyAsync().WaitAsync(stoppingToken);
        var began = Stopwatch.GetTimestamp();
        // Those who come from here on are looked for in the next round.
        var isNew = Interlocked.Exchange(ref _isNew, false);
        try
        {
            var safe = await end.ReadAsync(stoppingToken);
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
        var accounts = waiting.GroupBy(waiter => waiter.Query.Account, StringComparer.Ordinal)
            .Select(own => (Account: own.Key, Seen: own.Min(waiter => waiter.Seen))).ToList();
        var changed = (await database.CreateCommand(NewSql).ReadAllAsync(
            [accounts.Select(own => own.Account).ToArray(), accounts.Select(own => own.Seen).ToArray(), safe],
            reader => new Place(reader.GetString(0), reader.GetGuid(1), reader.GetGuid(2), reader.GetInt64(3), reader.GetInt64(4)),
            cancellation)).ToLookup(place => place.Account, StringComparer.Ordinal);
        foreach (var waiter in waiting)
        {
            var places = changed[waiter.Query.Account];
            if (places.Any(place => place.Last > waiter.Seen && place.Matches(waiter.Query)))
                waiter.Done.TrySetResult();
            else
                waiter.Pass(places.Sum(place => place.Count) < ScannedAtOnce ? safe : places.Max(place => place.Last));
        }
    }

    [LoggerMessage(4002, LogLevel.Error, "Looking for changes failed; those who wait for them wait on")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    /// <summary>Where sessions changed: how many, and the last position.</summary>
    private readonly record struct Place(string Account, Guid Workspace, Guid Test, long Last, long Count)
    {
        public bool Matches(ChangeQuery query) =>
            (query.Workspaces is null || query.Workspaces.Contains(Workspace)) && (query.TestId is null || query.TestId == Test);
    }

    /// <summary>Somebody who waits. Only the loop moves the position up to which nothing matches.</summary>
    private sealed class Waiter(ChangeQuery query, long after)
    {
        private long _seen = after;

        public ChangeQuery Query => query;

        public long Seen => Volatile.Read(ref _seen);

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Pass(long position) => Volatile.Write(ref _seen, Math.Max(_seen, position));
    }
}
