using System.Runtime.InteropServices;

namespace ResultsEs.Ingestion;

/// <summary>A command that waits for a commit, and its answer.</summary>
internal sealed class WaitingCommand(RecordEvents command)
{
    public RecordEvents Command { get; } = command;

    /// <summary>The span of the request; the default when nobody traces it.</summary>
    public ActivityContext Caller { get; } = Activity.Current?.Context ?? default;

    public IReadOnlyList<Guid> Sessions { get; } = [.. command.Events.Select(incoming => incoming.StreamId).Distinct()];

    public TaskCompletionSource<RecordResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>In how many of its sessions another command is before it. The queue's.</summary>
    public int Awaited { get; set; }

    /// <summary>How many of these are written by one commit that may take it along, and which. The queue's.</summary>
    public (CommandGroup? Group, int Sessions) Following { get; set; }
}

/// <summary>Commands of one account that share a commit, in the order in which they are judged.</summary>
internal sealed class CommandGroup(Guid account)
{
    public Guid Account { get; } = account;

    public List<WaitingCommand> Commands { get; } = [];

    public int Events { get; set; }

    /// <summary>True between a large commit and its end, while others write. The queue's.</summary>
    public bool IsResting { get; set; }
}

/// <summary>
/// The commands that wait for a commit: a queue for each account, and in it a line for each session. Accounts are served in turn.
/// What a command costs here does not depend on how many others wait. Not thread-safe: <see cref="GroupCommit"/> guards it.
/// </summary>
internal sealed class CommitQueue
{
    /// <summary>The greatest number of waiting events, about 64 MiB of typical ones.</summary>
    internal const int MaxEvents = 50_000;

    /// <summary>The greatest number of one account's waiting events.</summary>
    internal const int MaxEventsPerAccount = MaxEvents / 2;

    /// <summary>The greatest sum of bytes of waiting commands, as they were sent.</summary>
    internal const long MaxBytes = 96L * 1024 * 1024;

    /// <summary>The greatest sum of bytes of one account's waiting commands.</summary>
    internal const long MaxBytesPerAccount = MaxBytes / 2;

    /// <summary>
    /// The greatest number of concurrent commits of one account: one prepares while one waits for the disk. More make commits smaller.
    /// The second begins only while no other account commits or waits, and a large one only when none has written for a second.
    /// </summary>
    internal const int MaxCommitsPerAccount = 2;

    /// <summary>The greatest number of concurrent commits; beyond <see cref="MaxCommitsPerAccount"/> of different accounts.</summary>
    internal const int MaxCommits = 4;

    internal const int MaxEventsPerCommit = 1_000;

    /// <summary>After a commit of so many events an account rests while others write.</summary>
    internal const int EventsOfLargeCommit = 200;

    private static readonly TimeSpan Recently = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Guid, Account> _accounts = [];

    // Accounts with a command that may be committed and no commit under way, in the order of their turns.
    private readonly LinkedList<Account> _turns = new();

    // Accounts with a commit under way.
    private readonly HashSet<Account> _committing = [];

    // The two accounts that sent last, and when.
    private (Guid Account, long At) _last;
    private (Guid Account, long At) _other;

    private int _commits;
    private int _events;
    private long _bytes;

    /// <summary>The number of waiting commands.</summary>
    public int Count { get; private set; }

    /// <summary>True when <see cref="Take"/> would find commands.</summary>
    public bool HasTurn => Next() is not null;

    /// <summary>Queues a command; false when too much waits. An account of which nothing waits always gets in.</summary>
    public bool TryAdd(WaitingCommand waiting)
    {
        if (waiting.Command.Account != _last.Account)
            _other = _last;
        _last = (waiting.Command.Account, Stopwatch.GetTimestamp());
        var (events, bytes) = (waiting.Command.Events.Count, waiting.Command.Bytes);
        ref var account = ref CollectionsMarshal.GetValueRefOrAddDefault(_accounts, waiting.Command.Account, out _);
        account ??= new Account(waiting.Command.Account);
        if (account.Count > 0
            && (_events + events > MaxEvents || account.Events + events > MaxEventsPerAccount
                || _bytes + bytes > MaxBytes || account.Bytes + bytes > MaxBytesPerAccount))
            return false;

        Count++;
        (_events, _bytes) = (_events + events, _bytes + bytes);
        (account.Count, account.Events, account.Bytes) = (account.Count + 1, account.Events + events, account.Bytes + bytes);
        foreach (var session in waiting.Sessions)
        {
            ref var line = ref CollectionsMarshal.GetValueRefOrAddDefault(account.Lines, session, out _);
            line ??= new Line();
            if (line.Writer is not null || line.Waiting.Count > 0)
                waiting.Awaited++;
            line.Waiting.Enqueue(waiting);
        }

        if (waiting.Awaited == 0)
            MakeReady(account, waiting);
        return true;
    }

