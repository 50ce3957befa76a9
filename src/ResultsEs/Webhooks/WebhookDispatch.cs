using ResultsEs.Changes;
using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Webhooks;

/// <summary>
/// Makes a webhook's messages of the changes behind its position. Messages and position are one transaction, in which the position must be
/// the one that was read from: whoever is killed, or overtaken by another node, leaves nothing out and nothing twice.
/// State: how far webhooks are that had nothing to tell, which is not stored each time; one node at a time uses it.
/// </summary>
internal sealed class WebhookDispatch(
    NpgsqlDataSource database, ChangeFeed feed, WebhookRights rights, WebhookSignal signal, TimeProvider time)
{
    /// <summary>The most messages of a webhook that wait. Then its changes wait in the feed, where each session is once.</summary>
    public const int MaxWaiting = 1_000;

    private const int PageLimit = 500;

    // A position that lags behind the feed's end because there was nothing to tell is stored so often.
    private static readonly TimeSpan BetweenStores = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, Place> _places = [];

    /// <summary>Reads the webhooks that send, on the connection that holds the lock of who may do this.</summary>
    public static Task<List<Following>> FollowingAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation) =>
        new NpgsqlCommand(
            """
            select w.id, w.tenant_id, w.client_id, w.kinds, w.test_id, w.position from results.webhooks w
            where w.disabled_at is null and ($1::varchar is null or w.tenant_id = $1) order by w.id
            """, connection).ReadAllAsync(
            [account],
            reader => new Following(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2),
                [.. reader.GetFieldValue<string[]>(3).Select(WebhookKinds.Find).OfType<WebhookKind>()],
                reader.IsDBNull(4) ? null : reader.GetGuid(4), reader.GetInt64(5)),
            cancellation);

    /// <summary>
    /// Makes messages until a webhook has told all there is, or as many wait as may. Returns the position after which it goes on; null
    /// when nothing is to be waited for, because it is full, has no rights, or is disabled by this.
    /// </summary>
    public async Task<long?> DispatchAsync(Following webhook, CancellationToken cancellation)
    {
        if (rights.WorkspacesOf(webhook.Account, webhook.ClientId) is not { } workspaces)
            return null;

        var place = _places.GetOrAdd(webhook.Id, new Place(webhook.Position, webhook.Position, time.GetTimestamp()));
        // Another node has been here, or the webhook was set to another place.
        if (place.Stored != webhook.Position)
            place = new Place(webhook.Position, webhook.Position, time.GetTimestamp());
        var query = new ChangeQuery(webhook.Account, workspaces, webhook.TestId);
        while (!await IsFullAsync(webhook.Id, cancellation))
        {
            ChangePage page;
            try
            {
                page = await feed.ReadAsync(query, place.Read, PageLimit, cancellation);
            }
            catch (ChangesGoneException)
            {
                await DisableAsync(webhook, cancellation);
                return null;
            }
            catch (FeedNotFilledException)
            {
                // Sessions from before the feed come first.
                return null;
            }

            var messages = page.Changes.SelectMany(change => KindsOf(change).Where(webhook.Kinds.Contains).Select(kind => (kind, change)))
                .ToList();
            var isStored = messages.Count > 0 || (page.Next > place.Stored && time.GetElapsedTime(place.StoredAt) > BetweenStores);
            if (isStored && !await StoreAsync(webhook.Id, place.Stored, page.Next, messages, cancellation))
            {
                _places.TryRemove(webhook.Id, out _);
                return place.Read;
            }

            place = isStored ? new Place(page.Next, page.Next, time.GetTimestamp()) : place with { Read = page.Next };
            _places[webhook.Id] = place;
            if (page.IsAtEnd)
                return place.Read;
        }

        return null;
    }

    private static IEnumerable<WebhookKind> KindsOf(SessionChange change) =>
        change.Kind == ChangeKind.Removed ? [WebhookKind.Removed]
        : change.Status == SessionStatus.Complete ? [WebhookKind.Completed, WebhookKind.Updated]
        : [WebhookKind.Updated];

    private Task<bool> IsFullAsync(Guid webhook, CancellationToken cancellation) => database.CreateCommand(
        $"""
        select count(*) >= {MaxWaiting} from (
          select 1 from results.webhook_deliveries d where d.webhook_id = $1 and d.due_at is not null limit {MaxWaiting}) x
        """).ReadValueAsync<bool>([webhook], cancellation);

    /// <summary>Stores messages and the position behind them; false when the webhook is not where it was.</summary>
    private async Task<bool> StoreAsync(
        Guid webhook, long before, long position, IReadOnlyList<(WebhookKind Kind, SessionChange Change)> messages,
        CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var moved = await connection.ExecuteAsync(
            "update results.webhooks set position = $3 where id = $1 and position = $2 and disabled_at is null",
            [webhook, before, position], cancellation);
        if (moved == 0)
            return false;

        if (messages.Count > 0)
        {
            var now = time.GetUtcNow().UtcDateTime;
            await connection.ExecuteAsync(
                """
                with told as (
                  select * from unnest($2::varchar[], $3::uuid[], $4::uuid[], $5::uuid[], $6::varchar[], $7::bigint[], $8::timestamptz[],
                    $9::bigint[]) t(kind, session_id, workspace_id, test_id, reason, version, changed_at, position)
                ), gone as (
                  delete from results.webhook_completions c using told t
                  where c.webhook_id = $1 and c.session_id = t.session_id and t.reason = 'expired'
                ), completed as (
                  insert into results.webhook_completions (webhook_id, session_id)
                  select distinct $1, t.session_id from told t where t.kind = 'session.completed'
                  on conflict do nothing returning session_id
                )
                insert into results.webhook_deliveries
                  (id, webhook_id, kind, session_id, workspace_id, test_id, reason, version, changed_at, position, created_at, status,
                   due_at)
                select gen_random_uuid(), $1, t.kind, t.session_id, t.workspace_id, t.test_id, t.reason, t.version, t.changed_at,
                  t.position, $10, 'Pending', $10
                from told t
                where t.kind <> 'session.completed' or t.position = (
                  select min(o.position) from told o join completed c on c.session_id = o.session_id
                  where o.session_id = t.session_id and o.kind = 'session.completed')
                """,
                [
                    webhook,
                    messages.Select(one => WebhookKinds.Text(one.Kind)).ToArray(),
                    messages.Select(one => one.Change.SessionId).ToArray(),
                    messages.Select(one => one.Change.WorkspaceId).ToArray(),
                    messages.Select(one => one.Change.TestId).ToArray(),
                    messages.Select(one => one.Change.Reason?.ToString().ToLowerInvariant()).ToArray(),
                    messages.Select(one => one.Change.Version).ToArray(),
                    messages.Select(one => one.Change.UpdatedTime.UtcDateTime).ToArray(),
                    messages.Select(one => one.Change.Position).ToArray(),
                    now,
                ], cancellation);
        }

        await transaction.CommitAsync(cancellation);
        signal.Raise();
        return true;
    }

    private async Task DisableAsync(Following webhook, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await WebhookStore.DisableAsync(
            connection, webhook.Id,
            "It was away for longer than the feed of changes keeps removals. Enabled, it tells what comes from then on.",
            time.GetUtcNow().UtcDateTime, cancellation);
    }

    // Read: up to where the feed was read. Stored: the position of its row, at StoredAt.
    private readonly record struct Place(long Read, long Stored, long StoredAt);
}

/// <summary>A webhook that sends, as far as making its messages needs it.</summary>
internal sealed record Following(
    Guid Id, string Account, string ClientId, IReadOnlyList<WebhookKind> Kinds, Guid? TestId, long Position);
