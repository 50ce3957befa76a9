using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Search;
using ResultsEs.Summaries;

namespace ResultsEs.Operating;

/// <summary><c>GET /api/v3/operations/state</c>: how the service does.</summary>
public static class GetServiceState
{
    // What is counted of the queues, so that a long one costs no more.
    private const int MaxCounted = 10_000;

    internal static readonly Operation Description = new("getServiceState", ApiTag.Operations, "How the service does")
    {
        Text = "Numbers of the whole service: its nodes, how far what is computed in the background is behind, standbys, and rebuilds. "
            + "They name no account. `account` has numbers of the caller's own. Queues are counted up to 10,000.",
        Replies = [Reply.Ok<ServiceState>("The state.")],
    };

    // Few sessions wait. Among many, the table's first rows are the oldest; the primary key of streams finds them. Messages by the partial
    // index of those that are due; of an account by its webhooks.
    private static readonly string LagSql =
        $"""
        select
          coalesce((
            select greatest(extract(epoch from now() - min(s.timestamp)), 0)
            from (select c.tenant_id, c.session_id from results.test_changes c limit 1000) c
            join {StreamLog.Table} s on s.tenant_id = c.tenant_id and s.id = c.session_id), 0)::double precision,
          (select count(*) from (select 1 from results.test_changes limit {MaxCounted}) c),
          due.messages,
          due.seconds,
          (select count(*) from {SetAside.Table} a where a.tenant_id = $1),
          (select count(*) from results.erasures e where e.tenant_id = $1 and (e.listed_at is null or e.letters_at is null)),
          own.messages,
          own.seconds,
          clock_timestamp()
        from (
          select count(*) as messages, coalesce(greatest(extract(epoch from now() - min(d.due_at)), 0), 0)::double precision as seconds
          from (select d.due_at from results.webhook_deliveries d where d.due_at <= now() limit {MaxCounted}) d
        ) due
        cross join (
          select count(*) as messages, coalesce(greatest(extract(epoch from now() - min(d.due_at)), 0), 0)::double precision as seconds
          from (
            select d.due_at from results.webhooks w
            join results.webhook_deliveries d on d.webhook_id = w.id and d.due_at <= now()
            where w.tenant_id = $1 limit {MaxCounted}) d
        ) own
        """;

    private const string RebuildsSql =
        """
        select r.projection, r.version, r.began_at, coalesce(p.events, 0)::bigint, r.events, r.is_switched
        from results.rebuilds r
        left join lateral (select sum(p.events) as events from results.rebuild_parts p where p.rebuild_id = r.id) p on true
        order by r.began_at
        """;

