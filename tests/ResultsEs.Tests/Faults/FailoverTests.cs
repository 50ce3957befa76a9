using System.Globalization;
using Alba;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.Changes;
using ResultsEs.Common;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Changes;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.EventStore;
using ResultsEs.Tests.TestResults;
using ResultsEs.Tests.Webhooks;

namespace ResultsEs.Tests.Faults;

/// <summary>
/// A reader who keeps a copy, and a webhook, while one primary after the other is killed and a standby takes over. One node serves all
/// the while, and its connection string names both servers.
/// </summary>
public sealed class FailoverTests : IAsyncDisposable
{
    private const string Name = "failover";

    // More than the numbers that PostgreSQL logs of a sequence ahead of their use.
    private const int Lost = 60;

    private readonly string _home = ThrowAway.NewHome();
    private readonly TempFolder _data = new();
    private readonly Ledger _ledger = new(TimeSpan.FromMilliseconds(20));
    private readonly Follower _follower = new(limit: 500);
    private readonly Guid _test = Guid.NewGuid();
    private WebhookReceiver _receiver = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ChangeCursor Cursor => ChangeCursor.TryRead(_follower.Cursor!, Tenant.Of(TestClients.AccountOne), out var cursor) ? cursor : default;

    public async ValueTask DisposeAsync()
    {
        if (_receiver is not null)
            await _receiver.DisposeAsync();
        ThrowAway.Remove(_home);
        _data.Dispose();
    }

    [Fact]
    public async Task Who_follows_changes_goes_on_at_a_standby_that_took_over_and_at_one_that_lacks_the_last_commits()
    {
        var binaries = StreamingStandby.FindBinaries();
        Assert.SkipWhen(binaries is null, "This test runs the PostgreSQL of this machine and copies it with its pg_basebackup, and there are not both.");
        var options = new ClusterOptions(_home, binaries!) { Tcp = true };
        await using var cluster = await PostgresCluster.StartAsync(options, NullLogger.Instance, Cancelled);
        await cluster.CreateDatabaseAsync(Name, Cancelled);
        var primary = new NpgsqlConnectionStringBuilder(cluster.ConnectionString(Name));
        var standby = await StreamingStandby.StartNewAsync(primary.ConnectionString, _home + "-standby", binaries!);
        _receiver = await WebhookReceiver.StartAsync();
        await using (var host = await HostAsync(primary, standby))
        {
            using var http = await AppFixture.ClientAsync(host, TestClients.Hooks);
            await http.SubscribeAsync(_receiver.Url, _test, "completed");
            // Whoever starts the killed server again would have to hold it.
            using var gate = FileLock.TryExclusive(Path.Combine(_home, "gate"));
            Assert.NotNull(gate);

            await LosesNothingAsync(http, primary, options.Data, standby);
            // The machine of the first primary comes back with a standby of the second.
            var back = await StreamingStandby.StartNewAsync(standby.ConnectionString("postgres"), _home + "-back", binaries!, primary.Port);
            await LosesCommitsAsync(http, standby, back);
            standby = back;
        }

        await RestoredAsync(standby);
    }