    /// <summary>Takes the commands of the next commit, of one account; null when none may begin now.</summary>
    public CommandGroup? Take()
    {
        if (Next() is not { } account)
            return null;

        var group = new CommandGroup(account.Id);
        // Commands behind those that were taken, before any that came later in other sessions.
        var following = new Queue<WaitingCommand>();
        while ((following.TryPeek(out var waiting) || account.Ready.TryPeek(out waiting)) && HasRoom(group, waiting))
        {
            if (!following.TryDequeue(out _))
                account.Ready.Dequeue();
            Move(account, waiting, group, following);
        }

        _commits++;
        account.Commits++;
        _committing.Add(account);
        if (account.Turn is { } turn)
            _turns.Remove(turn);
        account.Turn = null;
        return group;
    }

    /// <summary>
    /// Lets an account rest after a commit, before its end, if that was a large one and others write: it then leaves them as much time as
    /// it takes, and its place. False when it need not.
    /// </summary>
    public bool TryRest(CommandGroup group)
    {
        if (group.Events < EventsOfLargeCommit || !DoOthersWrite(group.Account))
            return false;

        group.IsResting = true;
        _commits--;
        _committing.Remove(_accounts[group.Account]);
        return true;
    }

    /// <summary>Ends a commit: its sessions are free for the commands behind.</summary>
    public void End(CommandGroup group)
    {
        var account = _accounts[group.Account];
        foreach (var session in group.Commands.SelectMany(waiting => waiting.Sessions))
        {
            // The first command of a session has ended its line, or freed it.
            if (!account.Lines.TryGetValue(session, out var line) || line.Writer != group)
                continue;

            (line.Writer, line.Workspaces) = (null, []);
            if (!line.Waiting.TryPeek(out var next))
                account.Lines.Remove(session);
            else if (--next.Awaited == 0)
                MakeReady(account, next);
        }

        _commits -= group.IsResting ? 0 : 1;
        if (--account.Commits == 0)
            _committing.Remove(account);
        if (account is { Commits: 0, Count: 0 })
            _accounts.Remove(account.Id);
        else
            GiveTurn(account);
    }

    private Account? Next()
    {
        if (_commits < MaxCommits && _turns.First is { } turn)
            return turn.Value;
        return _commits < MaxCommitsPerAccount && _committing.FirstOrDefault() is { Ready.Count: > 0 } alone
            && (alone.Ready.Peek().Command.Events.Count < EventsOfLargeCommit || !DoOthersWrite(alone.Id))
            ? alone
            : null;
    }

    private bool DoOthersWrite(Guid account)
    {
        var (other, at) = account == _last.Account ? _other : _last;
        return other != Guid.Empty && Stopwatch.GetElapsedTime(at) < Recently;
    }

    private void MakeReady(Account account, WaitingCommand waiting)
    {
        account.Ready.Enqueue(waiting);
        GiveTurn(account);
    }

    private void GiveTurn(Account account)
    {
        if (account is { Turn: null, Commits: 0, Ready.Count: > 0 })
            account.Turn = _turns.AddLast(account);
    }

    private void Move(Account account, WaitingCommand waiting, CommandGroup group, Queue<WaitingCommand> following)
    {
        group.Commands.Add(waiting);
        group.Events += waiting.Command.Events.Count;
        Count--;
        (_events, _bytes) = (_events - waiting.Command.Events.Count, _bytes - waiting.Command.Bytes);
        account.Count--;
        (account.Events, account.Bytes) = (account.Events - waiting.Command.Events.Count, account.Bytes - waiting.Command.Bytes);
        foreach (var session in waiting.Sessions)
        {
            var line = account.Lines[session];
            line.Waiting.Dequeue();
            (line.Writer, line.Workspaces) = (group, waiting.Command.Workspaces);
            if (line.Waiting.TryPeek(out var next) && MayFollow(waiting.Command, next.Command))
            {
                next.Following = (group, next.Following.Group == group ? next.Following.Sessions + 1 : 1);
                if (next.Following.Sessions == next.Awaited)
                    following.Enqueue(next);
            }
        }
    }

    // Otherwise what the first may do to the session must be known before the second is judged.
    private static bool MayFollow(RecordEvents first, RecordEvents second) => first.Workspaces.SequenceEqual(second.Workspaces);

    private static bool HasRoom(CommandGroup group, WaitingCommand next) =>
        group.Commands.Count == 0 || group.Events + next.Command.Events.Count <= MaxEventsPerCommit;

    /// <summary>What waits of an account. The ready commands are first in all of their sessions, which nobody writes.</summary>
    private sealed class Account(Guid id)
    {
        public Guid Id { get; } = id;

        public Dictionary<Guid, Line> Lines { get; } = [];

        public Queue<WaitingCommand> Ready { get; } = new();

        public int Count { get; set; }

        public int Events { get; set; }

        public long Bytes { get; set; }

        public int Commits { get; set; }

        public LinkedListNode<Account>? Turn { get; set; }
    }

    /// <summary>The commands that wait for a session, and the commit that writes it, if any.</summary>
    private sealed class Line
    {
        public Queue<WaitingCommand> Waiting { get; } = new();

        public CommandGroup? Writer { get; set; }

        public IReadOnlyList<Guid> Workspaces { get; set; } = [];
    }
}
