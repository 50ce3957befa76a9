using ResultsEs.Access;
using ResultsEs.Webhooks;

namespace ResultsEs.Commands;

/// <summary>An action on webhooks.</summary>
public enum WebhooksAction
{
    /// <summary>Make one for a client, and print it with its secret.</summary>
    add,

    /// <summary>Print one line each, the oldest first.</summary>
    list,

    /// <summary>Send again, from where it stopped.</summary>
    enable,

    /// <summary>Send nothing until it is enabled.</summary>
    disable,

    /// <summary>Make another secret, and print it.</summary>
    rotate,

    /// <summary>Remove it with its log.</summary>
    remove,

    /// <summary>Print its latest deliveries.</summary>
    deliveries,

    /// <summary>Send messages of its log again.</summary>
    replay,
}

public sealed class WebhooksInput : DatabaseInput
{
    [Description("add, list, enable, disable, rotate, remove, deliveries or replay")]
    public WebhooksAction Action { get; set; }

    [Description("The id of a webhook; with add its URL")]
    public string Id { get; set; } = "";

    [Description("With add: the client whose rights it has")]
    public string? ClientFlag { get; set; }

    [Description("With add: kinds, separated by commas; default session.completed")]
    public string KindsFlag { get; set; } = WebhookKinds.Text(WebhookKind.Completed);

    [Description("With add: only sessions of this test")]
    public string? TestFlag { get; set; }

    [Description("With add: send the session with each message")]
    public bool SessionsFlag { get; set; }

    [Description("With rotate: hours that the secret of before stays valid; default 24")]
    public int HoursFlag { get; set; } = 24;

    [Description("With replay: only messages of this session")]
    public string? SessionFlag { get; set; }

    [Description("With replay: only messages since this moment, or for so long: 90m, 24h, 30d")]
    public string? SinceFlag { get; set; }
}

/// <summary>Makes, shows and changes webhooks of all clients.</summary>
[Description("Subscriptions to changes: make, list, enable, rotate, replay", Name = "webhooks")]
public sealed class WebhooksCommand : DatabaseCommand<WebhooksInput>
{
    private const int ShownDeliveries = 100;
    private const int MostHours = 7 * 24;

    public WebhooksCommand()
    {
        Usage("List").Arguments(input => input.Action).ValidFlags();
        Usage("Do something with one, or make it").Arguments(input => input.Action, input => input.Id);
    }

    private protected override string ActionOf(WebhooksInput input) => $"webhooks {input.Action}";

    private protected override string? SubjectOf(WebhooksInput input) => Uuid.TryParse(input.Id, out _) ? input.Id : null;

    private protected override string? ProblemOf(WebhooksInput input) => input.Action switch
    {
        WebhooksAction.list => input.Id.Length == 0 ? null : "list takes no id.",
        WebhooksAction.add when input.ClientFlag is null => "--client is missing.",
        WebhooksAction.add => ProblemOfId("--test", input.TestFlag),
        _ when !Uuid.TryParse(input.Id, out _) => $"'{input.Id}' is not the id of a webhook; 'webhooks list' shows them.",
        WebhooksAction.rotate when input.HoursFlag is < 0 or > MostHours => $"--hours must be from 0 to {MostHours}.",
        WebhooksAction.replay when input.SessionFlag is null && input.SinceFlag is null => "--session or --since is missing.",
        WebhooksAction.replay when input.SinceFlag is { } since && AuditCommand.SinceOf(since, DateTimeOffset.MaxValue) is null =>
            "--since must be a moment with an offset, or a number with m, h or d.",
        _ => ProblemOfId("--session", input.SessionFlag),
    };

