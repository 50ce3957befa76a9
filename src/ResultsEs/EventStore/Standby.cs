using System.Globalization;
using Npgsql;

namespace ResultsEs.EventStore;

/// <summary>One server that is configured for reads.</summary>
/// <param name="Name">Which it is, for logs; holds no secret.</param>
/// <param name="Reads">Connections for reads.</param>
/// <param name="Pinned">Some of those, for reads by key.</param>
/// <param name="Looks">A few more, so that looking at it does not wait for those that reads have taken.</param>
internal sealed record StandbyServer(string Name, NpgsqlDataSource Reads, NpgsqlDataSource Pinned, NpgsqlDataSource Looks) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Pinned.Dispose();
        Reads.Dispose();
        Looks.Dispose();
    }
}

/// <summary>
/// A standby that may answer reads, and how it is. That is written by the one loop that watches it and by reads that fail on it, and read by any; what was
/// told of it is guarded by a lock.
/// </summary>
internal sealed class Standby(StandbyServer server, TimeSpan maxLag, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // A read that fails within this time of the one before belongs to the same trouble, which is told once.
    private static readonly TimeSpan Calm = TimeSpan.FromMinutes(1);

    private readonly Lock _telling = new();
    private volatile State _state = new(time.GetTimestamp(), "has not shown yet how far behind it is");
    private long? _failed;
    private bool? _isTroubleTold;

    /// <summary>How it is reached.</summary>
    public StandbyServer Server => server;

    /// <summary>Whether reads may go to it.</summary>
    public bool IsFit => _state is { Trouble: null } state && Age(state) <= maxLag;

    /// <summary>How old, at most, what it shows is; while nothing is known of it, how long that has been so.</summary>
    public TimeSpan Lag => Age(_state);

    /// <summary>Why reads do not go to it, as the end of a sentence about it; null when they do.</summary>
    public string? Trouble
    {
        get
        {
            var state = _state;
            var age = Age(state);
            return state.Trouble ?? (age <= maxLag ? null : string.Create(CultureInfo.InvariantCulture, $"is {age.TotalSeconds:F0} s behind"));
        }
    }

    /// <summary>
    /// Asks for as long as a standby may take: reads have the primary to turn to. Of a server that hangs the driver waits much longer, for the answer to its cancellation too.
    /// </summary>
    public static async Task<T> PatientlyAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        return await ask(patience.Token).WaitAsync(patience.Token);
    }

    /// <summary>What it shows holds all that was committed by this moment.</summary>
    public void MarkShown(long moment)
    {
        _state = new State(moment, Trouble: null);
        lock (_telling)
        {
            if (_isTroubleTold == false || !IsFit || (_failed is { } failed && time.GetElapsedTime(failed) < Calm))
                return;

            _isTroubleTold = false;
        }

        StandbyLog.StandbyIsFit(logger, server.Name);
    }

    /// <summary>Reads do not go to it until it is known to be well.</summary>
    public void MarkUnfit(string trouble) => _state = _state with { Trouble = trouble };

    /// <summary>A read failed on it: those that follow go elsewhere until the next look.</summary>
    public void Failed(Exception cause)
    {
        MarkUnfit("failed to answer a read");
        if (cause is not PostgresException)
            Forget();
        lock (_telling)
            _failed = time.GetTimestamp();
        LogTrouble(cause);
    }

    /// <summary>Connections that may be as broken as one that was are not used again.</summary>
    public void Forget()
    {
        server.Pinned.Clear();
        server.Reads.Clear();
    }

    /// <summary>Says what its trouble is, unless that is said.</summary>
    public void LogTrouble(Exception? cause)
    {
        if (Trouble is not { } trouble)
            return;

        lock (_telling)
        {
            if (_isTroubleTold == true)
                return;

            _isTroubleTold = true;
        }

        StandbyLog.StandbyIsUnfit(logger, server.Name, trouble, cause);
    }

    /// <inheritdoc/>
    public void Dispose() => server.Dispose();

    private TimeSpan Age(State state) => time.GetElapsedTime(state.AsOf);

    private sealed record State(long AsOf, string? Trouble);
}

/// <summary>What the log says about a standby.</summary>
internal static partial class StandbyLog
{
    [LoggerMessage(113, LogLevel.Information, "Reads go to the standby at {Standby}")]
    public static partial void StandbyIsFit(ILogger logger, string standby);

    [LoggerMessage(114, LogLevel.Warning, "Reads do not go to the standby at {Standby}: it {Trouble}")]
    public static partial void StandbyIsUnfit(ILogger logger, string standby, string trouble, Exception? cause);
}
