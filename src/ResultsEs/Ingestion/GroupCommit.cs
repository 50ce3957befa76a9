using System.Diagnostics;
using JasperFx;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Ingestion;

/// <summary>
/// One writer per session in this process, and one commit for many requests. A request that finds a committer idle is
/// committed at once; those that come while commits are under way wait and share the next. Owns the queue and the set of
/// sessions that are being written; both are guarded by <see cref="_gate"/>.
/// </summary>
public sealed partial class GroupCommit
{
    /// <summary>How many events may wait; beyond, requests are refused. About 64 MiB of typical events.</summary>
    internal const int MaxWaitingEvents = 50_000;

    /// <summary>How many commits may be under way: one prepares while the other waits for the disk. More make commits smaller.</summary>
    internal const int MaxCommitters = 2;

    private const int MaxEventsPerCommit = 1_000;

    // An attempt locks its streams, so it fails only while other nodes are making the same streams or storing the same ids, and
    // each such failure is one of those, done.
    private const int MaxAttempts = 12;

    private const int MaxReconnects = 4;

    private static readonly Backoff BetweenConflicts = new(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(60));
    private static readonly Backoff BetweenReconnects = new(TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(600));

    private readonly Lock _gate = new();
    private readonly AppendStore _store;
    private readonly DocumentRefresh _refresh;
    private readonly NpgsqlDataSource _pinned;
    private readonly ILogger<GroupCommit> _logger;
    private readonly LinkedList<Waiting> _waiting = new();
    private readonly HashSet<(Guid Account, Guid Session)> _writing = [];
    private int _waitingEvents;
    private int _committers;

    internal GroupCommit(AppendStore store, DocumentRefresh refresh, NpgsqlDataSource pinned, ILogger<GroupCommit> logger) =>
        (_store, _refresh, _pinned, _logger) = (store, refresh, pinned, logger);

    /// <summary>How many requests wait for a commit.</summary>
    internal int WaitingRequests
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Records the command's events. Once taken they are committed whether or not anybody still waits for the answer.</summary>
    internal Task<RecordResult> RecordAsync(RecordEvents command)
    {
        ArgumentNullException.ThrowIfNull(command);
        var waiting = new Waiting(command);
        lock (_gate)
        {
            if (_waitingEvents > 0 && _waitingEvents + command.Events.Count > MaxWaitingEvents)
                return Task.FromResult<RecordResult>(new RecordResult.Busy());

            _waiting.AddLast(waiting);
            _waitingEvents += command.Events.Count;
            if (_committers == MaxCommitters)
                return waiting.Answer;

            _committers++;
        }

        _ = Task.Run(CommitWhileAnyWaitsAsync);
        return waiting.Answer;
    }

    private async Task CommitWhileAnyWaitsAsync()
    {
        while (Take() is { } commit)
        {
            await CommitAsync(commit);
            lock (_gate)
                _writing.ExceptWith(commit.SelectMany(waiting => waiting.Sessions));
        }
    }

    /// <summary>
    /// The next commit: in order of arrival, requests of one account whose sessions nobody is writing. Null ends the
    /// committer; whoever holds the sessions that are waited for will look again.
    /// </summary>
    private List<Waiting>? Take()
    {
        lock (_gate)
        {
            var commit = new List<Waiting>();
            var events = 0;
            var mine = new Dictionary<(Guid Account, Guid Session), IReadOnlyList<Guid>>();
            // Sessions of a request that has to wait: later requests must not overtake it.
            var passed = new HashSet<(Guid Account, Guid Session)>();
            for (var node = _waiting.First; node is not null && events < MaxEventsPerCommit;)
            {
                var (next, waiting) = (node.Next, node.Value);
                if (Fits(waiting))
                {
                    _waiting.Remove(node);
                    _waitingEvents -= waiting.Command.Events.Count;
                    events += waiting.Command.Events.Count;
                    commit.Add(waiting);
                    foreach (var session in waiting.Sessions)
                        mine[session] = waiting.Command.Workspaces;
                }
                else
                {
                    passed.UnionWith(waiting.Sessions);
                }

                node = next;
            }

            if (commit.Count == 0)
            {
                _committers--;
                return null;
            }

            _writing.UnionWith(mine.Keys);
            return commit;

            // Writers of one session share a commit only when they may write the same: what the one may do to the session
            // must be known before the other is judged.
            bool Fits(Waiting waiting) =>
                (commit.Count == 0 || (waiting.Command.Account == commit[0].Command.Account && events + waiting.Command.Events.Count <= MaxEventsPerCommit))
                && waiting.Sessions.All(session => !_writing.Contains(session) && !passed.Contains(session)
                    && (!mine.TryGetValue(session, out var workspaces) || workspaces.SequenceEqual(waiting.Command.Workspaces)));
        }
    }

