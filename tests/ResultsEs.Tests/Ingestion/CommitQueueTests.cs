using CsCheck;
using ResultsEs.EventStore;
using ResultsEs.Ingestion;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Which commands a commit takes: accounts in turn, sessions in order, and nobody all of it.</summary>
public sealed class CommitQueueTests
{
    private static readonly Guid X = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000001");
    private static readonly Guid Y = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000002");
    private static readonly Guid Z = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000003");

    [Fact]
    public void Accounts_are_served_in_turn_however_much_one_of_them_sends()
    {
        var queue = new CommitQueue();
        foreach (var account in new[] { X, X, X, X, X, Y, Y, Z })
            Assert.True(queue.TryAdd(Command(account, events: 1_000)));

        var served = new List<Guid>();
        while (queue.Take() is { } group)
        {
            served.Add(group.Account);
            queue.End(group);
        }

        Assert.Equal([X, Y, Z, X, Y, X, X, X], served);
    }

    [Fact]
    public void One_account_has_two_commits_while_it_is_alone_and_another_still_begins_at_once()
    {
        var queue = new CommitQueue();
        for (var i = 0; i < 5; i++)
            queue.TryAdd(Command(X, events: 1_000));
        CommandGroup[] ofX = [queue.Take()!, queue.Take()!];
        Assert.Null(queue.Take());

        queue.TryAdd(Command(Y));
        Assert.Equal(Y, queue.Take()!.Account);
        Assert.Null(queue.Take());

        // The first of the flood that ends makes room for nothing: Y commits.
        queue.End(ofX[0]);
        Assert.Null(queue.Take());
        queue.End(ofX[1]);
        Assert.Equal(X, queue.Take()!.Account);
        Assert.Null(queue.Take());
    }

    /// <summary>Whoever writes in bulk has half of the time while others write, and a commit that rests takes nobody's place.</summary>
    [Fact]
    public void A_large_commit_rests_while_others_write()
    {
        var queue = new CommitQueue();
        for (var i = 0; i < 3; i++)
            queue.TryAdd(Command(X, events: CommitQueue.MaxEventsPerCommit));
        var alone = queue.Take()!;
        Assert.False(queue.TryRest(alone));
        queue.End(alone);

        queue.TryAdd(Command(Y));
        var (large, small) = (queue.Take()!, queue.Take()!);
        Assert.Equal((X, Y), (large.Account, small.Account));
        Assert.False(queue.TryRest(small));
        Assert.True(queue.TryRest(large));
        var others = Enumerable.Range(0, CommitQueue.MaxCommits).Select(_ => Guid.NewGuid()).ToList();
        foreach (var account in others)
            queue.TryAdd(Command(account));
        Assert.Equal(others[..(CommitQueue.MaxCommits - 1)], Enumerable.Range(1, CommitQueue.MaxCommits - 1).Select(_ => queue.Take()!.Account));
        Assert.Null(queue.Take());

        // After it the account has its turn behind those that wait.
        queue.End(large);
        queue.End(small);
        Assert.Equal(others[^1], queue.Take()!.Account);
        Assert.Null(queue.Take());
    }

    [Fact]
    public void So_many_accounts_commit_at_once_and_the_next_in_turn_comes_when_one_ends()
    {
        var queue = new CommitQueue();
        var accounts = Enumerable.Range(0, CommitQueue.MaxCommits + 2).Select(_ => Guid.NewGuid()).ToList();
        foreach (var account in accounts)
            queue.TryAdd(Command(account));
        var running = Enumerable.Range(0, CommitQueue.MaxCommits).Select(_ => queue.Take()!).ToList();
        Assert.Equal(accounts[..CommitQueue.MaxCommits], running.Select(group => group.Account));
        Assert.Null(queue.Take());

        queue.End(running[2]);
        Assert.Equal(accounts[CommitQueue.MaxCommits], queue.Take()!.Account);
        Assert.Null(queue.Take());
    }

    [Fact]
    public void An_account_whose_queue_is_full_of_events_is_refused_and_others_are_taken()
    {
        var queue = new CommitQueue();
        for (var i = 0; i < CommitQueue.MaxEventsPerAccount / 1_000; i++)
            Assert.True(queue.TryAdd(Command(X, events: 1_000)));
        Assert.False(queue.TryAdd(Command(X)));
        Assert.True(queue.TryAdd(Command(Y)));

        queue.Take();
        Assert.True(queue.TryAdd(Command(X)));
    }

    [Fact]
    public void An_account_whose_queue_is_full_of_bytes_is_refused_and_others_are_taken()
    {
        var queue = new CommitQueue();
        const int bytes = 4 * 1024 * 1024;
        for (var i = 0; i < CommitQueue.MaxBytesPerAccount / bytes; i++)
            Assert.True(queue.TryAdd(Command(X, bytes: bytes)));
        Assert.False(queue.TryAdd(Command(X, bytes: bytes)));
        Assert.True(queue.TryAdd(Command(Y, bytes: bytes)));
    }

