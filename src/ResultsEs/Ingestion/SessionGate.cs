using System.Runtime.InteropServices;

namespace ResultsEs.Ingestion;

/// <summary>
/// One writer per session in this process: the others wait here instead of losing against each other in the database.
/// Owns the turns; one lives as long as somebody has or awaits it. Guarded by a lock on the dictionary.
/// </summary>
public sealed class SessionGate
{
    private readonly Dictionary<(Guid Account, Guid Session), Turn> _turns = [];

    /// <summary>Waits for all of the sessions; leaving is disposing of the result.</summary>
    /// <param name="account">The tenant.</param>
    /// <param name="sessions">Distinct and sorted, so that two callers cannot wait for each other.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IDisposable> EnterAsync(Guid account, IReadOnlyList<Guid> sessions, CancellationToken cancellation)
    {
        var entered = new Entered(this);
        try
        {
            foreach (var session in sessions)
            {
                await AwaitAsync((account, session), cancellation);
                entered.Keys.Add((account, session));
            }

            return entered;
        }
        catch
        {
            entered.Dispose();
            throw;
        }
    }

    private async Task AwaitAsync((Guid Account, Guid Session) key, CancellationToken cancellation)
    {
        Turn turn;
        lock (_turns)
        {
            ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(_turns, key, out _);
            turn = held ??= new Turn();
            turn.Users++;
        }

        try
        {
            await turn.Free.WaitAsync(cancellation);
        }
        catch
        {
            Forget(key, turn);
            throw;
        }
    }

    private void Forget((Guid Account, Guid Session) key, Turn turn)
    {
        lock (_turns)
        {
            if (--turn.Users > 0)
                return;

            _turns.Remove(key);
        }

        turn.Free.Dispose();
    }

    private void Leave((Guid Account, Guid Session) key)
    {
        Turn turn;
        lock (_turns)
            turn = _turns[key];
        turn.Free.Release();
        Forget(key, turn);
    }

    private sealed class Turn
    {
        public SemaphoreSlim Free { get; } = new(1, 1);

        public int Users { get; set; }
    }

    private sealed class Entered(SessionGate gate) : IDisposable
    {
        public List<(Guid Account, Guid Session)> Keys { get; } = [];

        public void Dispose()
        {
            foreach (var key in Keys)
                gate.Leave(key);
            Keys.Clear();
        }
    }
}
