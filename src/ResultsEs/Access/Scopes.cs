namespace ResultsEs.Access;

/// <summary>The scopes of tokens. Each is an authorization policy of the same name: <c>[Authorize(Scopes.StudiesRead)]</c>.</summary>
public static class Scopes
{
    /// <summary>Every read of the API.</summary>
    public const string StudiesRead = "studies:read";

    /// <summary>Recording session events.</summary>
    public const string EventsWrite = "events:write";

    /// <summary>Erasing what is held about participants.</summary>
    public const string PrivacyWrite = "privacy:write";

    /// <summary>Reading everything that is held about a participant.</summary>
    public const string PrivacyRead = "privacy:read";

    /// <summary>Adding and revoking clients of the account, and giving them new secrets.</summary>
    public const string ClientsAdmin = "clients:admin";

    /// <summary>Subscribing to changes by webhooks.</summary>
    public const string WebhooksWrite = "webhooks:write";

    /// <summary>Seeing how the service does, and what of the account needs an operator.</summary>
    public const string OperationsRead = "operations:read";

    /// <summary>Replaying and discarding dead letters of the account, and doing again what is set aside of it.</summary>
    public const string OperationsWrite = "operations:write";

    /// <summary>
    /// Reading and recording: what tokens of another issuer may have unless its settings name their scopes. Each other scope changes
    /// access, forgets, tells all of a person, sends data elsewhere, or operates the service.
    /// </summary>
    public static IReadOnlyList<string> Ordinary { get; } = [StudiesRead, EventsWrite];

    /// <summary>Every scope this service knows.</summary>
    public static IReadOnlyList<string> All { get; } =
        [StudiesRead, EventsWrite, PrivacyWrite, PrivacyRead, ClientsAdmin, WebhooksWrite, OperationsRead, OperationsWrite];
}