    [Fact]
    public void An_account_of_which_nothing_waits_gets_in_even_when_others_fill_the_whole_queue()
    {
        var queue = new CommitQueue();
        foreach (var account in new[] { X, Y })
        {
            while (queue.TryAdd(Command(account, events: 1_000)))
            {
            }
        }

        Assert.Equal(CommitQueue.MaxEvents / 1_000, queue.Count);
        Assert.True(queue.TryAdd(Command(Z)));
        Assert.False(queue.TryAdd(Command(Z)));
    }

    [Fact]
    public void Commands_of_one_session_share_a_commit_in_their_order_unless_their_workspaces_differ()
    {
        var (queue, session) = (new CommitQueue(), Guid.NewGuid());
        var (one, two, other, last) = (
            Command(X, sessions: [session]), Command(X, sessions: [session]), Command(X, sessions: [session], workspace: Z), Command(X, sessions: [session]));
        foreach (var command in new[] { one, two, other, last })
            queue.TryAdd(command);

        var first = queue.Take()!;
        Assert.Equal([one, two], first.Commands);
        Assert.Null(queue.Take());
        queue.End(first);
        var second = queue.Take()!;
        Assert.Equal([other], second.Commands);
        queue.End(second);
        Assert.Equal([last], queue.Take()!.Commands);
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void Whatever_comes_sessions_are_written_by_one_commit_at_a_time_in_order_and_all_is_committed() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5].Array[1, 3], Gen.Int[0, 1], Gen.Int[1, 600], Gen.Int[0, 3]).List[1, 80].Sample(steps =>
        {
            var queue = new CommitQueue();
            var running = new List<CommandGroup>();
            var came = new Dictionary<(Guid, Guid), List<WaitingCommand>>();
            var committed = new Dictionary<(Guid, Guid), List<WaitingCommand>>();
            var count = 0;
            foreach (var (account, sessions, workspace, events, action) in steps)
            {
                var command = Command(Id(1, account), events, sessions: [.. sessions.Distinct().Select(session => Id(2, session))], workspace: Id(3, workspace));
                Assert.True(queue.TryAdd(command));
                foreach (var session in command.Sessions)
                    Of(came, command, session).Add(command);
                if (action > 0)
                    Take();
                if (action > 1 && running.Count > 0)
                    End(events % running.Count);
            }

            while (running.Count > 0 || queue.Count > 0)
            {
                Take();
                End(running.Count - 1);
            }

            Assert.Equal(steps.Count, count);
            foreach (var (session, commands) in came)
                Assert.Equal(commands, committed[session]);

            void Take()
            {
                while (queue.Take() is { } group)
                {
                    Assert.All(group.Commands, command => Assert.Equal(group.Account, command.Command.Account));
                    Assert.True(group.Commands.Count == 1 || group.Commands.Sum(command => command.Command.Events.Count) <= CommitQueue.MaxEventsPerCommit);
                    foreach (var session in group.Commands.SelectMany(command => command.Sessions).Distinct())
                    {
                        Assert.DoesNotContain(running, other => other.Account == group.Account && other.Commands.Any(command => command.Sessions.Contains(session)));
                        Assert.Single(group.Commands.Where(command => command.Sessions.Contains(session)).Select(command => command.Command.Workspaces[0]).Distinct());
                    }

                    running.Add(group);
                    Assert.True(running.Count <= CommitQueue.MaxCommits);
                    Assert.True(running.Count(other => other.Account == group.Account) <= CommitQueue.MaxCommitsPerAccount);
                    foreach (var command in group.Commands)
                    {
                        count++;
                        foreach (var session in command.Sessions)
                            Of(committed, command, session).Add(command);
                    }
                }
            }

            void End(int index)
            {
                queue.TryRest(running[index]);
                queue.End(running[index]);
                running.RemoveAt(index);
            }
        }, iter: 300, time: Fuzz.Seconds);

    private static List<WaitingCommand> Of(Dictionary<(Guid, Guid), List<WaitingCommand>> lists, WaitingCommand command, Guid session) =>
        lists.TryGetValue((command.Command.Account, session), out var list) ? list : lists[(command.Command.Account, session)] = [];

    private static Guid Id(int kind, int number) => new(number, (short)kind, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private static WaitingCommand Command(Guid account, int events = 1, long bytes = 0, Guid[]? sessions = null, Guid? workspace = null)
    {
        sessions ??= [Guid.NewGuid()];
        var incoming = Enumerable.Range(0, Math.Max(events, sessions.Length))
            .Select(i => new IncomingEvent(Guid.NewGuid(), sessions[i % sessions.Length], "/source", default, null, null!, null!));
        return new(new RecordEvents(account, [workspace ?? X], "client", [.. incoming]) { Bytes = bytes });
    }
}