    /// <summary>Sends the state.</summary>
    [WolverineGet("/api/v3/operations/state")]
    [Authorize(Scopes.OperationsRead)]
    public static async Task<IResult> Get(
        HttpContext http, NpgsqlDataSource database, ReadDatabase reads, CancellationToken cancellation)
    {
        var caller = Caller.From(http.User);
        var search = http.RequestServices.GetRequiredService<SearchIndexer>();
        var summaries = http.RequestServices.GetRequiredService<SummaryWorker>();
        var completeTo = await ChangeClock.CompleteToAsync(database, cancellation);
        var (lag, account, now) = (await database.CreateCommand(LagSql).ReadAllAsync(
            [Tenant.Of(caller.Account)],
            reader => (
                new ServiceLag(
                    reader.GetDouble(0), reader.GetInt64(1), search.LagSeconds, summaries.LagSeconds,
                    Math.Max(0, (reader.GetFieldValue<DateTimeOffset>(8) - completeTo).TotalSeconds),
                    reader.GetInt64(2), reader.GetDouble(3)),
                new AccountState(reader.GetInt64(4), reader.GetInt64(5), reader.GetInt64(6), reader.GetDouble(7)),
                reader.GetFieldValue<DateTimeOffset>(8)),
            cancellation))[0];
        var rebuilds = await database.CreateCommand(RebuildsSql).ReadAllAsync(
            [],
            reader => new RebuildUnderWay(
                reader.GetString(0), reader.GetInt32(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetInt64(3), reader.GetInt64(4),
                reader.GetBoolean(5)),
            cancellation);
        var state = new ServiceState(
            now, await NodeRegister.ListAsync(database, cancellation), lag,
            [.. reads.Standbys.Select(standby => new StandbyState(standby.IsFit, standby.Lag.TotalSeconds, standby.Trouble))],
            rebuilds, account);
        return JsonBody.Of(state, Json.Of<ServiceState>());
    }
}

/// <summary>How the service does.</summary>
/// <param name="AsOf">When it was looked at, by the database's clock.</param>
/// <param name="Nodes">The nodes that were seen in the last hour, the last started first.</param>
/// <param name="Lag">How far work in the background is behind.</param>
/// <param name="Standbys">The standbys that reads may go to, in configured order, as the node that answers sees them.</param>
/// <param name="Rebuilds">The rebuilds that have begun and are not done.</param>
/// <param name="Account">Numbers of the caller's account.</param>
internal sealed record ServiceState(
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset AsOf, IReadOnlyList<ServingNode> Nodes, ServiceLag Lag,
    IReadOnlyList<StandbyState> Standbys, IReadOnlyList<RebuildUnderWay> Rebuilds, AccountState Account);

/// <summary>How far work in the background is behind.</summary>
/// <param name="TotalsSeconds">How long the session has waited that waits longest to be counted in the totals of its test.</param>
/// <param name="TotalsSessions">How many sessions wait for that, up to 10,000.</param>
/// <param name="SearchSeconds">How long ago it is that all that was stored until then can be found; 0 until it is known.</param>
/// <param name="SummariesSeconds">How long ago it is that all that was stored until then is in summaries; 0 until it is known.</param>
/// <param name="FeedSeconds">How long the write has lasted that holds the feed of changes up; about 0 while none does.</param>
/// <param name="WebhookMessages">How many messages of webhooks are due and not sent, up to 10,000.</param>
/// <param name="WebhookSeconds">For how long the one has been due that has been longest.</param>
internal sealed record ServiceLag(
    double TotalsSeconds, long TotalsSessions, double SearchSeconds, double SummariesSeconds, double FeedSeconds, long WebhookMessages,
    double WebhookSeconds);

/// <summary>A standby.</summary>
/// <param name="IsRead">True while reads go to it.</param>
/// <param name="LagSeconds">The largest possible age of what it shows.</param>
/// <param name="Trouble">Why reads do not go to it, as the end of a sentence.</param>
internal sealed record StandbyState(bool IsRead, double LagSeconds, string? Trouble);

/// <summary>A rebuild that is not done.</summary>
/// <param name="Projection">What is rebuilt.</param>
/// <param name="Version">The version of its documents.</param>
/// <param name="BeganAt">When it began.</param>
/// <param name="EventsFolded">The events that are folded.</param>
/// <param name="EventsTotal">The events that there were when it began.</param>
/// <param name="IsServed">True when the new documents are served and the rest is catching up.</param>
internal sealed record RebuildUnderWay(
    string Projection, int Version, [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset BeganAt,
    long EventsFolded, long EventsTotal, bool IsServed);

/// <summary>Numbers of the caller's account.</summary>
/// <param name="SetAside">Items that shared workers have set aside.</param>
/// <param name="ErasuresUnderWay">Erasures whose sessions are still being found or masked.</param>
/// <param name="WebhookMessages">Messages of its webhooks that are due and not sent, up to 10,000.</param>
/// <param name="WebhookSeconds">For how long the one has been due that has been longest.</param>
internal sealed record AccountState(long SetAside, long ErasuresUnderWay, long WebhookMessages, double WebhookSeconds);
