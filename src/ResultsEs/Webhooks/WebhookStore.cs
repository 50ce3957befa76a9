using ResultsEs.Access;
using ResultsEs.Changes;
using ResultsEs.EventStore;

namespace ResultsEs.Webhooks;

/// <summary>The subscriptions. A webhook is seen and changed by the client that made it, and by operators.</summary>
public sealed class WebhookStore
{
    private const string Columns =
        """
        w.id, w.tenant_id, w.client_id, w.url, w.kinds, w.test_id, w.content, w.description, w.disabled_at, w.disabled_reason,
        case when w.former_until > $1 then w.former_until end, w.created_at, w.updated_at, w.position
        """;

    // Days that a secret of before may stay valid.
    private const int MostOverlapDays = 7;

    private readonly NpgsqlDataSource _database;
    private readonly ChangeFeed _feed;
    private readonly WebhookRights _rights;
    private readonly SecretSeal _seal;
    private readonly WebhookSignal _signal;
    private readonly TimeProvider _time;

    internal WebhookStore(
        NpgsqlDataSource database, ChangeFeed feed, WebhookRights rights, SecretSeal seal, WebhookUrl urls, WebhookSignal signal,
        IOptions<WebhookOptions> options, TimeProvider time)
    {
        (_database, _feed, _rights, _seal, Urls, _signal, _time) = (database, feed, rights, seal, urls, signal, time);
        PerClient = options.Value.PerClient;
    }

    /// <summary>The longest time that a secret of before stays valid, in seconds.</summary>
    internal static int MostOverlapSeconds => MostOverlapDays * 24 * 3_600;

    /// <summary>The most webhooks of a client.</summary>
    internal int PerClient { get; }

    /// <summary>The check of URLs.</summary>
    internal WebhookUrl Urls { get; }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>Makes a webhook of what comes from now on; null when the client has as many as it may.</summary>
    internal async Task<WebhookWithSecret?> AddAsync(WebhookOwner owner, WebhookInput input, CancellationToken cancellation)
    {
        var position = await _feed.EndAsync(cancellation);
        var secret = WebhookSecret.Make();
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await AdvisoryLock.WaitInTransactionAsync(connection, $"results.webhooks {owner.Account} {owner.ClientId}", cancellation);
        var (count, id) = await CountAsync(connection, owner, cancellation);
        if (count >= PerClient)
            return null;

        await connection.ExecuteAsync(
            """
            insert into results.webhooks
              (id, tenant_id, client_id, url, kinds, test_id, content, description, secret, position, created_at, updated_at)
            values ($1, $2, $3, $4, $5, $6::uuid, $7, $8::varchar, $9, $10, $11, $11)
            """,
            [
                id, owner.Account, owner.ClientId, input.Url, TextsOf(input.Kinds!), input.TestId,
                (input.Content ?? WebhookContent.Thin).ToString(), input.Description, _seal.Seal(id, secret), position, Now,
            ], cancellation);
        await owner.NoteAsync(connection, "webhook added", id, cancellation);
        var made = await ReadAsync(connection, owner, id, cancellation);
        await transaction.CommitAsync(cancellation);
        return new WebhookWithSecret(made!, WebhookSecret.Text(secret));
    }

    /// <summary>Reads the webhooks of a client, or of all (null), the oldest first.</summary>
    internal Task<List<Webhook>> ListAsync(WebhookOwner? owner, CancellationToken cancellation) => _database.CreateCommand(
        $"""
        select {Columns} from results.webhooks w
        where ($2::varchar is null or (w.tenant_id = $2 and w.client_id = $3::varchar)) order by w.created_at, w.id
        """).ReadAllAsync([Now, owner?.Account, owner?.ClientId], Read, cancellation);

    /// <summary>Reads one of a client's webhooks; of any client when the owner is an operator.</summary>
    internal async Task<Webhook?> FindAsync(WebhookOwner owner, Guid id, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        return await ReadAsync(connection, owner, id, cancellation);
    }

