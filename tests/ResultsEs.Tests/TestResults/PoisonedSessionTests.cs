using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.TestResults;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>Sessions that cannot be counted, beside others: those are counted, whatever is wrong with one.</summary>
public sealed class PoisonedSessionTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static readonly Guid Group = Guid.Parse("5a000000-0000-4000-8000-0000000000c1");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => own.Host.Services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>What may be wrong with one session's row, by name: how the row is damaged, and what the reason says.</summary>
    public static TheoryData<string, string> Damages => new()
    {
        { "data = jsonb_set(data, '{fold,taskGroups}', '\"x\"')", "JsonException: " },
        { "data = jsonb_set(data, '{fold,taskGroups,0,qx,score}', '1e50')", "JsonException: " },
        { "status = 'Nonsense'", "ArgumentException: " },
        { "data = jsonb_set(data, '{fold,media}', '[]')", "JsonException: " },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task One_session_that_cannot_be_counted_keeps_no_other_from_being_counted(string damage, string reason)
    {
        using var other = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        var (test, theirs) = (Guid.NewGuid(), Guid.NewGuid());
        var sessions = Enumerable.Range(0, 7).Select(n => TestData.Interaction(test: test).WithScore(Group, 10 * n).Completed()).ToList();
        var bad = sessions[3];
        await using (await HoldTheCountAsync())
        {
            foreach (var session in sessions)
                await own.Http.RecordAsync(session);
            await other.RecordAsync(TestData.Interaction(TestClients.WorkspaceOfTwo, theirs).WithScore(Group, 50).Completed());
            await ExecuteAsync($"create table if not exists results.undamaged as select * from results.mt_doc_session_result_2 limit 0; insert into results.undamaged select * from results.mt_doc_session_result_2 where id = '{bad.Id}'");
            await ExecuteAsync($"update results.mt_doc_session_result_2 set {damage} where id = '{bad.Id}'");
        }

        Assert.Equal((6, 30m), await ScoresAsync(own.Http, test, completes: 6));
        Assert.Equal((1, 50m), await ScoresAsync(other, theirs, completes: 1));
        Assert.Equal(0, await AskAsync<long>("select count(*) from results.test_changes"));
        Assert.Equal(
            ("test-totals", TestClients.AccountOne.ToString(), true),
            (await AskAsync<string>(SetAsideSql("worker")), await AskAsync<string>(SetAsideSql("tenant_id")), (await AskAsync<string>(SetAsideSql("reason"))).StartsWith(reason, StringComparison.Ordinal)));

        // Queued again beside another it fails again, and only it.
        await ExecuteAsync($"insert into results.test_changes (tenant_id, session_id) values ('{TestClients.AccountOne}', '{bad.Id}')");
        await own.Http.RecordAsync(TestData.Interaction(test: test).WithScore(Group, 30).Completed());
        Assert.Equal((7, 30m), await ScoresAsync(own.Http, test, completes: 7));
        await Wait.UntilAsync(async () => await AskAsync<int>(SetAsideSql("attempts")) == 2);

        // Mended, it is counted when it changes.
        await ExecuteAsync(
            $"""
            update results.mt_doc_session_result_2 d set data = u.data, status = u.status, mt_version = u.mt_version from results.undamaged u where u.id = d.id and d.id = '{bad.Id}';
            insert into results.test_changes (tenant_id, session_id) values ('{TestClients.AccountOne}', '{bad.Id}')
            """);
        await ScoresAsync(own.Http, test, completes: 8);
        Assert.Equal(0, await AskAsync<long>(SetAsideSql("count(*)")));

        // Of the same session no texts can be made for searches.
        string SetAsideSql(string column) => $"select {column} from results.set_aside a where a.worker = 'test-totals' and a.id = '{bad.Id}'";
    }

    /// <summary>The count of a list is exact, although the session is in no total.</summary>
    [Fact]
    public async Task A_session_that_is_set_aside_is_in_the_count_of_its_list_and_counts_once_when_it_is_retried()
    {
        var session = TestData.Interaction().WithScore(Group, 41.5m).Completed();
        await ExecuteAsync("alter table results.test_group_totals add constraint broken check (sums ->> 'score' <> '41.5')");
        await own.Http.RecordAsync(session);
        await Wait.UntilAsync(async () => await AskAsync<long>($"select count(*) from results.set_aside where id = '{session.Id}'") == 1);
        Assert.StartsWith("PostgreSQL 23514: ", await AskAsync<string>($"select reason from results.set_aside where id = '{session.Id}'"), StringComparison.Ordinal);
        Assert.Equal(1, await ListedAsync());

        await ExecuteAsync("alter table results.test_group_totals drop constraint broken");
        var worker = own.Host.Services.GetServices<SetAsideWorker>().Single(worker => worker.Name == "test-totals");
        await worker.RetryAsync(new StreamKey(TestClients.AccountOne.ToString(), session.Id), Cancelled);

        Assert.Equal((1, 41.5m), await ScoresAsync(own.Http, session.TestId, completes: 1));
        Assert.Equal((1, 0), (await ListedAsync(), await AskAsync<long>($"select count(*) from results.set_aside where id = '{session.Id}'")));

        async Task<int> ListedAsync() =>
            (int)(await own.Http.JsonAsync($"/api/v2/sessionResults?testId={session.TestId}"))["meta"]!["pagination"]!["totalCount"]!;
    }

    /// <summary>What concerns all sessions sets none aside: they wait, and are counted when it has passed.</summary>
    [Fact]
    public async Task A_failure_that_every_session_meets_sets_none_aside()
    {
        var session = TestData.Interaction().WithScore(Group, 70).Completed();
        await ExecuteAsync("alter table results.test_nps_totals rename to test_nps_totals_away");
        await own.Http.RecordAsync(session);
        // The updater may be at it, or pause after its failures; then this call finds nothing to do.
        var totals = own.Host.Services.GetRequiredService<TestTotals>();
        await Wait.UntilAsync(async () => await Record.ExceptionAsync(() => totals.UpdateAsync(Cancelled)) is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable });
        Assert.True(await AskAsync<bool>($"select exists (select 1 from results.test_changes where session_id = '{session.Id}')"));

        await ExecuteAsync("alter table results.test_nps_totals_away rename to test_nps_totals");
        Assert.Equal((1, 70m), await ScoresAsync(own.Http, session.TestId, completes: 1));
        Assert.Equal(0, await AskAsync<long>($"select count(*) from results.set_aside where id = '{session.Id}'"));
    }

    /// <summary>By order, not by time: whatever waits of one account, another's only session is in the next batch.</summary>
    [Fact]
    public async Task One_accounts_flood_does_not_come_before_anothers_single_session()
    {
        using var other = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        await ExecuteAsync(
            """
            create table results.taken (n bigserial, batch xid8 default pg_current_xact_id(), tenant_id varchar);
            create function results.note_taken() returns trigger language plpgsql as $$ begin insert into results.taken (tenant_id) values (old.tenant_id); return null; end $$;
            create trigger note_taken after delete on results.test_changes for each row execute function results.note_taken()
            """);
        var theirs = TestData.Interaction(TestClients.WorkspaceOfTwo).WithScore(Group, 50).Completed();
        await using (await HoldTheCountAsync())
        {
            await ExecuteAsync($"insert into results.test_changes (tenant_id, session_id) select '{TestClients.AccountOne}', gen_random_uuid() from generate_series(1, 5000)");
            await other.RecordAsync(theirs);
        }

        Assert.Equal((1, 50m), await ScoresAsync(other, theirs.TestId, completes: 1));
        await Wait.UntilAsync(async () => await AskAsync<long>("select count(*) from results.test_changes") == 0);
        Assert.Equal(0, await AskAsync<long>($"select count(distinct t.batch) from results.taken t where t.batch < (select min(o.batch) from results.taken o where o.tenant_id = '{TestClients.AccountTwo}')"));
        Assert.True(await AskAsync<long>("select count(distinct t.batch) from results.taken t") >= 5);
        Assert.True(await AskAsync<long>("select max(c) from (select count(*) as c from results.taken t group by t.batch) x") <= 1_000);
        await ExecuteAsync("drop trigger note_taken on results.test_changes; drop function results.note_taken(); drop table results.taken");
    }

    /// <summary>Rows as a node of the version before leaves them, which knows no totals of task groups: of all sessions, or of one that it counts later.</summary>
    [Fact]
    public async Task What_nodes_of_the_version_before_have_counted_is_counted_again()
    {
        var (test, task) = (Guid.NewGuid(), Guid.NewGuid());
        var sessions = new[] { 20, 40 }.Select(score => TestData.Interaction(test: test).WithScore(Group, score).WithAnswer(Answers.Nps(9), task).Completed()).ToList();
        foreach (var session in sessions)
            await own.Http.RecordAsync(session);
        await ScoresAsync(own.Http, test, completes: 2);
        var live = await ShownAsync();
        await using (await HoldTheCountAsync())
            await ExecuteAsync(
                $"""
                update results.test_sessions set scores = counted_scores, nps = counted_nps, counted_scores = null, counted_nps = null where test_id = '{test}';
                delete from results.test_group_totals where test_id = '{test}';
                delete from results.test_group_labels where test_id = '{test}';
                delete from results.test_nps_totals where test_id = '{test}'
                """);
        Assert.NotEqual(live, await ShownAsync());
        await RecountedAsync();
        Assert.Equal(live, await ShownAsync());

        // It counts a correction of what this version has counted.
        await using (await HoldTheCountAsync())
        {
            await own.Http.RecordAsync(sessions[0].WithScore(Group, 80, SessionBuilder.Begin.AddHours(1)));
            await ExecuteAsync(
                $"""
                update results.test_sessions set scores = jsonb_set(counted_scores, '{"{" + Group + ",score}"}', '80') where session_id = '{sessions[0].Id}';
                delete from results.test_changes
                """);
        }

        await RecountedAsync();
        Assert.Equal((2, 60m), await ScoresAsync(own.Http, test, completes: 2));
        Assert.Equal(1, await AskAsync<long>($"select count(*) from results.test_group_labels where test_id = '{test}' and sessions = 2"));

        Task RecountedAsync() => Wait.UntilAsync(async () =>
        {
            await own.Host.Services.GetRequiredService<TestTotals>().RecountOfVersionBeforeAsync(Cancelled);
            return await AskAsync<long>("select count(*) from results.test_sessions where scores <> '{}' or nps <> '{}'") == 0;
        });

        async Task<string> ShownAsync() =>
            (await own.Http.JsonAsync($"/api/v2/testResults/{test}/qxScores")).ToJsonString() + (await own.Http.JsonAsync($"/v1/studies/{test}")).ToJsonString();
    }

    /// <summary>Keeps the updater from counting until it is disposed.</summary>
    private async Task<IAsyncDisposable> HoldTheCountAsync()
    {
        var connection = await Database.OpenConnectionAsync(Cancelled);
        var transaction = await connection.BeginTransactionAsync(Cancelled);
        await using var hold = new NpgsqlCommand("select pg_advisory_xact_lock(hashtextextended('results.test_totals', 0))", connection, transaction);
        await hold.ExecuteNonQueryAsync(Cancelled);
        return connection;
    }

    private async Task<T> AskAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private static async Task<(int Completes, decimal Score)> ScoresAsync(HttpClient http, Guid test, int completes)
    {
        JsonObject scores = null!;
        await Wait.UntilAsync(async () =>
        {
            scores = await http.JsonAsync($"/api/v2/testResults/{test}/qxScores");
            return (int)scores["meta"]!["completes"]! == completes;
        });
        return (completes, (decimal)scores["qxScores"]![0]!["qxScore"]!);
    }
}
