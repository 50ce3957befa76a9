namespace ResultsEs.Access;

/// <summary>
/// When clients of the database last got a token. Kept in memory, and stored for a client at most once a minute. State: what is not stored
/// yet, and when each was stored last.
/// </summary>
internal sealed class ClientUses(StoredClients stored, TimeProvider time)
{
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _waiting = new(StringComparer.Ordinal);

    // One reader at a time: the poll.
    private readonly Dictionary<string, DateTimeOffset> _lately = new(StringComparer.Ordinal);

    public void Note(Client client)
    {
        if (client.IsStored)
            _waiting[client.Id] = time.GetUtcNow();
    }

    public async Task StoreAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        foreach (var (id, at) in _lately.Where(one => now - one.Value >= Between).ToList())
            _lately.Remove(id);
        var due = _waiting.Where(use => !_lately.ContainsKey(use.Key)).ToList();
        if (due.Count == 0)
            return;

        await stored.UsedAsync(due, cancellation);
        foreach (var use in due)
        {
            _lately[use.Key] = now;
            _waiting.TryRemove(use);
        }
    }
}