    /// <summary>Changes what the input says; null when the owner has no such webhook.</summary>
    internal async Task<Webhook?> ChangeAsync(WebhookOwner owner, Guid id, WebhookInput input, CancellationToken cancellation)
    {
        var changed = await WithinAsync(owner, id, "webhook changed", async (connection, before) =>
        {
            await connection.ExecuteAsync(
                """
                update results.webhooks set
                  url = coalesce($2::varchar, url), kinds = coalesce($3::varchar[], kinds), content = coalesce($4::varchar, content),
                  test_id = case when $5 then $6::uuid else test_id end, description = case when $7 then $8::varchar else description end,
                  updated_at = $9
                where id = $1
                """,
                [
                    id, input.Url, input.Kinds is null ? null : TextsOf(input.Kinds), input.Content?.ToString(), input.SaysTest,
                    input.TestId, input.SaysDescription, input.Description, Now,
                ], cancellation);
            if (input.IsEnabled == false && before.DisabledTime is null)
                await DisableAsync(connection, id, "Disabled by its owner.", Now, cancellation);
            if (input.IsEnabled == true && before.DisabledTime is not null)
                await EnableAsync(connection, before, cancellation);
        }, cancellation);
        // What waited is due.
        if (input.IsEnabled == true)
            _signal.Raise();
        return changed;
    }

    /// <summary>Removes a webhook with its log; returns it as it was, null when the owner has no such webhook.</summary>
    internal async Task<Webhook?> RemoveAsync(WebhookOwner owner, Guid id, CancellationToken cancellation)
    {
        Webhook? removed = null;
        await WithinAsync(owner, id, "webhook removed", async (connection, before) =>
        {
            removed = before;
            await connection.ExecuteAsync("delete from results.webhooks where id = $1", [id], cancellation);
            foreach (var table in new[] { "webhook_deliveries", "webhook_completions" })
                await connection.ExecuteAsync($"delete from results.{table} where webhook_id = $1", [id], cancellation);
        }, cancellation);
        return removed;
    }

    /// <summary>Makes another secret. Messages are signed by the one of before, too, for so long.</summary>
    internal async Task<WebhookWithSecret?> RotateAsync(WebhookOwner owner, Guid id, TimeSpan overlap, CancellationToken cancellation)
    {
        var secret = WebhookSecret.Make();
        var changed = await WithinAsync(owner, id, "webhook secret rotated", (connection, _) => connection.ExecuteAsync(
            """
            update results.webhooks set former_secret = case when $3 > $4 then secret end, former_until = case when $3 > $4 then $3 end,
              secret = $2, updated_at = $4 where id = $1
            """, [id, _seal.Seal(id, secret), Now + overlap, Now], cancellation), cancellation);
        return changed is null ? null : new WebhookWithSecret(changed, WebhookSecret.Text(secret));
    }

    /// <summary>Disables a webhook that is enabled, in the connection's transaction.</summary>
    internal static Task<int> DisableAsync(
        NpgsqlConnection connection, Guid id, string reason, DateTime now, CancellationToken cancellation) => connection.ExecuteAsync(
        "update results.webhooks set disabled_at = $2, disabled_reason = $3 where id = $1 and disabled_at is null",
        [id, now, reason], cancellation);

    // What failed is tried again, and the 72 hours begin anew. A position that the feed has forgotten begins anew, too.
    private async Task EnableAsync(NpgsqlConnection connection, Webhook webhook, CancellationToken cancellation)
    {
        var position = await PositionAsync(webhook, cancellation);
        await connection.ExecuteAsync(
            "update results.webhooks set disabled_at = null, disabled_reason = null, is_slow = true, position = $2 where id = $1",
            [webhook.WebhookId, position], cancellation);
        await connection.ExecuteAsync(
            """
            update results.webhook_deliveries set status = 'Pending', due_at = $2, first_at = null, tries = 0
            where webhook_id = $1 and (due_at is not null or status = 'Failed')
            """, [webhook.WebhookId, Now], cancellation);
    }

    private async Task<long> PositionAsync(Webhook webhook, CancellationToken cancellation)
    {
        try
        {
            await _feed.ReadAsync(new ChangeQuery(webhook.Account, Workspaces: null), webhook.Position, limit: 1, cancellation);
            return webhook.Position;
        }
        catch (ChangesGoneException)
        {
            return await _feed.EndAsync(cancellation);
        }
    }

