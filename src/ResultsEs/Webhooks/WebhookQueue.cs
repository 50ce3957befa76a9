using ResultsEs.Access;
using ResultsEs.EventStore;

namespace ResultsEs.Webhooks;

/// <summary>
/// Messages that wait to be sent. A node claims one by moving its time behind the end of an attempt, so that it comes again when the node
/// dies. What became of an attempt, and what follows for its webhook, is one transaction.
/// </summary>
internal sealed class WebhookQueue(NpgsqlDataSource database, TimeProvider time)
{
    // An attempt that takes longer makes its webhook a slow one.
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(3);

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    /// <summary>
    /// Finds the webhooks with messages that are due, of clients that have the right; null when there is no webhook that sends.
    /// </summary>
    public async Task<List<DueWebhook>?> DueAsync(WebhookRights rights, CancellationToken cancellation)
    {
        // The index ix_webhook_deliveries_due is looked at once for each webhook. One comes in any case, to tell that there is one.
        var due = await database.CreateCommand(
            $"""
            select w.id, w.tenant_id, w.client_id, w.is_slow, c.due
            from results.webhooks w
            cross join lateral (
              select count(*)::int as due from (
                select 1 from results.webhook_deliveries d where d.webhook_id = w.id and d.due_at <= $1
                limit {SendingSlots.Swift.Webhook}) x) c
            where w.disabled_at is null and (c.due > 0 or w.id = (select o.id from results.webhooks o where o.disabled_at is null limit 1))
            order by w.tenant_id, w.id
            """).ReadAllAsync(
            [Now],
            reader => (
                Webhook: new DueWebhook(reader.GetGuid(0), reader.GetString(1), reader.GetBoolean(3), reader.GetInt32(4)),
                Client: reader.GetString(2)),
            cancellation);
        return due.Count == 0 ? null
            : [.. due.Where(one => one.Webhook.Due > 0 && rights.WorkspacesOf(one.Webhook.Account, one.Client) is not null)
                .Select(one => one.Webhook)];
    }

    /// <summary>Claims up to so many messages of each webhook, until another node may.</summary>
    public Task<List<ClaimedDelivery>> ClaimAsync(
        IReadOnlyList<(DueWebhook Webhook, int Count)> slots, TimeSpan lease, CancellationToken cancellation) => database.CreateCommand(
        """
        with claimed as (
          update results.webhook_deliveries d set due_at = $4, first_at = coalesce(d.first_at, $3)
          from (
            select x.id, x.first_at from unnest($1::uuid[], $2::int[]) s(webhook_id, slots)
            cross join lateral (
              select q.id, q.first_at from results.webhook_deliveries q
              where q.webhook_id = s.webhook_id and q.due_at <= $3
              order by q.due_at, q.position limit s.slots for update skip locked) x) c
          where d.id = c.id
          returning d.*)
        select d.id, d.webhook_id, d.kind, d.session_id, d.workspace_id, d.test_id, d.reason, d.version, d.changed_at, d.first_at, d.tries,
          w.tenant_id, w.client_id, w.url, w.content, w.secret, case when w.former_until > $3 then w.former_secret end
        from claimed d join results.webhooks w on w.id = d.webhook_id
        order by d.position
        """).ReadAllAsync(
        [
            slots.Select(slot => slot.Webhook.Id).ToArray(), slots.Select(slot => slot.Count).ToArray(), Now, Now + lease,
        ], Read, cancellation);

    /// <summary>Records what became of an attempt. Returns why the webhook was disabled; null when it was not.</summary>
    public async Task<string?> RecordAsync(
        ClaimedDelivery delivery, DateTimeOffset began, TimeSpan took, SendOutcome outcome, CancellationToken cancellation)
    {
        var next = outcome.IsDelivered || outcome.IsGone
            ? null
            : RetrySchedule.Next(delivery.FirstAt ?? began, delivery.Tries + 1, time.GetUtcNow(), outcome.Asked);
        var status = outcome.IsDelivered ? DeliveryStatus.Delivered : next is null ? DeliveryStatus.Failed : DeliveryStatus.Pending;
        var attempt = new WebhookAttempt(began, (long)took.TotalMilliseconds, outcome.Status, outcome.Problem);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Webhooks are locked before their deliveries, as by those who change them.
        await connection.ExecuteAsync(
            "update results.webhooks set is_slow = $2 where id = $1 and is_slow <> $2",
            [delivery.Webhook, !outcome.IsDelivered || took > Long], cancellation);
        var reason = status != DeliveryStatus.Failed ? null
            : outcome.IsGone ? "The endpoint answered 410 Gone."
            : $"A message could not be delivered for {RetrySchedule.Whole.TotalHours:0} hours.";
        if (reason is not null && await WebhookStore.DisableAsync(connection, delivery.Webhook, reason, Now, cancellation) > 0)
            await Audit.WriteAsync(
                connection,
                new AuditEntry(AuditKind.Access, "webhook disabled", "failed")
                {
                    Account = Guid.Parse(delivery.Account),
                    Client = delivery.ClientId,
                    Subject = delivery.Webhook.ToString(),
                },
                cancellation);
        await connection.ExecuteAsync(
            $"""
            update results.webhook_deliveries set status = $2, due_at = $3::timestamptz, tries = tries + 1,
              attempts =
                (case when jsonb_array_length(attempts) >= {WebhookAttempt.MaxKept} then attempts - 0 else attempts end) || $4::jsonb
            where id = $1
            """,
            [
                delivery.Id, status.ToString(), next?.UtcDateTime,
                JsonSerializer.Serialize<IReadOnlyList<WebhookAttempt>>([attempt], Json.Of<IReadOnlyList<WebhookAttempt>>()),
            ], cancellation);
        await transaction.CommitAsync(cancellation);
        return reason;
    }

    /// <summary>Takes a message out that its webhook's client may not see any more.</summary>
    public async Task DropAsync(ClaimedDelivery delivery, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(
            "update results.webhook_deliveries set status = 'Dropped', due_at = null where id = $1", [delivery.Id], cancellation);
    }

    private static ClaimedDelivery Read(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0),
        Webhook = reader.GetGuid(1),
        Kind = WebhookKinds.Find(reader.GetString(2))!.Value,
        Session = reader.GetGuid(3),
        Workspace = reader.GetGuid(4),
        Test = reader.GetGuid(5),
        Reason = reader.IsDBNull(6) ? null : reader.GetString(6),
        Version = reader.GetInt64(7),
        ChangedAt = reader.GetFieldValue<DateTimeOffset>(8),
        FirstAt = reader.IsDBNull(9) ? null : reader.GetFieldValue<DateTimeOffset>(9),
        Tries = reader.GetInt32(10),
        Account = reader.GetString(11),
        ClientId = reader.GetString(12),
        Url = reader.GetString(13),
        Content = Enum.Parse<WebhookContent>(reader.GetString(14)),
        Secret = reader.GetFieldValue<byte[]>(15),
        FormerSecret = reader.IsDBNull(16) ? null : reader.GetFieldValue<byte[]>(16),
    };
}
