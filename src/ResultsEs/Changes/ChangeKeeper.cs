using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>Settings of the feed of changes; section <c>Changes</c>.</summary>
internal sealed class ChangesOptions
{
    public const string Section = "Changes";

    /// <summary>How many days the feed keeps that a session went, 1 to 3,650. Default 400.</summary>
    public int KeepRemovedDays { get; init; } = 400;

    internal static IEnumerable<string> Problems(ChangesOptions options) =>
        options.KeepRemovedDays is >= 1 and <= 3_650 ? [] : [$"{Section}:KeepRemovedDays must be from 1 to 3650."];
}

/// <summary>
/// Keeps the feed complete, on one node at a time. It fills in sessions that are older than the feed, and notes what a version of the
/// service without the feed did: it compares the log of events with the feed, and, a part each time and again and again, the feed with
/// the documents. It begins an era with each timeline of the database, and forgets removals that are old.
/// </summary>
internal sealed partial class ChangeKeeper(
    NpgsqlDataSource database, [FromKeyedServices(DataSources.Locks)] NpgsqlDataSource locks, IOptions<ChangesOptions> options,
    ILogger<ChangeKeeper> logger)
    : PollingService(TimeSpan.FromSeconds(30))
{
    /// <summary>The name of the lock that whoever keeps the feed holds.</summary>
    public const string LockName = "results.changes";

    private const int SessionsAtOnce = 500;
    private const int EventsAtOnce = 20_000;
    private const int RemovalsAtOnce = 10_000;

    // A million sessions in less than an hour, at a fraction of a percent of a core.
    private const int SweptAtOnce = 2_000;

    private static readonly Counter<long> Followed = Instruments.Meter.CreateCounter<long>(
        "results.changes.followed", "{session}", "Sessions that were noted in the feed of changes after they were written");

    // The position up to which the log is compared next, once it is settled.
    private EventPosition? _pending;

    // The session of the feed that was compared last.
    private StreamKey _swept = new("", Guid.Empty);

    private TimeSpan Kept => TimeSpan.FromDays(options.Value.KeepRemovedDays);

    protected override TimeSpan Interval { get; } = TimeSpan.FromSeconds(5);

    /// <summary>True once the feed has all sessions that are older than it.</summary>
    public static Task<bool> IsFilledAsync(NpgsqlDataSource database, CancellationToken cancellation) =>
        database.CreateCommand("select exists (select 1 from results.change_state r where r.is_filled)")
            .ReadValueAsync<bool>([], cancellation);

    /// <summary>Begins to keep the feed, before anything is written. A database without sessions is filled by that.</summary>
    public static async Task PrepareAsync(NpgsqlDataSource database, CancellationToken cancellation)
    {
        if (await database.CreateCommand("select exists (select 1 from results.change_state)").ReadValueAsync<bool>([], cancellation))
            return;

        // Positions before this are compared by the walk of all sessions.
        var position = await EventPosition.NowAsync(database, cancellation);
        await position.SettleAsync(database, cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync(
            $"""
            insert into results.change_state as r (id, era, timeline, filled_account, filled_session, is_filled, checked)
            select 1, 0, {ChangePosition.Timeline}, '', '00000000-0000-0000-0000-000000000000',
              not exists (select 1 from {StreamLog.Table} s where s.type = '{SessionResultTable.StreamType}'), $1
            on conflict (id) do nothing
            """, [position.Sequence], cancellation);
    }

    /// <summary>Does what is due, unless another node does.</summary>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockName, cancellation);
        if (held is null)
        {
            _pending = null;
            return;
        }

        await held.Connection.ExecuteAsync(
            $"""
            update results.change_state r set era = {ChangePosition.Era}, timeline = t.timeline
            from (select {ChangePosition.Timeline} as timeline) t where r.timeline <> t.timeline
            """, [], cancellation);
        await FillAsync(cancellation);
        await CompareAsync(cancellation);
        await SweepAsync(held.Connection, cancellation);
        await ForgetAsync(cancellation);
    }

    protected override Task PollAsync(CancellationToken stoppingToken) => KeepAsync(stoppingToken);

    protected override void LogFailure(Exception failure) => LogFailed(logger, failure);

    /// <summary>Fills in all sessions, in the order of their keys; a node that was killed is followed by one that goes on.</summary>
    private async Task FillAsync(CancellationToken cancellation)
    {
        var state = await database.CreateCommand(
            "select r.filled_account, r.filled_session, r.is_filled from results.change_state r").ReadAllAsync(
            [], reader => (Last: reader.ReadKey(), IsFilled: reader.GetBoolean(2)), cancellation);
        if (state is not [(var last, false)])
            return;

        LogFilling(logger);
        while (await StreamLog.AfterAsync(database, SessionResultTable.Documents, last, account: null, SessionsAtOnce, cancellation)
            is { Count: > 0 } some)
        {
            await FollowAsync(some, cancellation);
            last = some[^1];
            await SetAsync("filled_account = $1, filled_session = $2", [last.Account, last.Id], cancellation);
        }

        await SetAsync("is_filled = true", [], cancellation);
        LogFilled(logger);
    }

    /// <summary>Compares what was appended since the last time, once all of it is visible.</summary>
    private async Task CompareAsync(CancellationToken cancellation)
    {
        var until = _pending;
        if (until is { } pending && !await pending.IsSettledAsync(database, cancellation))
            return;

        _pending = await EventPosition.NowAsync(database, cancellation);
        if (until is null)
            return;

        // A standby that took over meanwhile may lack the last numbers.
        var end = Math.Min(until.Value.Sequence, _pending.Value.Sequence);
        var at = await database.CreateCommand("select r.checked from results.change_state r").ReadValueAsync<long>([], cancellation);
        while (at < end)
        {
            var next = Math.Min(at + EventsAtOnce, end);
            foreach (var some in (await AppendedBetweenAsync(at, next, cancellation)).Chunk(SessionsAtOnce))
                await FollowAsync(some, cancellation);
            await SetAsync("checked = $1", [at = next], cancellation);
        }
    }

    private async Task<List<StreamKey>> AppendedBetweenAsync(long after, long until, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await StreamLog.AppendedBetweenAsync(connection, after, until, cancellation);
    }

    /// <summary>
    /// Compares the next sessions of the feed with their documents: what a node of the version before removes or erases is no event.
    /// </summary>
    private async Task SweepAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var some = await ChangeDeviation.AfterAsync(connection, _swept, account: null, SweptAtOnce, cancellation);
        _swept = some.Count < SweptAtOnce ? new StreamKey("", Guid.Empty) : some[^1];
        var found = await ChangeDeviation.AmongAsync(connection, some, Kept, cancellation);

        // What is ahead waits for its document.
        found.RemoveAll(one => one.Fault == ChangeFault.Ahead);
        Followed.Add(await ChangeDeviation.MendAsync(database, found, Kept, cancellation));
    }

    /// <summary>Notes those of the sessions that the feed does not have as their documents are, under their streams' locks.</summary>
    private async Task FollowAsync(IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var missing = await MissingAsync(connection, sessions, cancellation);
        if (missing.Count == 0)
            return;

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var locked = await DocumentRefresh.AppendedAsync(
            connection, SessionResultTable.Documents, missing, isLocked: true, cancellation);
        // A writer may have noted some of them meanwhile.
        missing = await MissingAsync(connection, locked.Keys.ToList(), cancellation);
        await ChangeTable.FollowAsync(connection, missing, cancellation);
        await transaction.CommitAsync(cancellation);
        Followed.Add(missing.Count);
    }

    // A document of this version may be behind what a node of another version has noted; it is folded, and noted, later.
    // The primary key (tenant_id, id) and the partial index of (tenant_id, stream_id) find the documents, and
    // ux_session_changes_there the rows.
    private static Task<List<StreamKey>> MissingAsync(
        NpgsqlConnection connection, IReadOnlyCollection<StreamKey> sessions, CancellationToken cancellation) =>
        new NpgsqlCommand(
            $"""
            select k.tenant_id, k.id
            from unnest($1, $2) k(tenant_id, id)
            where exists (
              select 1 from (
                select d.* from {SessionResultTable.Name} d where d.tenant_id = k.tenant_id and d.id = k.id
                union all
                select d.* from {SessionResultTable.Name} d
                where d.tenant_id = k.tenant_id and d.{DocumentTable.Stream} = k.id and d.{DocumentTable.Stream} is not null) d
              where d.workspace_id is not null and d.test_id is not null
                and not exists (
                  select 1 from results.session_changes c
                  where c.tenant_id = d.tenant_id and c.session_id = d.id and c.reason is null
                    and (c.version, (c.workspace_id, c.test_id) = (d.workspace_id, d.test_id))
                      >= (d.{DocumentTable.VersionColumn} + coalesce(d.{DocumentTable.Lag}, 0), true)))
            """, connection).ReadKeysAsync(sessions.ToParameters(), cancellation);

    /// <summary>Forgets removals that are old, and notes up to where.</summary>
    private async Task ForgetAsync(CancellationToken cancellation)
    {
        // ix_session_changes_old finds the rows. One statement, so that whoever reads sees the floor or the rows.
        const string sql =
            """
            with old as (
              delete from results.session_changes c where c.ctid = any(array(
                select o.ctid from results.session_changes o
                where o.reason is not null and o.changed_at < now() - $1 order by o.changed_at limit $2))
              returning c.tenant_id, c.position
            ), floors as (
              insert into results.change_floors as f (tenant_id, position)
              select o.tenant_id, max(o.position) from old o group by o.tenant_id
              on conflict (tenant_id) do update set position = greatest(f.position, excluded.position)
            )
            select count(*) from old
            """;
        while (await database.CreateCommand(sql).ReadValueAsync<long>([Kept, RemovalsAtOnce], cancellation) == RemovalsAtOnce)
        {
            // There may be more.
        }
    }

    private async Task SetAsync(string assignments, object?[] values, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync($"update results.change_state set {assignments}", values, cancellation);
    }

    [LoggerMessage(4003, LogLevel.Error, "Keeping the feed of changes failed; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(4004, LogLevel.Information, "The feed of changes is being filled with the sessions from before")]
    private static partial void LogFilling(ILogger logger);

    [LoggerMessage(4005, LogLevel.Information, "The feed of changes is filled")]
    private static partial void LogFilled(ILogger logger);
}