    /// <summary>Does work with a webhook that is locked, notes it in the audit, and returns the webhook as it is then.</summary>
    private async Task<Webhook?> WithinAsync(
        WebhookOwner owner, Guid id, string action, Func<NpgsqlConnection, Webhook, Task> work, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await ReadAsync(connection, owner, id, cancellation, isLocked: true) is not { } before)
            return null;

        await work(connection, before);
        await owner.NoteAsync(connection, action, id, cancellation);
        var after = await ReadAsync(connection, owner, id, cancellation);
        await transaction.CommitAsync(cancellation);
        return after ?? before;
    }

    private async Task<Webhook?> ReadAsync(
        NpgsqlConnection connection, WebhookOwner owner, Guid id, CancellationToken cancellation, bool isLocked = false)
    {
        var found = await new NpgsqlCommand(
            $"""
            select {Columns} from results.webhooks w
            where w.id = $2 and ($3::varchar is null or (w.tenant_id = $3 and w.client_id = $4::varchar)) {(isLocked ? "for update" : "")}
            """, connection).ReadAllAsync([Now, id, owner.Account, owner.ClientId], Read, cancellation);
        return found.FirstOrDefault();
    }

    private static async Task<(long Count, Guid Id)> CountAsync(
        NpgsqlConnection connection, WebhookOwner owner, CancellationToken cancellation)
    {
        // The database makes the id.
        var counted = await new NpgsqlCommand(
            "select count(*), gen_random_uuid() from results.webhooks w where w.tenant_id = $1 and w.client_id = $2", connection)
            .ReadAllAsync([owner.Account, owner.ClientId], reader => (reader.GetInt64(0), reader.GetGuid(1)), cancellation);
        return counted[0];
    }

    private static string[] TextsOf(IEnumerable<WebhookKind> kinds) => [.. kinds.Select(WebhookKinds.Text)];

    private Webhook Read(NpgsqlDataReader reader)
    {
        var (account, client, disabled) = (reader.GetString(1), reader.GetString(2), TimeOf(reader, 8));
        return new Webhook
        {
            WebhookId = reader.GetGuid(0),
            Account = account,
            ClientId = client,
            Url = reader.GetString(3),
            Kinds = [.. reader.GetFieldValue<string[]>(4).Select(WebhookKinds.Find).OfType<WebhookKind>()],
            TestId = reader.IsDBNull(5) ? null : reader.GetGuid(5),
            Content = Enum.Parse<WebhookContent>(reader.GetString(6)),
            Description = reader.IsDBNull(7) ? null : reader.GetString(7),
            Status = disabled is not null ? WebhookStatus.Disabled
                : _rights.WorkspacesOf(account, client) is null ? WebhookStatus.Suspended
                : WebhookStatus.Enabled,
            DisabledTime = disabled,
            DisabledReason = reader.IsDBNull(9) ? null : reader.GetString(9),
            FormerSecretUntil = TimeOf(reader, 10),
            CreatedTime = TimeOf(reader, 11)!.Value,
            UpdatedTime = TimeOf(reader, 12)!.Value,
            Position = reader.GetInt64(13),
        };
    }

    private static DateTimeOffset? TimeOf(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
}

/// <summary>Whose webhooks are meant, and who acts: a client by a request, or an operator, who reaches all.</summary>
internal sealed record WebhookOwner(string? Account, string? ClientId, HttpContext? Http = null)
{
    /// <summary>An operator: of any account and client.</summary>
    public static readonly WebhookOwner Operator = new(null, null);

    public static WebhookOwner Of(HttpContext http)
    {
        var caller = Caller.From(http.User);
        return new WebhookOwner(Tenant.Of(caller.Account), caller.ClientId, http);
    }

    /// <summary>Writes into the audit, in the transaction of what it tells. Commands are noted as such by themselves.</summary>
    public Task NoteAsync(NpgsqlConnection connection, string action, Guid webhook, CancellationToken cancellation) =>
        Http is null ? Task.CompletedTask : Audit.WriteAsync(
            connection,
            new AuditEntry(AuditKind.Access, action, "done")
            {
                Account = Guid.Parse(Account!),
                Client = ClientId,
                Subject = webhook.ToString(),
                Address = Http.Connection.RemoteIpAddress,
            },
            cancellation);
}
