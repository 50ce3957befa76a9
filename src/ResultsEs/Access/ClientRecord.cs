[assembly: JsonContext<ResultsEs.Access.ClientsJson>]

namespace ResultsEs.Access;

/// <summary>Where a client is kept.</summary>
[JsonConverter(typeof(WireEnumConverter<ClientSource>))]
public enum ClientSource
{
    /// <summary><c>DATABASE</c>: it can be changed here.</summary>
    Database,

    /// <summary><c>CONFIGURATION</c>: its settings alone change it.</summary>
    Configuration,
}

/// <summary>A client, without its secrets.</summary>
internal sealed record ClientRecord
{
    /// <summary>The client's id, by which it asks for tokens.</summary>
    public required string ClientId { get; init; }

    /// <summary>What it is for; of one of the configuration its id.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is kept.</summary>
    public required ClientSource Source { get; init; }

    /// <summary>The account.</summary>
    public required Guid Account { get; init; }

    /// <summary>The workspaces it may use.</summary>
    public required IReadOnlyList<Guid> Workspaces { get; init; }

    /// <summary>The scopes its tokens may carry.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>Its own limit of reads a minute; absent when it has that of all.</summary>
    public int? ReadsPerMinute { get; init; }

    /// <summary>Its own limit of writes a minute; absent when it has that of all.</summary>
    public int? WritesPerMinute { get; init; }

    /// <summary>When it was added. Absent for the configuration's, as is all that follows.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Who added it: a client, or an operator.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>When its newest secret was made.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? SecretSince { get; init; }

    /// <summary>When its secret of before ends; absent when it has one secret.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? OldSecretUntil { get; init; }

    /// <summary>When it last got a token, to the minute; absent when it never did.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>When it was revoked; absent while it is not.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public DateTimeOffset? RevokedAt { get; init; }

    public static ClientRecord Of(Client configured) => new()
    {
        ClientId = configured.Id,
        Name = configured.Id,
        Source = ClientSource.Configuration,
        Account = configured.Account,
        Workspaces = configured.Workspaces,
        Scopes = configured.Scopes,
        ReadsPerMinute = configured.ReadsPerMinute,
        WritesPerMinute = configured.WritesPerMinute,
    };
}

/// <summary>A client with a secret that was just made. Nobody can read it again.</summary>
/// <param name="Client">The client.</param>
/// <param name="Secret">Its new secret.</param>
internal sealed record ClientWithSecret(ClientRecord Client, string Secret);

/// <summary>Clients of the caller's account, in the order of their ids.</summary>
/// <param name="Clients">The page. Those of the configuration come with the first.</param>
/// <param name="NextAfter">The value of <c>after</c> for the next page; absent in the last one.</param>
internal sealed record ClientList(IReadOnlyList<ClientRecord> Clients, string? NextAfter);

/// <summary>A client to be added.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record NewClient
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxName = 100;

    /// <summary>What it is for: 1–100 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The workspaces it may use: 1–200 of those of the token.</summary>
    public required IReadOnlyList<Guid> Workspaces { get; init; }

    /// <summary>The scopes its tokens may carry: at least one of those of the token.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>What is wrong with it, by member.</summary>
    public IReadOnlyDictionary<string, string[]> Problems()
    {
        var problems = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (string.IsNullOrWhiteSpace(Name) || JsonText.Characters(Name) > MaxName || !Printable.IsLine(Name))
            problems["$.name"] = [$"must have 1 to {MaxName} characters, none of them a control character"];
        if (Workspaces.Count is < 1 or > ClientOptions.MaxWorkspaces || Workspaces.Contains(Guid.Empty)
            || Workspaces.Distinct().Count() != Workspaces.Count)
            problems["$.workspaces"] = [$"must be 1 to {ClientOptions.MaxWorkspaces} UUIDs, each once"];
        if (Scopes.Count == 0 || Scopes.Distinct(StringComparer.Ordinal).Count() != Scopes.Count
            || Scopes.Any(scope => !Access.Scopes.All.Contains(scope, StringComparer.Ordinal)))
            problems["$.scopes"] = [$"must be at least one of {string.Join(", ", Access.Scopes.All)}, each once"];
        return problems;
    }
}

[JsonSerializable(typeof(ClientWithSecret))]
[JsonSerializable(typeof(ClientList))]
[JsonSerializable(typeof(NewClient))]
internal sealed partial class ClientsJson : JsonSerializerContext;
