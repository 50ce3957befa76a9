using Microsoft.AspNetCore.Identity;

namespace ResultsEs.Access;

/// <summary>The configured clients by id. Immutable: a change of configuration needs a restart.</summary>
internal sealed class Clients(IOptions<AccessOptions> options)
{
    private static readonly PasswordHasher<ClientOptions> Hasher = new();

    private readonly FrozenDictionary<string, ClientOptions> _byId =
        options.Value.Clients.ToFrozenDictionary(client => client.Id, StringComparer.Ordinal);

    public static string Hash(string secret) => Hasher.HashPassword(null!, secret);

    public ClientOptions? Find(string? id) => id is not null && _byId.TryGetValue(id, out var client) ? client : null;

    public ClientOptions? Authenticate(string? id, string? secret)
    {
        var client = Find(id);

        // An unknown id costs the same hash as a wrong secret, so that the response time does not reveal which ids exist.
        var hash = (client ?? options.Value.Clients.FirstOrDefault())?.SecretHash;
        return hash is not null && Hasher.VerifyHashedPassword(null!, hash, secret ?? "") != PasswordVerificationResult.Failed
            ? client
            : null;
    }
}
