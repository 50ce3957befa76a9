namespace ResultsEs.EventStore;

/// <summary>
/// A server for reads: its address for logs, its general and its pinned pool, and that of exports. Looks have one, to wait for no read.
/// </summary>
internal sealed record StandbyServer(
    string Name, NpgsqlDataSource Reads, NpgsqlDataSource Pinned, NpgsqlDataSource Exports, NpgsqlDataSource Looks) : IDisposable
{
    public void Dispose()
    {
        Pinned.Dispose();
        Exports.Dispose();
        Reads.Dispose();
        Looks.Dispose();
    }
}

/// <summary>A standby and its state, which the watching loop and failing reads write. A lock guards what was logged.</summary>
internal sealed partial class Standby(StandbyServer server, TimeSpan maxLag, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Reads that fail within this time of each other are one trouble, which is logged once.
    private static readonly TimeSpan Calm = TimeSpan.FromMinutes(1);

    private readonly Lock _logging = new();
    private volatile State _state = new(time.GetTimestamp(), Shown: null, "has not shown yet how far behind it is");
    private long? _failed;
    private bool? _isTroubleLogged;

    public StandbyServer Server => server;

    /// <summary>True when reads may go to it.</summary>
    public bool IsFit => _state is { Trouble: null } state && Age(state) <= maxLag;

    /// <summary>The largest possible age of what it shows. While nothing is known of it, the time for which that has been so.</summary>
    public TimeSpan Lag => Age(_state);

    /// <summary>The reason why reads do not go to it, as the end of a sentence; null when they do.</summary>
    public string? Trouble
    {
        get
        {
            var state = _state;
            var age = Age(state);
            return state.Trouble ?? (age <= maxLag ? null : $"is {age.TotalSeconds:F0} s behind");
        }
    }

    /// <summary>Waits at most 5 s for a server's answer. The driver waits much longer for a server that hangs, even to cancel.</summary>
    public static async Task<T> PatientlyAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        return await ask(patience.Token).WaitAsync(patience.Token);
    }

    /// <summary>
    /// The time before which it shows all changes, or <paramref name="least"/> when that is earlier; null when it does not show all
    /// changes before that. It asks the standby, because one that was restarted may show less than before.
    /// </summary>
    public async Task<DateTimeOffset?> CompleteToAsync(DateTimeOffset? least, CancellationToken cancellation)
    {
        if (_state.Shown is not { } shown || shown.CompleteTo < least)
            return null;

        var replayed = await server.Reads.CreateCommand("select coalesce(pg_last_wal_replay_lsn(), '0/0')")
            .ReadValueAsync<NpgsqlLogSequenceNumber>([], cancellation);
        return replayed < shown.Position.Place ? null : least ?? shown.CompleteTo;
    }

    /// <summary>Marks it as showing all that the primary had at this look.</summary>
    public void MarkShown(PrimaryLook look)
    {
        _state = new State(look.Moment, look, Trouble: null);
        lock (_logging)
        {
            if (_isTroubleLogged == false || !IsFit || (_failed is { } failed && time.GetElapsedTime(failed) < Calm))
                return;

            _isTroubleLogged = false;
        }

        StandbyIsFit(logger, server.Name);
    }

    /// <summary>Keeps reads away until it is marked as showing something.</summary>
    public void MarkUnfit(string trouble) => _state = _state with { Trouble = trouble };

    /// <summary>Handles a failed read: the next reads go elsewhere until the next look.</summary>
    public void Failed(Exception cause)
    {
        MarkUnfit("failed to answer a read");
        if (cause is not PostgresException)
            Forget();
        lock (_logging)
            _failed = time.GetTimestamp();
        LogTrouble(cause);
    }

    /// <summary>Empties the pools, whose connections may all be broken.</summary>
    public void Forget()
    {
        server.Pinned.Clear();
        server.Exports.Clear();
        server.Reads.Clear();
    }

    /// <summary>Logs its trouble, once.</summary>
    public void LogTrouble(Exception? cause)
    {
        if (Trouble is not { } trouble)
            return;

        lock (_logging)
        {
            if (_isTroubleLogged == true)
                return;

            _isTroubleLogged = true;
        }

        StandbyIsUnfit(logger, server.Name, trouble, cause);
    }

    private TimeSpan Age(State state) => time.GetElapsedTime(state.AsOf);

    [LoggerMessage(113, LogLevel.Information, "Reads go to the standby at {Standby}")]
    private static partial void StandbyIsFit(ILogger logger, string standby);

    [LoggerMessage(114, LogLevel.Warning, "Reads do not go to the standby at {Standby}: it {Trouble}")]
    private static partial void StandbyIsUnfit(ILogger logger, string standby, string trouble, Exception? cause);

    private sealed record State(long AsOf, PrimaryLook? Shown, string? Trouble);
}
