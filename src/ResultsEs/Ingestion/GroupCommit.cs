using JasperFx;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Ingestion;

/// <summary>
/// The group commit: one writer per session in this process, and one transaction for many requests.
/// A request starts a commit while its account's turn has come; otherwise it waits and shares the next commit.
/// Owns the queue; <see cref="_gate"/> guards it.
/// </summary>
public sealed partial class GroupCommit
{
    // An attempt locks its streams. It fails only when another node creates one of them or stores one of the ids meanwhile, and each
    // such failure means that one of these is done; the first also fails when an id of a new stream's event is another stream's.
    private const int MaxAttempts = 12;

    private const int MaxSharedAttempts = 3;

    private const int MaxReconnects = 4;

    private static readonly Backoff BetweenConflicts = new(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(60));
    private static readonly Backoff BetweenReconnects = new(TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(600));

    private readonly Lock _gate = new();
    private readonly AppendStore _store;
    private readonly DocumentRefresh _refresh;
    private readonly NpgsqlDataSource _pinned;
    private readonly AheadClocks _clocks;
    private readonly StreamLimits _limits;
    private readonly ILogger<GroupCommit> _logger;
    private readonly CommitQueue _queue = new();
    private bool _isStarting;

    internal GroupCommit(
        AppendStore store, DocumentRefresh refresh, NpgsqlDataSource pinned, AheadClocks clocks, StreamLimits limits,
        ILogger<GroupCommit> logger) =>
        (_store, _refresh, _pinned, _clocks, _limits, _logger) = (store, refresh, pinned, clocks, limits, logger);

    internal int WaitingRequests
    {
        get
        {
            lock (_gate)
                return _queue.Count;
        }
    }

    /// <summary>Queues the command's events; busy when too many wait. What is queued is committed even if the caller leaves.</summary>
    internal Task<RecordResult> RecordAsync(RecordEvents command)
    {
        var waiting = new WaitingCommand(command);
        lock (_gate)
        {
            if (!_queue.TryAdd(waiting))
                return Task.FromResult<RecordResult>(new RecordResult.Busy());
            if (_isStarting || !_queue.HasTurn)
                return waiting.Answer.Task;

            _isStarting = true;
        }

        // Requests that come until it runs share its commit.
        _ = Task.Run(() => Proceed(ended: null) is { } first ? CommitWhileAnyWaitsAsync(first) : Task.CompletedTask);
        return waiting.Answer.Task;
    }

    private async Task CommitWhileAnyWaitsAsync(CommandGroup group)
    {
        for (var next = group; next is not null; next = Proceed(next))
        {
            var began = Stopwatch.GetTimestamp();
            await CommitAsync(next.Commands);
            if (HasToRest(next))
                await Rest.AfterAsync(began, CancellationToken.None);
        }
    }

    /// <summary>Lets the account of a large commit rest while others write. What waits of them may begin in its place.</summary>
    private bool HasToRest(CommandGroup group)
    {
        lock (_gate)
        {
            if (!_queue.TryRest(group))
                return false;

            BeginOthers();
            return true;
        }
    }

    private void BeginOthers()
    {
        while (_queue.Take() is { } other)
            _ = Task.Run(() => CommitWhileAnyWaitsAsync(other));
    }

    /// <summary>Ends a commit and returns the next; what may be committed beside it begins in tasks of its own.</summary>
    private CommandGroup? Proceed(CommandGroup? ended)
    {
        CommandGroup? first;
        lock (_gate)
        {
            if (ended is null)
                _isStarting = false;
            else
                _queue.End(ended);
            first = _queue.Take();
            BeginOthers();
        }

        return first;
    }

