using ResultsEs.Access;

namespace ResultsEs.Webhooks;

/// <summary>What webhooks may tell: what their client may see now, by the settings of this node.</summary>
internal sealed class WebhookRights(Clients clients)
{
    /// <summary>The workspaces of a webhook's client; null when the client is gone, has moved, or lacks a scope.</summary>
    public Guid[]? WorkspacesOf(string account, string clientId) =>
        clients.Current.Find(clientId) is { } client && Tenant.Of(client.Account) == account && Suffice(client.Scopes)
            ? [.. client.Workspaces]
            : null;

    /// <summary>True when scopes allow a webhook: it takes the right to read what it tells.</summary>
    public static bool Suffice(IReadOnlyList<string> scopes) =>
        scopes.Contains(Scopes.WebhooksWrite, StringComparer.Ordinal) && scopes.Contains(Scopes.StudiesRead, StringComparer.Ordinal);
}