    private protected override async Task<ExitCode> RunAsync(WebhooksInput input, IServiceProvider services)
    {
        var webhooks = services.GetRequiredService<WebhookStore>();
        if (input.Action == WebhooksAction.add)
            return await AddAsync(webhooks, services.GetRequiredService<Clients>(), input);
        if (input.Action == WebhooksAction.list)
        {
            foreach (var webhook in await webhooks.ListAsync(owner: null, CancellationToken.None))
                Say(Line(webhook));
            return ExitCode.Success;
        }

        var (id, anybody) = (Guid.Parse(input.Id), WebhookOwner.Operator);
        if (await webhooks.FindAsync(anybody, id, CancellationToken.None) is null)
            return Fail($"There is no webhook {id}.");

        var log = services.GetRequiredService<WebhookLog>();
        switch (input.Action)
        {
            case WebhooksAction.enable or WebhooksAction.disable:
                var change = WebhookInput.OfStatus(isEnabled: input.Action == WebhooksAction.enable);
                return Say(Line((await webhooks.ChangeAsync(anybody, id, change, CancellationToken.None))!));
            case WebhooksAction.rotate:
                return Say((await webhooks.RotateAsync(anybody, id, TimeSpan.FromHours(input.HoursFlag), CancellationToken.None))!.Secret);
            case WebhooksAction.remove:
                return Say($"{(await webhooks.RemoveAsync(anybody, id, CancellationToken.None))!.WebhookId}  removed");
            case WebhooksAction.deliveries:
                var page = await log.ReadAsync(id, null, null, new Http.Paging(ShownDeliveries, 0, null), "", CancellationToken.None);
                foreach (var delivery in page.Deliveries.Reverse())
                    Say(Line(delivery));
                return ExitCode.Success;
            default:
                return await ReplayAsync(log, id, input, services.GetRequiredService<TimeProvider>().GetUtcNow());
        }
    }

    private async Task<ExitCode> AddAsync(WebhookStore webhooks, Clients clients, WebhooksInput input)
    {
        if (clients.Current.Find(input.ClientFlag) is not { } client)
            return Fail($"There is no client '{input.ClientFlag}' in the settings.");
        if (!WebhookRights.Suffice(client.Scopes))
            return Fail($"The client '{client.Id}' needs the scopes {Scopes.WebhooksWrite} and {Scopes.StudiesRead}.");

        var json = new JsonObject
        {
            ["url"] = input.Id,
            ["kinds"] = new JsonArray([.. input.KindsFlag.Split(',').Select(kind => (JsonNode)kind.Trim())]),
            ["testId"] = input.TestFlag,
            ["content"] = input.SessionsFlag ? "SESSION" : "THIN",
        };
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var read = WebhookInput.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), webhooks.Urls, isNew: true, errors);
        if (errors.Count > 0)
            return Fail(string.Join('\n', errors.Select(error => $"{error.Key} {error.Value[0]}.")));

        var owner = new WebhookOwner(Tenant.Of(client.Account), client.Id);
        if (await webhooks.AddAsync(owner, read, CancellationToken.None) is not { } made)
            return Fail($"The client '{client.Id}' has as many webhooks as it may: {webhooks.PerClient}.");

        Say(Line(made.Webhook));
        return Say(made.Secret);
    }

    private static async Task<ExitCode> ReplayAsync(WebhookLog log, Guid id, WebhooksInput input, DateTimeOffset now)
    {
        Guid? session = input.SessionFlag is null ? null : Guid.Parse(input.SessionFlag);
        var since = input.SinceFlag is null ? null : AuditCommand.SinceOf(input.SinceFlag, now);
        var (queued, goesOn) = (0, true);
        while (goesOn)
        {
            var part = await log.ReplayAsync(id, session, since, until: null, CancellationToken.None);
            // A range goes on at its last moment, unless all of a part are of one.
            goesOn = part.Since is not null && part.Since != since;
            (queued, since) = (queued + part.Queued, part.Since ?? since);
        }

        return Say($"{queued} messages are sent again");
    }

    private static string Line(Webhook webhook) =>
        $"{webhook.WebhookId}  {MillisecondsUtcConverter.Text(webhook.CreatedTime)}  account {webhook.Account}  "
        + $"client {webhook.ClientId}  "
        + $"{string.Join(',', webhook.Kinds.Select(WebhookKinds.Text))}  {Printable.Line(webhook.Url)}  "
        + $"{webhook.Status.ToString().ToLowerInvariant()}{(webhook.DisabledReason is null ? "" : $": {webhook.DisabledReason}")}";

    private static string Line(WebhookDelivery delivery) =>
        $"{delivery.DeliveryId}  {MillisecondsUtcConverter.Text(delivery.CreatedTime)}  {WebhookKinds.Text(delivery.Kind)}  "
        + $"session {delivery.SessionId}  {delivery.Status.ToString().ToLowerInvariant()}  {delivery.Attempts.Count} attempts"
        + (delivery.Attempts.LastOrDefault() is { } last
            ? $", the last {last.Status?.ToString(CultureInfo.InvariantCulture) ?? last.Problem}"
            : "");
}