    /// <summary>Records commands of one account, in their order, in one transaction. A refused one does not affect the others.</summary>
    private async Task<IReadOnlyList<RecordResult>> RecordAsync(IReadOnlyList<RecordEvents> commands, bool findsAll)
    {
        var incoming = commands.SelectMany(command => command.Events).ToList();
        while (true)
        {
            List<LockedStream> unsized;
            List<LockedStream> stale;
            await using (var transaction = await AppendTransaction.BeginAsync(_store, Tenant.Of(commands[0].Account), incoming, findsAll))
            {
                unsized = [.. transaction.Streams.Values.Where(stream => stream.IsUnsized)];
                stale = [
                    .. transaction.Streams.Values.Where(stream => stream.IsStale)
                        .Union(RecordDecision.Unsure(incoming, transaction.Known, transaction.Streams, _limits)),
                ];
                if (unsized.Count == 0 && stale.Count == 0)
                {
                    RecordResult[] results =
                        [.. commands.Select(command => RecordDecision.Decide(command, transaction.Known, transaction.Streams, _limits))];
                    await transaction.CommitAsync();
                    _clocks.Note(commands[0].Account, transaction.Streams.Values.SelectMany(stream => stream.Appended), transaction.Now);
                    return results;
                }
            }

            // A decision needs to know how large a stream is, and documents that hold what nodes of another version appended.
            foreach (var documents in unsized.GroupBy(stream => stream.Table))
                await _refresh.CountSizesAsync(documents.Key, [.. documents.Select(stream => stream.Key)], CancellationToken.None);
            foreach (var documents in stale.GroupBy(stream => stream.Table))
                await _refresh.RefreshAsync(documents.Key, [.. documents.Select(stream => stream.Key)], CancellationToken.None);
        }
    }

    /// <summary>Commits and answers. Never throws: each request gets its own failure.</summary>
    private async Task CommitAsync(IReadOnlyList<WaitingCommand> commit)
    {
        var commands = commit.Select(waiting => waiting.Command).ToList();
        var telemetry = Telemetry.BeginCommit(
            [.. commit.Select(waiting => waiting.Caller).Where(caller => caller != default)],
            commands.SelectMany(command => command.Events));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // A first attempt that meets an id of another stream conflicts; the next one finds it.
                var results = await RecordAsync(commands, findsAll: attempt > 1);
                End();
                foreach (var (waiting, result) in commit.Zip(results))
                    waiting.Answer.SetResult(result);
                return;
            }
            catch (Exception e) when (IsConflict(e) && attempt < (commit.Count == 1 ? MaxAttempts : MaxSharedAttempts))
            {
                LogConflict(_logger, e, attempt, commit.Count, commands[0].Account);
                await Task.Delay(BetweenConflicts.After(attempt));
            }
            catch (Exception e) when (attempt < MaxReconnects && IsDisconnect(e))
            {
                // What broke one connection may have broken all. The next attempt looks first for what is stored already.
                _pinned.Clear();
                _store.Cache.Clear();
                LogConflict(_logger, e, attempt, commit.Count, commands[0].Account);
                await Task.Delay(BetweenReconnects.After(attempt));
            }
            catch (Exception e) when (commit.Count > 1 && (IsConflict(e) || !Failures.IsTransient(e)))
            {
                // One of the requests fails or keeps conflicting. Each is committed by itself, so that only that one fails.
                End(e);
                foreach (var waiting in commit)
                    await CommitAsync([waiting]);
                return;
            }
            catch (Exception e) when (IsConflict(e))
            {
                End(e);
                commit[0].Answer.SetResult(new RecordResult.Busy());
                return;
            }
            catch (Exception e)
            {
                End(e);
                foreach (var waiting in commit)
                    waiting.Answer.SetException(e);
                return;
            }
        }

        void End(Exception? failure = null)
        {
            if (!commands[0].IsRehearsal)
                telemetry.End(commands.Sum(command => command.Events.Count), commands.Count, failure);
        }
    }

    /// <summary>True when another writer was faster: nothing of ours is stored, and the next attempt sees what it stored.</summary>
    private static bool IsConflict(Exception e) => e switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected } => true,
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure } => true,
        ConcurrencyException or Marten.Exceptions.ExistingStreamIdCollisionException => true,
        JasperFx.Events.ExistingStreamIdCollisionException => true,
        AggregateException many => many.InnerExceptions.All(IsConflict),
        { InnerException: { } inner } => IsConflict(inner),
        _ => false,
    };

    /// <summary>True when the server restarted or the connection was cut. A timeout is neither.</summary>
    private static bool IsDisconnect(Exception e) => NpgsqlOf(e) is { InnerException: not TimeoutException } && Failures.IsTransient(e);

    // Marten wraps the exceptions of Npgsql.
    private static NpgsqlException? NpgsqlOf(Exception? e) => e is null ? null : e as NpgsqlException ?? NpgsqlOf(e.InnerException);

    [LoggerMessage(
        401, LogLevel.Debug, "Attempt {Attempt} to commit {Requests} request(s) of account {Account} met another writer, or no database")]
    private static partial void LogConflict(ILogger logger, Exception exception, int attempt, int requests, Guid account);
}
