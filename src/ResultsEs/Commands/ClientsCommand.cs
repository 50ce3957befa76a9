using ResultsEs.Access;

namespace ResultsEs.Commands;

/// <summary>An action on clients.</summary>
public enum ClientsAction
{
    /// <summary>Print one line each, those of the configuration first.</summary>
    list,

    /// <summary>Add one, and print its secret.</summary>
    add,

    /// <summary>Give one a new secret, and print it.</summary>
    rotate,

    /// <summary>End one's secrets and tokens.</summary>
    revoke,
}

// Flags are also read as settings: none has the name of a section.
public sealed class ClientsInput : DatabaseInput
{
    [Description("list, add, rotate or revoke")]
    public ClientsAction Action { get; set; }

    [Description("The client's id; with add it may be left out, and is then made")]
    public string Id { get; set; } = "";

    [Description("The account (add; list only its clients)")]
    public string? AccountFlag { get; set; }

    [Description("With add: the workspaces, with commas between")]
    public string? WorkspaceFlag { get; set; }

    [Description("With add: the scopes, with commas between")]
    public string? ScopeFlag { get; set; }

    [Description("With add: what it is for; its id if this is left out")]
    public string? NameFlag { get; set; }

    [Description("With add: its own limit of reads a minute")]
    public int? ReadsPerMinuteFlag { get; set; }

    [Description("With add: its own limit of writes a minute")]
    public int? WritesPerMinuteFlag { get; set; }

    [Description("With rotate: how many hours the old secret stays right, 0-720 (default 24); 0 ends all old ones now")]
    public int OldHoursFlag { get; set; } = RotateClient.DefaultOldHours;

    [Description("With rotate, when there are two secrets: older or newer, the one that ends now")]
    public string? ReplacesFlag { get; set; }

    [Description("With list: JSON lines")]
    public bool JsonFlag { get; set; }
}

/// <summary>Adds, lists, rotates and revokes clients of the database. A secret alone goes to the standard output.</summary>
[Description("Add, list, rotate and revoke the clients of the database", Name = "clients")]
public sealed class ClientsCommand : DatabaseCommand<ClientsInput>
{
    // All of an account fit several times.
    private const int PageSize = 1_000;

    public ClientsCommand()
    {
        Usage("List, or add one whose id is made").Arguments(input => input.Action).ValidFlags(
            input => input.AccountFlag!, input => input.JsonFlag, input => input.WorkspaceFlag!, input => input.ScopeFlag!,
            input => input.NameFlag!, input => input.ReadsPerMinuteFlag!, input => input.WritesPerMinuteFlag!);
        Usage("Add, rotate or revoke one").Arguments(input => input.Action, input => input.Id).ValidFlags(
            input => input.AccountFlag!, input => input.WorkspaceFlag!, input => input.ScopeFlag!, input => input.NameFlag!,
            input => input.ReadsPerMinuteFlag!, input => input.WritesPerMinuteFlag!, input => input.OldHoursFlag,
            input => input.ReplacesFlag!);
    }

    private protected override string ActionOf(ClientsInput input) => $"clients {input.Action}";

    private protected override string? SubjectOf(ClientsInput input) => input.Id.Length > 0 ? input.Id : null;

    private protected override string? ProblemOf(ClientsInput input) => input.Action switch
    {
        ClientsAction.rotate or ClientsAction.revoke when input.Id.Length == 0 => "The id of the client is missing.",
        _ when input.Id.Length > 0 && !StoredClients.IsId(input.Id) =>
            $"An id has 1 to {StoredClients.MaxId} letters and digits, and in between '.', '_' and '-'.",
        ClientsAction.add when input.Id == AccessProblems.DemoClient => "The demo client exists in the Development environment only.",
        ClientsAction.add when input.AccountFlag is null => "--account is missing.",
        ClientsAction.rotate when input.OldHoursFlag is < 0 or > RotateClient.MaxOldHours =>
            $"--old-hours must be from 0 to {RotateClient.MaxOldHours}.",
        ClientsAction.rotate when input.ReplacesFlag is not (null or "older" or "newer") => "--replaces must be older or newer.",
        ClientsAction.add when IsNoLimit(input.ReadsPerMinuteFlag) || IsNoLimit(input.WritesPerMinuteFlag) =>
            $"--reads-per-minute and --writes-per-minute must be from 1 to {RateLimitingOptions.Highest}.",
        _ => ProblemOfId("--account", input.AccountFlag),
    };

    private protected override async Task<ExitCode> RunAsync(ClientsInput input, IServiceProvider services)
    {
        var changes = services.GetRequiredService<ClientChanges>();
        return input.Action switch
        {
            ClientsAction.list => await ListAsync(input, services),
            ClientsAction.add => await AddAsync(input, changes),
            ClientsAction.rotate => await RotateAsync(input, changes),
            _ => await RevokeAsync(input, changes),
        };
    }

    private static async Task<ExitCode> ListAsync(ClientsInput input, IServiceProvider services)
    {
        Guid? account = input.AccountFlag is { } text ? Guid.Parse(text) : null;
        var configured = services.GetRequiredService<IOptions<AccessOptions>>().Value.Clients.Select(Client.Of)
            .Where(client => account is null || client.Account == account).OrderBy(client => client.Id, StringComparer.Ordinal);
        foreach (var client in configured)
            Print(ClientRecord.Of(client), input.JsonFlag);

        var stored = services.GetRequiredService<StoredClients>();
        IReadOnlyList<ClientRecord> page = [];
        do
        {
            page = await stored.ListAsync(account, null, page.LastOrDefault()?.ClientId ?? "", PageSize, CancellationToken.None);
            foreach (var client in page)
                Print(client, input.JsonFlag);
        }
        while (page.Count == PageSize);
        return ExitCode.Success;
    }

