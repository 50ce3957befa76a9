namespace ResultsEs.Access;

/// <summary>
/// How fast a node refuses: the first refusals of a second are answered at once, the others half a second later. State: the refusals of
/// the second, and how many wait. Thread-safe.
/// </summary>
internal sealed class RefusalPace
{
    /// <summary>The refusals of a second that are answered at once.</summary>
    public const int AtOnce = 50;

    /// <summary>The most refusals that wait; beyond, they are answered at once.</summary>
    public const int MaxWaiting = 2_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private long _second;
    private int _count;
    private int _waiting;

    /// <summary>Counts a refusal, and waits until it may be answered, or the client has gone.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        lock (_gate)
        {
            var second = Environment.TickCount64 / 1_000;
            if (second != _second)
                (_second, _count) = (second, 0);
            if (++_count <= AtOnce || _waiting == MaxWaiting)
                return;

            _waiting++;
        }

        try
        {
            await Task.Delay(Pause, cancellation);
        }
        finally
        {
            lock (_gate)
                _waiting--;
        }
    }
}
