namespace ResultsEs.Access;

/// <summary>
/// Those who wait to have a secret hashed against one client's hash: one has its turn at a time. Whoever comes from where few failed goes
/// first, and among equals the latest, so that a flood that came before keeps nobody waiting. State: the waiting, under a lock.
/// </summary>
internal sealed class HashQueue
{
    /// <summary>The most that wait. Beyond, the oldest is sent away, one that comes from where many failed first.</summary>
    public const int MaxWaiting = 1_000;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource<bool>> _trusted = new();
    private readonly LinkedList<TaskCompletionSource<bool>> _suspects = new();
    private bool _isTaken;

    /// <summary>Waits for a turn, which <see cref="Leave"/> ends. False when it does not come.</summary>
    public async Task<bool> EnterAsync(bool isSuspect, CancellationToken cancellation)
    {
        LinkedListNode<TaskCompletionSource<bool>> place;
        lock (_lock)
        {
            if (!_isTaken)
                return _isTaken = true;

            place = (isSuspect ? _suspects : _trusted).AddLast(
                new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
            if (_trusted.Count + _suspects.Count > MaxWaiting)
                Tell((_suspects.First ?? _trusted.First)!, hasTurn: false);
        }

        try
        {
            return await place.Value.Task.WaitAsync(MaxWait, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            var hasTurn = false;
            lock (_lock)
            {
                if (place.List is null)
                    hasTurn = place.Value.Task.Result;
                else
                    place.List.Remove(place);
            }

            // It came too late.
            if (hasTurn)
                Leave();
            if (e is TimeoutException)
                return false;
            throw;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if ((_trusted.Last ?? _suspects.Last) is { } next)
                Tell(next, hasTurn: true);
            else
                _isTaken = false;
        }
    }

    private static void Tell(LinkedListNode<TaskCompletionSource<bool>> place, bool hasTurn)
    {
        place.List!.Remove(place);
        place.Value.SetResult(hasTurn);
    }
}