    /// <summary>Commits wait for the standby, writers write while the primary is killed: nothing that anybody was told is missing.</summary>
    private async Task LosesNothingAsync(HttpClient http, NpgsqlConnectionStringBuilder primary, string data, StreamingStandby standby)
    {
        var completed = TestData.Session(test: _test).Completed();
        await http.RecordAsync(completed);
        await using (var sql = NpgsqlDataSource.Create(primary.ConnectionString + ";Pooling=false"))
        {
            await sql.CreateCommand("alter system set synchronous_standby_names = '*'").ExecuteNonQueryAsync(Cancelled);
            await sql.CreateCommand("select pg_reload_conf()").ExecuteNonQueryAsync(Cancelled);
            await Wait.UntilAsync(async () => (bool)(await sql.CreateCommand(
                "select exists (select 1 from pg_stat_replication where sync_state = 'sync')").ExecuteScalarAsync(Cancelled))!);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var writing = _ledger.WriteAsync(writers: 4, () => http, stop.Token);
        var following = FollowAsync(http, stop.Token);
        await Wait.UntilAsync(() => _ledger.Count > 100);
        ThrowAway.Kill(data);
        await Wait.UntilAsync(() => Postmaster.Look(data) != Postmaster.State.Running);
        await standby.PromoteAsync();
        var before = _ledger.Count;
        await Wait.UntilAsync(() => _ledger.Count > before + 100);
        await stop.CancelAsync();
        await writing;
        await following;
        await CatchUpAsync(http);

        await _ledger.VerifyAsync(standby.ConnectionString(Name) + ";Pooling=false", http, others: completed.Events.Count);
        Assert.Equal(_ledger.Sessions.Append(completed.Id).ToHashSet(), _follower.Copy.Keys.Select(key => key.Session).ToHashSet());
        foreach (var test in _follower.Copy.Values.Select(session => (Guid)session["testId"]!).Distinct())
            Assert.Equal(await Follower.ExportedAsync(http, test), _follower.Lines(test));
        _follower.AssertNoneTwice();
    }

    /// <summary>A standby takes over that lacks the last commits, which the reader has: he still gets all that comes after them.</summary>
    private async Task LosesCommitsAsync(HttpClient http, StreamingStandby primary, StreamingStandby standby)
    {
        var (changed, made) = (TestData.Session(test: _test), TestData.Session(test: _test).Completed());
        await http.RecordAsync(changed);
        // As it is when the keeper has not come to this timeline before its primary is lost.
        await primary.AskAsync<object>(Name, "update results.change_state set era = 0, timeline = 1");
        await standby.CaughtUpAsync();
        await standby.DisconnectAsync();
        var lost = Enumerable.Range(0, Lost).Select(_ => TestData.Session(test: _test).Completed()).ToList();
        await ExportTests.RecordAsync(http, lost);
        await http.RecordAsync(TestData.SessionOnly(changed.Id, _test).WithAnswer(Answers.Nps(9)));
        await CatchUpAsync(http);
        var (before, seen) = (Cursor.Position, _follower.Seen.Count);
        await primary.KillAsync();
        await standby.PromoteAsync();
        var last = await standby.AskAsync<long>(Name, "select last_value from results.change_position");
        Assert.True(last < before % (1L << 40), $"{last}, so the standby lacks no numbers");

        var again = lost[0];
        await http.UntilRecordedAsync(TestData.SessionOnly(changed.Id, _test).WithAnswer(Answers.Nps(3)));
        await ExportTests.RecordAsync(http, [made, again]);
        await CatchUpAsync(http);
        Assert.True(Cursor.Position > before);
        Guid[] expected = [changed.Id, made.Id, again.Id];
        Assert.Equal(expected.Order(), _follower.Seen.Skip(seen).Select(change => (Guid)change["sessionId"]!).Order());
        // What was lost, and did not come again, the copy keeps.
        var kept = lost.Skip(1).Select(session => session.Id).ToHashSet();
        Assert.Equal(
            await Follower.ExportedAsync(http, _test),
            _follower.Lines(_test).Where(line => !kept.Contains(ExportTests.Id(line))));
        Assert.Superset(kept, _follower.Copy.Keys.Select(key => key.Session).ToHashSet());

        // Recorders send what they were told is stored only when somebody asks them to.
        await ExportTests.RecordAsync(http, lost);
        await CatchUpAsync(http);
        Assert.Equal(await Follower.ExportedAsync(http, _test), _follower.Lines(_test));
        var told = lost.Append(made).Select(session => session.Id).ToHashSet();
        await Wait.UntilAsync(() => told.IsSubsetOf(_receiver.Received.Select(message => message.Session)));
    }

    /// <summary>The step of docs/operations/backup.md after which no position is one of before the restore.</summary>
    private static async Task RestoredAsync(StreamingStandby primary)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(ServiceProcess.Repository, "docs/operations/backup.md"), Cancelled);
        var statement = page[page.IndexOf("update results.change_state", StringComparison.Ordinal)..].Split('"')[0];
        var before = await primary.AskAsync<long>(Name, ChangePosition.SafeSql);

        await primary.AskAsync<object>(Name, statement);

        Assert.Equal(before + (1L << 40), await primary.AskAsync<long>(Name, ChangePosition.SafeSql));
    }

    private Task<IAlbaHost> HostAsync(NpgsqlConnectionStringBuilder primary, StreamingStandby standby)
    {
        var both = new NpgsqlConnectionStringBuilder(primary.ConnectionString)
        {
            Host = string.Create(CultureInfo.InvariantCulture, $"{primary.Host}:{primary.Port},{primary.Host}:{standby.Port}"),
            TargetSessionAttributes = "primary",
            HostRecheckSeconds = 1,
        };
        return AppFixture.StartAsync(
            "Development", _data,
            [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, both.ConnectionString), new("Logging:LogLevel:Default", "Critical")]);
    }

    private async Task FollowAsync(HttpClient http, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
            await TryReadAsync(http, wait: 1);
    }

    private Task CatchUpAsync(HttpClient http) => Wait.UntilAsync(() => TryReadAsync(http, wait: 0));

    private async Task<bool> TryReadAsync(HttpClient http, int wait)
    {
        var before = _follower.Cursor is null ? 0 : Cursor.Position;
        var isAtEnd = await _follower.TryReadAsync(http, wait);
        Assert.True((_follower.Cursor is null ? 0 : Cursor.Position) >= before, $"{Cursor.Position} after {before}");
        return isAtEnd;
    }
}