    /// <summary>
    /// Records commands of one account in one Marten session, in their order; those that are refused leave the others alone.
    /// </summary>
    /// <returns>A result for each command.</returns>
    private async Task<IReadOnlyList<RecordResult>> RecordAsync(IReadOnlyList<RecordEvents> commands)
    {
        var incoming = commands.SelectMany(command => command.Events).ToList();
        while (true)
        {
            List<LockedStream> stale;
            await using (var transaction = await AppendTransaction.BeginAsync(_store, Tenant.Of(commands[0].Account), incoming))
            {
                stale = [.. transaction.Streams.Values.Where(stream => stream.IsStale)];
                if (stale.Count == 0)
                {
                    var results = commands.Select(command => RecordDecision.Decide(command, transaction.Known, transaction.Streams)).ToList();
                    await transaction.CommitAsync();
                    return results;
                }
            }

            // Nothing can be said of them before what nodes of another version appended is in their documents.
            foreach (var documents in stale.GroupBy(stream => stream.Table))
                await _refresh.RefreshAsync(documents.Key, [.. documents.Select(stream => stream.Key)], CancellationToken.None);
        }
    }

    /// <summary>Commits and answers. Never throws: what fails is each request's own failure.</summary>
    private async Task CommitAsync(IReadOnlyList<Waiting> commit)
    {
        var commands = commit.Select(waiting => waiting.Command).ToList();
        var telemetry = Telemetry.BeginCommit([.. commit.Select(waiting => waiting.Caller).Where(caller => caller != default)], commands.SelectMany(command => command.Events));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var results = await RecordAsync(commands);
                End();
                foreach (var (waiting, result) in commit.Zip(results))
                    waiting.SetResult(result);
                return;
            }
            catch (Exception e) when (IsConflict(e) && (commit.Count == 1 ? attempt < MaxAttempts : attempt < 3))
            {
                LogConflict(_logger, e, attempt, commit.Count, commands[0].Account);
                await Task.Delay(BetweenConflicts.After(attempt));
            }
            catch (Exception e) when (attempt < MaxReconnects && NpgsqlOf(e) is { InnerException: not TimeoutException } && Failures.IsTransient(e))
            {
                // What broke one connection may have broken all.
                _pinned.Clear();
                _store.Cache.Clear();
                // The server was restarted, or the connection was cut: what was not known to be stored is looked for first.
                LogConflict(_logger, e, attempt, commit.Count, commands[0].Account);
                await Task.Delay(BetweenReconnects.After(attempt));
            }
            catch (Exception e) when (commit.Count > 1 && (IsConflict(e) || !Failures.IsTransient(e)))
            {
                // One of them cannot be stored, or is hard to: each on its own, so that it fails alone.
                End(e);
                foreach (var waiting in commit)
                    await CommitAsync([waiting]);
                return;
            }
            catch (Exception e) when (IsConflict(e))
            {
                End(e);
                commit[0].SetResult(new RecordResult.Busy());
                return;
            }
            catch (Exception e)
            {
                End(e);
                foreach (var waiting in commit)
                    waiting.SetException(e);
                return;
            }
        }

        void End(Exception? failure = null) => telemetry.End(commands.Sum(command => command.Events.Count), commands.Count, failure);
    }

    /// <summary>Whether another writer was faster: nothing of ours is stored, and the next attempt sees theirs.</summary>
    private static bool IsConflict(Exception e) => e switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure } => true,
        ConcurrencyException or Marten.Exceptions.ExistingStreamIdCollisionException or JasperFx.Events.ExistingStreamIdCollisionException => true,
        AggregateException many => many.InnerExceptions.All(IsConflict),
        { InnerException: { } inner } => IsConflict(inner),
        _ => false,
    };

    // Marten wraps what the driver throws.
    private static NpgsqlException? NpgsqlOf(Exception? e) => e is null ? null : e as NpgsqlException ?? NpgsqlOf(e.InnerException);

    [LoggerMessage(401, LogLevel.Debug, "Attempt {Attempt} to commit {Requests} request(s) of account {Account} met another writer, or no database")]
    private static partial void LogConflict(ILogger logger, Exception exception, int attempt, int requests, Guid account);

    /// <summary>A command and who waits for its result.</summary>
    private sealed class Waiting(RecordEvents command)
    {
        private readonly TaskCompletionSource<RecordResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public RecordEvents Command { get; } = command;

        /// <summary>The span of who waits.</summary>
        public ActivityContext Caller { get; } = Telemetry.Here;

        public IReadOnlyList<(Guid Account, Guid Session)> Sessions { get; } =
            [.. command.Events.Select(incoming => (command.Account, incoming.StreamId)).Distinct()];

        public Task<RecordResult> Answer => _answer.Task;

        public void SetResult(RecordResult result) => _answer.SetResult(result);

        public void SetException(Exception exception) => _answer.SetException(exception);
    }
}
