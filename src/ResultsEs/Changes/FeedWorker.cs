using ResultsEs.EventStore;
using ResultsEs.Sessions;

namespace ResultsEs.Changes;

/// <summary>A document of a session whose change is followed.</summary>
/// <param name="Key">Its key, which is not its session's where the session is in several workspaces.</param>
/// <param name="Document">The document, with all events of its stream.</param>
/// <param name="StoredAt">When it was last stored.</param>
internal sealed record FollowedDocument(Guid Key, SessionResult Document, DateTimeOffset StoredAt);

/// <summary>
/// A worker that keeps something of each session. It follows the feed of changes, on one node at a time, so that writers pay nothing.
/// Accounts take turns of a page each. A session of which it cannot be made is set aside, and the others go on. What is done twice does
/// no harm.
/// </summary>
/// <param name="name">The name under which sessions are set aside.</param>
/// <param name="sessionLocks">The locks of what is kept of sessions.</param>
/// <param name="progress">How far it has followed the feed.</param>
/// <param name="database">The primary.</param>
/// <param name="locks">The pool of connections that hold locks.</param>
/// <param name="feed">The feed.</param>
/// <param name="time">The clock of the lag.</param>
/// <param name="logger">Its log.</param>
internal abstract class FeedWorker(
    string name, SessionLocks sessionLocks, FeedProgress progress, NpgsqlDataSource database, NpgsqlDataSource locks, ChangeFeed feed,
    TimeProvider time, ILogger logger)
{
    private const int ChangesAtOnce = 100;

    private static readonly TimeSpan BetweenNotes = TimeSpan.FromSeconds(2);

    private DateTimeOffset _completeTo = DateTimeOffset.MinValue;

    /// <summary>The name under which sessions are set aside.</summary>
    public string Name => name;

    /// <summary>The name of the lock that whoever does a worker's work holds.</summary>
    public static string LockOf(string name) => $"results.{name}";

    /// <summary>How long ago all that was stored until then was followed, in seconds; 0 until it is known.</summary>
    public double LagSeconds =>
        _completeTo == DateTimeOffset.MinValue ? 0 : Math.Max(0, (time.GetUtcNow() - _completeTo).TotalSeconds);

    /// <summary>
    /// True when the last time there was so much to follow that it pays to wait: sessions that change again meanwhile are then followed
    /// once.
    /// </summary>
    public bool IsBusy { get; private set; }

    /// <summary>The most sessions of a transaction: their documents are in memory at once.</summary>
    protected virtual int SessionsAtOnce => 25;

    /// <summary>Follows all accounts to the end of the feed, unless another node does.</summary>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        await using var held = await AdvisoryLock.TryHoldAsync(locks, LockOf(name), cancellation);
        if (held is null)
        {
            await using var connection = await database.OpenConnectionAsync(cancellation);
            _completeTo = (await progress.AllAsync(connection, cancellation))?.CompleteTo ?? DateTimeOffset.MinValue;
            return;
        }

        // In this order: what is visible by then lies before the end.
        var completeTo = await ChangeClock.CompleteToAsync(database, cancellation);
        var end = await feed.EndAsync(cancellation);
        var before = await progress.AllAsync(held.Connection, cancellation);
        IsBusy = false;
        if (before?.Position != end)
        {
            // Groups the statements into one trace.
            using var span = Instruments.Spans.StartActivity($"follow changes for {name}");
            await FollowAsync(held.Connection, end, completeTo, cancellation);
        }

        if (before?.Position != end || completeTo - before.Value.CompleteTo >= BetweenNotes)
            await progress.NoteAsync(held.Connection, "", before?.Position ?? 0, end, completeTo, cancellation);
        _completeTo = completeTo;
    }

    /// <summary>Follows one session now; throws when that fails.</summary>
    public Task RetryAsync(StreamKey session, CancellationToken cancellation) =>
        FollowAsync(session.Account, [session.Id], cancellation);

    /// <summary>Forgets all that is kept, so that the worker makes it anew. Until it has, readers are told how far it is.</summary>
    public async Task RebuildAsync(CancellationToken cancellation)
    {
        await ForgetAsync(account: null, cancellation);
        var setAside = await SetAside.ListAsync(database, name, cancellation);
        await SetAside.RemoveAsync(database, name, [.. setAside.Select(item => item.Stream)], cancellation);
    }

    /// <summary>Makes what is kept of these sessions that of their documents, in the transaction of the connection.</summary>
    protected abstract Task ReplaceAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, IReadOnlyList<FollowedDocument> documents,
        CancellationToken cancellation);

    /// <summary>Deletes all that is kept of an account (null: of all), in the transaction of the connection.</summary>
    protected abstract Task DeleteAsync(NpgsqlConnection connection, string? account, CancellationToken cancellation);

    private async Task FollowAsync(NpgsqlConnection connection, long end, DateTimeOffset completeTo, CancellationToken cancellation)
    {
        var behind = new Queue<(string Account, long Position)>(await progress.BehindAsync(connection, end, cancellation));
        while (behind.TryDequeue(out var turn))
        {
            var (account, position) = turn;
            var began = Stopwatch.GetTimestamp();
            if (await PageAsync(account, position, cancellation) is not { } page)
            {
                // Removals that it has not followed are kept no longer: what went cannot be told from what is there.
                await ForgetAsync(account, cancellation);
                behind.Enqueue((account, 0));
                continue;
            }

            IsBusy |= page.Changes.Count == ChangesAtOnce;
            foreach (var sessions in page.Changes.Select(change => change.SessionId).Distinct().Chunk(SessionsAtOnce))
                await TakenApart.RunAsync(
                    sessions,
                    some => FollowAsync(account, [.. some], cancellation),
                    (session, failure) => SetAside.AddAsync(
                        database, logger, name, new StreamKey(account, session), failure, cancellation));

            var isThere = page.IsAtEnd || page.Next >= end;
            await progress.NoteAsync(connection, account, position, page.Next, isThere ? completeTo : null, cancellation);
            if (!isThere)
                behind.Enqueue((account, page.Next));
            await Rest.AfterAsync(began, cancellation);
        }
    }

    private async Task<ChangePage?> PageAsync(string account, long position, CancellationToken cancellation)
    {
        try
        {
            return await feed.ReadAsync(new ChangeQuery(account, Workspaces: null), position, ChangesAtOnce, cancellation);
        }
        catch (ChangesGoneException)
        {
            return null;
        }
    }

    private async Task FollowAsync(string account, Guid[] sessions, CancellationToken cancellation)
    {
        await ReplaceAsync(account, sessions, cancellation);
        await SetAside.RemoveAsync(database, name, [.. sessions.Select(session => new StreamKey(account, session))], cancellation);
    }

    private async Task ReplaceAsync(string account, Guid[] sessions, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Nobody waits for the disk: what a crash takes comes again, because how far the account is is noted later.
        await connection.ExecuteAsync("set local synchronous_commit = off", [], cancellation);
        await sessionLocks.TakeAsync(connection, account, sessions, cancellation);
        // Read after the lock: what was erased before is masked, and who erases later deletes what is stored here.
        await ReplaceAsync(connection, account, sessions, await ReadAsync(connection, account, sessions, cancellation), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private async Task ForgetAsync(string? account, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await DeleteAsync(connection, account, cancellation);
        await progress.ForgetAsync(connection, account, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Reads the documents of sessions: by their ids, and by the partial index of (tenant_id, stream_id).</summary>
    internal static async Task<IReadOnlyList<FollowedDocument>> ReadAsync(
        NpgsqlConnection connection, string account, Guid[] sessions, CancellationToken cancellation)
    {
        var stored = (await new NpgsqlCommand(
            $"""
            select d.id, d.{DocumentTable.Modified} from {SessionResultTable.Name} d where d.tenant_id = $1 and d.id = any($2)
            union
            select d.id, d.{DocumentTable.Modified} from {SessionResultTable.Name} d
            where d.tenant_id = $1 and d.{DocumentTable.Stream} = any($2) and d.{DocumentTable.Stream} is not null
            """, connection).ReadAllAsync(
            [account, sessions], reader => (Key: reader.GetGuid(0), At: reader.GetFieldValue<DateTimeOffset>(1)), cancellation))
            .ToDictionary(row => row.Key, row => row.At);
        var read = await DocumentReader.ReadCaughtUpAsync(
            connection, SessionResultTable.Documents, [.. stored.Keys.Select(key => new StreamKey(account, key))], cancellation);
        return [.. read.Select(one => new FollowedDocument(one.Key.Id, (SessionResult)one.Value, stored[one.Key.Id]))];
    }
}

/// <summary>A background service that lets a worker follow the feed.</summary>
internal sealed partial class FeedWorkerService<TWorker>(TWorker worker, ILogger<FeedWorkerService<TWorker>> logger)
    : PollingService(LongestPause)
    where TWorker : FeedWorker
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // The most that a worker lags behind in normal operation; and while whole pages of sessions change each time.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BetweenBusyLooks = TimeSpan.FromSeconds(2);

    protected override TimeSpan Interval => worker.IsBusy ? BetweenBusyLooks : BetweenLooks;

    protected override async Task PollAsync(CancellationToken stoppingToken)
    {
        try
        {
            await worker.FollowAsync(stoppingToken);
        }
        catch (FeedNotFilledException)
        {
            // Sessions from before the feed come to it first.
        }
    }

    // No change is lost: each account goes on where it was.
    protected override void LogFailure(Exception failure) => LogFailed(logger, worker.Name, failure);

    [LoggerMessage(4401, LogLevel.Error, "Following the changes for {Worker} failed; it goes on where it was")]
    private static partial void LogFailed(ILogger logger, string worker, Exception exception);
}

internal static class FeedWorkerSetup
{
    /// <summary>Adds a worker with its service and its retries.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">The worker's name.</param>
    public static void AddFeedWorker<TWorker>(this IServiceCollection services, string name)
        where TWorker : FeedWorker
    {
        services.AddSingleton<TWorker>();
        services.AddSingleton(provider => new SetAsideWorker(name, provider.GetRequiredService<TWorker>().RetryAsync));
        services.AddHostedService<FeedWorkerService<TWorker>>();
    }
}