    private static void Print(ClientRecord client, bool isJson)
    {
        if (isJson)
        {
            Console.Out.WriteLine(Printable.Line(JsonSerializer.Serialize(client, Json.Of<ClientRecord>())));
            return;
        }

        var state = client switch
        {
            { Source: ClientSource.Configuration } => "configuration",
            { RevokedAt: { } revoked } => $"revoked {MillisecondsUtcConverter.Text(revoked)}",
            { OldSecretUntil: { } until } => $"two secrets until {MillisecondsUtcConverter.Text(until)}",
            _ => "database",
        };
        var used = client.LastUsedAt is { } last ? $"used {MillisecondsUtcConverter.Text(last)}" : "not used yet";
        Say(string.Join("  ", [
            client.ClientId, state, client.Account.ToString(), $"{client.Workspaces.Count} workspaces", string.Join(',', client.Scopes),
            client.Source == ClientSource.Database ? used : "", Printable.Line(client.Name),
        ]));
    }

    private async Task<ExitCode> AddAsync(ClientsInput input, ClientChanges changes)
    {
        var workspaces = Parts(input.WorkspaceFlag);
        if (!workspaces.TrueForAll(workspace => Uuid.TryParse(workspace, out _)))
            return Fail("--workspace must be UUIDs with commas between.");

        var asked = new NewClient
        {
            Name = input.NameFlag ?? (input.Id.Length > 0 ? input.Id : "client"),
            Workspaces = [.. workspaces.Select(Guid.Parse)],
            Scopes = Parts(input.ScopeFlag),
        };
        if (asked.Problems() is { Count: > 0 } problems)
            return Fail(string.Join('\n', problems.Select(problem => $"--{problem.Key[2..].TrimEnd('s')} {problem.Value[0]}")));

        var secret = SecretHash.Generate();
        var client = new ClientRecord
        {
            ClientId = input.Id,
            Name = asked.Name,
            Source = ClientSource.Database,
            Account = Guid.Parse(input.AccountFlag!),
            Workspaces = asked.Workspaces,
            Scopes = asked.Scopes,
            ReadsPerMinute = input.ReadsPerMinuteFlag,
            WritesPerMinute = input.WritesPerMinuteFlag,
        };
        return Tell(await changes.AddAsync(client, SecretHash.Of(secret), Changer, CancellationToken.None), secret);
    }

    private async Task<ExitCode> RotateAsync(ClientsInput input, ClientChanges changes)
    {
        var secret = SecretHash.Generate();
        ReplacedSecret? replaced = input.ReplacesFlag switch
        {
            null => null,
            "older" => ReplacedSecret.Older,
            _ => ReplacedSecret.Newer,
        };
        return IsConfigured(input, changes) ?? Tell(
            await changes.RotateAsync(
                caller: null, input.Id, SecretHash.Of(secret), TimeSpan.FromHours(input.OldHoursFlag), replaced, Changer,
                CancellationToken.None),
            secret);
    }

    private async Task<ExitCode> RevokeAsync(ClientsInput input, ClientChanges changes) =>
        IsConfigured(input, changes)
        ?? Tell(await changes.RevokeAsync(caller: null, input.Id, Changer, CancellationToken.None), secret: null);

    private static bool IsNoLimit(int? limit) => limit is < 1 or > RateLimitingOptions.Highest;

    private static ClientChanger Changer => new(Operator.Sender, Address: null);

    private ExitCode? IsConfigured(ClientsInput input, ClientChanges changes) => changes.IsConfigured(input.Id)
        ? Fail($"The client '{input.Id}' is one of the configuration, which alone changes it.")
        : null;

    /// <summary>Prints the secret; what else there is to say goes to the standard error.</summary>
    private ExitCode Tell(ClientChange change, string? secret)
    {
        if (change is not { Outcome: ClientChangeOutcome.Done, Record: { } client })
            return Fail(change.Outcome switch
            {
                ClientChangeOutcome.NotFound => "There is no such client in the database, or it is revoked.",
                ClientChangeOutcome.TwoSecrets => "The client has two secrets: say by --replaces older or newer which one ends now.",
                ClientChangeOutcome.Full => $"The account has {ClientChanges.MaxOfAccount} clients, which are the most; or there are "
                    + $"{ClientChanges.MaxOfAccountWithRevoked} with those that were revoked lately.",
                _ => "Another client has this id, or had it until lately.",
            });

        if (secret is not null)
            Say(secret);
        Console.Error.WriteLine(client switch
        {
            { RevokedAt: not null } => $"{client.ClientId} is revoked; nodes know it within a minute.",
            { OldSecretUntil: { } until } =>
                $"{client.ClientId} has this new secret; the old one is right until {MillisecondsUtcConverter.Text(until)}.",
            _ => $"{client.ClientId} has this secret, which is shown this once; nodes know it within a minute.",
        });
        return ExitCode.Success;
    }

    private static List<string> Parts(string? text) =>
        [.. (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
