using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary>The log of deliveries: pages of it, replays, and what is old. Its queries are confined to one webhook.</summary>
public sealed class WebhookLog
{
    /// <summary>The most messages of one replay.</summary>
    internal const int MaxReplayed = 1_000;

    /// <summary>The most entries of a webhook that stay, beside those that wait.</summary>
    internal const int MaxKept = 100_000;

    private const int DeletedAtOnce = 10_000;

    private const string Matches =
        """
        d.webhook_id = $1 and ($2::uuid is null or d.session_id = $2) and ($3::varchar is null or d.status = $3)
        """;

    private readonly NpgsqlDataSource _database;
    private readonly WebhookSignal _signal;
    private readonly TimeProvider _time;

    internal WebhookLog(NpgsqlDataSource database, WebhookSignal signal, TimeProvider time) =>
        (_database, _signal, _time) = (database, signal, time);

    /// <summary>Reads a page, the newest first.</summary>
    internal async Task<WebhookDeliveryPage> ReadAsync(
        Guid webhook, Guid? session, DeliveryStatus? status, Paging paging, string list, CancellationToken cancellation)
    {
        var after = paging.After;
        object?[] filter = [webhook, session, status?.ToString()];
        var count = after?.TotalCount ?? await _database.CreateCommand(
            $"select count(*) from results.webhook_deliveries d where {Matches}").ReadValueAsync<long>(filter, cancellation);
        var rows = await _database.CreateCommand(
            $"""
            select d.id, d.kind, d.session_id, d.test_id, d.created_at, d.status, d.due_at, d.attempts::text
            from results.webhook_deliveries d
            where {Matches} and ($4::timestamptz is null or (d.created_at, d.id) < ($4, $5::uuid))
            order by d.created_at desc, d.id desc offset $6 limit $7
            """).ReadAllAsync(
            [.. filter, after is { } last ? new DateTime(last.Key, DateTimeKind.Utc) : null, after?.Id, paging.Offset, paging.Limit + 1],
            Read, cancellation);
        var shown = rows.Take(paging.Limit).ToList();
        var next = rows.Count > paging.Limit
            ? new Cursor(shown[^1].CreatedTime.UtcTicks, shown[^1].DeliveryId, default, count).Write(list)
            : null;
        return new WebhookDeliveryPage(shown, ListMeta.Of(paging, count, next));
    }

    /// <summary>Sends one message again; false when the log has no such delivery.</summary>
    internal async Task<bool> ReplayAsync(Guid webhook, Guid delivery, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        var queued = await connection.ExecuteAsync(
            """
            update results.webhook_deliveries set status = 'Pending', due_at = $3, first_at = null, tries = 0
            where webhook_id = $1 and id = $2
            """, [webhook, delivery, Now], cancellation);
        _signal.Raise();
        return queued > 0;
    }

    /// <summary>Sends messages again: those of a session, or those that were made in a range of time; the oldest first.</summary>
    internal async Task<WebhookReplay> ReplayAsync(
        Guid webhook, Guid? session, DateTimeOffset? since, DateTimeOffset? until, CancellationToken cancellation)
    {
        var created = await _database.CreateCommand(
            $"""
            with chosen as (
              select d.id from results.webhook_deliveries d
              where d.webhook_id = $1 and ($2::uuid is null or d.session_id = $2)
                and ($3::timestamptz is null or d.created_at >= $3) and ($4::timestamptz is null or d.created_at < $4)
              order by d.created_at, d.id limit {MaxReplayed} for update
            )
            update results.webhook_deliveries d set status = 'Pending', due_at = $5, first_at = null, tries = 0
            from chosen c where d.id = c.id
            returning d.created_at
            """).ReadAllAsync(
            [webhook, session, since?.UtcDateTime, until?.UtcDateTime, Now],
            reader => reader.GetFieldValue<DateTimeOffset>(0), cancellation);
        _signal.Raise();
        // Those of the last moment come again: a page may end between two of them.
        return new WebhookReplay(created.Count, created.Count == MaxReplayed ? created.Max() : null);
    }

    /// <summary>Deletes what was made before a time, and what a webhook has beyond <see cref="MaxKept"/>; never what waits.</summary>
    internal async Task<int> DeleteOldAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        await using var connection = await _database.OpenConnectionAsync(cancellation);
        var webhooks = await new NpgsqlCommand("select w.id from results.webhooks w", connection)
            .ReadAllAsync([], reader => reader.GetGuid(0), cancellation);
        var all = 0;
        foreach (var webhook in webhooks)
        {
            int deleted;
            do
            {
                deleted = await connection.ExecuteAsync(
                    $"""
                    delete from results.webhook_deliveries d where d.id = any(array(
                      select o.id from results.webhook_deliveries o
                      where o.webhook_id = $1 and o.due_at is null and o.created_at < greatest($2, (
                        select k.created_at from results.webhook_deliveries k
                        where k.webhook_id = $1 order by k.created_at desc, k.id desc offset {MaxKept} limit 1))
                      order by o.created_at limit {DeletedAtOnce}))
                    """, [webhook, before.UtcDateTime], cancellation);
                all += deleted;
            }
            while (deleted == DeletedAtOnce);
        }

        return all;
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    private static WebhookDelivery Read(NpgsqlDataReader reader) => new()
    {
        DeliveryId = reader.GetGuid(0),
        Kind = WebhookKinds.Find(reader.GetString(1))!.Value,
        SessionId = reader.GetGuid(2),
        TestId = reader.GetGuid(3),
        CreatedTime = reader.GetFieldValue<DateTimeOffset>(4),
        Status = Enum.Parse<DeliveryStatus>(reader.GetString(5)),
        NextAttemptTime = reader.IsDBNull(6) ? null : reader.GetFieldValue<DateTimeOffset>(6),
        Attempts = JsonSerializer.Deserialize(reader.GetString(7), Json.Of<IReadOnlyList<WebhookAttempt>>())!,
    };
}

/// <summary>Wakes this node's sender. State: the one release that waits to be taken.</summary>
internal sealed class WebhookSignal : IDisposable
{
    private readonly SemaphoreSlim _raised = new(0, 1);

    public void Raise()
    {
        try
        {
            _raised.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is raised already.
        }
    }

    /// <summary>Waits until it is raised, or the time is over.</summary>
    public Task WaitAsync(TimeSpan longest, CancellationToken cancellation) => _raised.WaitAsync(longest, cancellation);

    public void Dispose() => _raised.Dispose();
}
