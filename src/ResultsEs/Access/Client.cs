namespace ResultsEs.Access;

/// <summary>Who may ask for tokens, and what these may allow.</summary>
/// <param name="Id">The client's id.</param>
/// <param name="Account">The tenant.</param>
/// <param name="Workspaces">The workspaces it may use, at least one.</param>
/// <param name="Scopes">The scopes its tokens may carry, at least one.</param>
/// <param name="Secrets">Its secrets, any of which is right.</param>
/// <param name="ReadsPerMinute">Its own limit of reads; null for that of all.</param>
/// <param name="WritesPerMinute">Its own limit of writes; null for that of all.</param>
internal sealed record Client(
    string Id,
    Guid Account,
    IReadOnlyList<Guid> Workspaces,
    IReadOnlyList<string> Scopes,
    IReadOnlyList<ClientSecret> Secrets,
    int? ReadsPerMinute,
    int? WritesPerMinute)
{
    /// <summary>True for a client of the database; others are of the configuration.</summary>
    public bool IsStored { get; init; }

    public static Client Of(ClientOptions options) => new(
        options.Id, options.Account, options.Workspaces, options.Scopes, [new ClientSecret(options.SecretHash)],
        options.ReadsPerMinute, options.WritesPerMinute);

    /// <summary>True when nothing of it is different.</summary>
    public bool IsLike(Client other) =>
        (Id, Account, ReadsPerMinute, WritesPerMinute, IsStored)
            == (other.Id, other.Account, other.ReadsPerMinute, other.WritesPerMinute, other.IsStored)
        && Workspaces.SequenceEqual(other.Workspaces) && Scopes.SequenceEqual(other.Scopes, StringComparer.Ordinal)
        && Secrets.SequenceEqual(other.Secrets);
}

/// <summary>A secret of a client.</summary>
/// <param name="Hash">Its hash, as <see cref="SecretHash"/> makes them.</param>
/// <param name="Until">When it ends; null for never.</param>
internal sealed record ClientSecret(string Hash, DateTimeOffset? Until = null);

/// <summary>
/// The clients of one moment, by id. Immutable: a change makes another, so its identity tells that nothing has changed. A client that has
/// not changed is the same object as in the set <paramref name="before"/>.
/// </summary>
internal sealed class ClientSet(IEnumerable<Client> clients, ClientSet? before = null)
{
    public FrozenDictionary<string, Client> ById { get; } = clients
        .Select(client => before?.Find(client.Id) is { } same && same.IsLike(client) ? same : client)
        .ToFrozenDictionary(client => client.Id, StringComparer.Ordinal);

    public Client? Find(string? id) => id is not null && ById.TryGetValue(id, out var client) ? client : null;

    /// <summary>
    /// The caller with what its token says and its client has now; the same object when that is all. Null when the client is gone, has
    /// moved to another account, or has none of the token's workspaces: such a token is good for nothing. What another issuer's token says
    /// is as it was: this service does not know its client.
    /// </summary>
    public Caller? Cut(Caller caller)
    {
        if (caller.Issuer is not null)
            return caller;
        if (Find(caller.ClientId) is not { } client || client.Account != caller.Account)
            return null;

        var workspaces = Array.FindAll(caller.Workspaces, client.Workspaces.Contains);
        var scopes = Array.FindAll(caller.Scopes, scope => client.Scopes.Contains(scope, StringComparer.Ordinal));
        if (workspaces.Length == caller.Workspaces.Length && scopes.Length == caller.Scopes.Length)
            return caller;
        return workspaces.Length == 0 ? null : caller with { Workspaces = workspaces, Scopes = scopes };
    }

    public bool IsLike(ClientSet other) =>
        ById.Count == other.ById.Count && ById.Values.All(client => other.Find(client.Id) is { } same && client.IsLike(same));
}
