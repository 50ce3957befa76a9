using System.Net;
using System.Text.Json.Nodes;
using Marten;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using ResultsEs.Changes;
using ResultsEs.Common;
using ResultsEs.Contracts;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Changes;

/// <summary>What operators, other programs and the passing of time do to the feed of changes.</summary>
public sealed class ChangeOperationsTests(OwnHost own) : IClassFixture<OwnHost>
{
    private static readonly string Account = TestClients.AccountOne.ToString();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private HttpClient Http => own.Http;

    private IServiceProvider Services => own.Host.Services;

    private string Database => Services.GetRequiredService<IConfiguration>()[AppFixture.ConnectionString]!;

    /// <summary>A writer has its number and has not committed, while one that came later has.</summary>
    [Fact]
    public async Task A_later_change_is_not_shown_before_an_earlier_one_that_is_still_uncommitted()
    {
        var test = Guid.NewGuid();
        var (slow, quick) = (TestData.Session(test: test), TestData.Session(test: test));
        var follower = new Follower(test);
        await Http.RecordAsync(slow);
        await Http.RecordAsync(quick);
        await follower.CatchUpAsync(Http);
        await ExecuteAsync(
            $"""
            create function results.hold_change() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4713); return null; end $$;
            create trigger hold_change after update on results.session_changes for each row when (new.session_id = '{slow.Id}') execute function results.hold_change();
            """);
        await using (var holder = await Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled))
        {
            await holder.ExecuteAsync("select pg_advisory_lock(4713)", [], Cancelled);
            var recording = Http.RecordAsync(slow.Completed());
            await Wait.UntilAsync(async () => await AskAsync<bool>("select exists (select 1 from pg_locks where locktype = 'advisory' and objid = 4713 and not granted)"));
            await Http.RecordAsync(quick.Completed());
            Assert.Equal("COMPLETE", (string)(await Http.ResultAsync(quick.Id))["status"]!);

            Assert.Empty(await follower.CatchUpAsync(Http));
            var waiting = follower.ReadAsync(Http, wait: 60);
            await holder.ExecuteAsync("select pg_advisory_unlock_all()", [], Cancelled);
            await recording;
            await waiting;
            await follower.CatchUpAsync(Http);
        }

        Assert.Equal([slow.Id, quick.Id], follower.Seen[2..].Select(change => (Guid)change["sessionId"]!));
        await ExecuteAsync("drop trigger hold_change on results.session_changes; drop function results.hold_change()");
    }

    [Fact]
    public async Task What_is_erased_goes_and_comes_again_masked()
    {
        using var privacy = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var session = TestData.Session().WithAnswer(Answers.Written("dear me")).Completed();
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        await follower.CatchUpAsync(Http);

        using var erased = await privacy.DeleteAsync(new Uri($"/api/v2/sessions/{session.Id}", UriKind.Relative), Cancelled);
        Assert.True(erased.IsSuccessStatusCode);
        var changes = await follower.CatchUpAsync(Http);

        Assert.Equal([("removed", "erased", session.Id), ("upserted", null, session.Id)], changes.Select(Follower.Short));
        Assert.True(JsonNode.DeepEquals(await Http.ResultAsync(session.Id), Assert.Single(follower.Copy).Value));
        Assert.DoesNotContain("dear me", follower.Copy.Values.Single().ToJsonString(), StringComparison.Ordinal);
    }

    /// <summary>Retention removes a session, and later the feed forgets that it did.</summary>
    [Fact]
    public async Task What_is_kept_no_longer_goes_and_cursors_from_before_are_gone_once_that_is_forgotten()
    {
        var test = Guid.NewGuid();
        var (old, kept) = (TestData.Session(test: test), TestData.Session(test: test));
        var (early, first) = (new Follower(test), new Follower(test, limit: 1));
        await Http.RecordAsync(old);
        await Http.RecordAsync(kept);
        await early.CatchUpAsync(Http);
        var stale = early.Cursor;

        Assert.True(await Services.GetRequiredService<StreamRemoval>().RemoveAsync(
            SessionResultTable.Documents, new StreamKey(Account, old.Id), DateTime.UtcNow.AddDays(1), Guid.NewGuid(), Cancelled));
        Assert.Equal([("removed", "expired", old.Id)], (await early.CatchUpAsync(Http)).Select(Follower.Short));
        Assert.Equal([kept.Id], early.Copy.Keys.Select(key => key.Session));
        // Who begins after that needs no removal, also while he is on his way.
        var whole = new Follower(limit: 1);
        await whole.ReadAsync(Http);

        await ExecuteAsync($"update results.session_changes set changed_at = now() - interval '2 days' where session_id = '{old.Id}'");
        await Keeper(new ChangesOptions { KeepRemovedDays = 1 }).KeepUntilAsync(
            async () => await AskAsync<bool>($"select not exists (select 1 from results.session_changes where session_id = '{old.Id}')"));

        using var gone = await Http.ReadAsync($"/api/v3/changes?after={stale}");
        Assert.Equal(
            "What was removed after this cursor is kept no longer, so a copy would keep what went. Begin anew: ask without after, and drop from the copy what has not come by the time isAtEnd is true.",
            (string?)(await gone.ProblemAsync(HttpStatusCode.Gone))["detail"]);
        using var stream = await Http.ReadAsync($"/api/v3/changes/stream?after={stale}");
        await stream.ProblemAsync(HttpStatusCode.Gone);
        Assert.Empty(await early.CatchUpAsync(Http));
        await whole.CatchUpAsync(Http);
        await first.CatchUpAsync(Http);
        Assert.Equal([kept.Id], first.Copy.Keys.Select(key => key.Session));
    }

    /// <summary>A node of a version without the feed appends beside this one, and its sessions have no rows.</summary>
    [Fact]
    public async Task What_a_version_without_the_feed_writes_comes_a_little_later()
    {
        var session = TestData.Session();
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        await follower.CatchUpAsync(Http);
        var keeper = Keeper();
        // Nobody compares before it is so.
        AdvisoryLock? held = null;
        await Wait.UntilAsync(async () => (held = await AdvisoryLock.TryHoldAsync(Services.GetRequiredService<NpgsqlDataSource>(), ChangeKeeper.LockName, Cancelled)) is not null);
        var before = await AskAsync<string>($"select to_jsonb(c)::text from results.session_changes c where c.session_id = '{session.Id}'");
        var other = TestData.Session(test: session.TestId);
        await Http.RecordAsync(session.WithAnswer(Answers.Nps(9)));
        await Http.RecordAsync(other);
        // As if neither had been noted.
        await ExecuteAsync(
            $"""
            delete from results.session_changes c where c.session_id in ('{session.Id}', '{other.Id}');
            insert into results.session_changes select * from jsonb_populate_record(null::results.session_changes, '{before}');
            """);
        Assert.Empty(await follower.CatchUpAsync(Http));
        await held!.DisposeAsync();

        await keeper.KeepUntilAsync(async () =>
        {
            await follower.CatchUpAsync(Http);
            return follower.Seen.Count >= 3;
        });
        Assert.Equal(new[] { session.Id, other.Id }.Order(), follower.Seen[1..].Select(change => (Guid)change["sessionId"]!).Order());
        Assert.Equal(2, (int)follower.Seen[1..].Single(change => (Guid)change["sessionId"]! == session.Id)["version"]!);
    }

    /// <summary>
    /// A node of a version without the feed removes and erases beside this one: neither is an event, and nobody notes it.
    /// </summary>
    [Fact]
    public async Task What_a_version_without_the_feed_removes_and_erases_comes_a_little_later()
    {
        using var privacy = await AppFixture.ClientAsync(own.Host, TestClients.Privacy);
        var test = Guid.NewGuid();
        var (removed, erased, other) = (TestData.Session(test: test), TestData.Session(test: test).WithAnswer(Answers.Written("dear me")), TestData.Session(test: test));
        var follower = new Follower(test);
        foreach (var session in new[] { removed, erased, other })
            await Http.RecordAsync(session);
        await follower.CatchUpAsync(Http);
        AdvisoryLock? held = null;
        await Wait.UntilAsync(async () => (held = await AdvisoryLock.TryHoldAsync(Services.GetRequiredService<NpgsqlDataSource>(), ChangeKeeper.LockName, Cancelled)) is not null);
        var before = await AskAsync<string>($"select jsonb_agg(to_jsonb(c))::text from results.session_changes c where c.session_id in ('{removed.Id}', '{erased.Id}')");
        Assert.True(await Services.GetRequiredService<StreamRemoval>().RemoveAsync(
            SessionResultTable.Documents, new StreamKey(Account, removed.Id), DateTime.UtcNow.AddDays(1), Guid.NewGuid(), Cancelled));
        using (var answer = await privacy.DeleteAsync(new Uri($"/api/v2/sessions/{erased.Id}", UriKind.Relative), Cancelled))
            Assert.True(answer.IsSuccessStatusCode);
        // As if neither had been noted.
        await ExecuteAsync(
            $"""
            delete from results.session_changes c where c.session_id in ('{removed.Id}', '{erased.Id}');
            insert into results.session_changes select * from jsonb_populate_recordset(null::results.session_changes, '{before}');
            """);
        Assert.Empty(await follower.CatchUpAsync(Http));
        await held!.DisposeAsync();

        var keeper = Keeper();
        var came = new List<JsonObject>();
        await keeper.KeepUntilAsync(async () =>
        {
            came.AddRange(await follower.CatchUpAsync(Http));
            return came.Count >= 3;
        });
        Assert.Equal(
            new[] { ("removed", "expired", removed.Id), ("removed", "erased", erased.Id), ("upserted", null, erased.Id) }.OrderBy(one => one.ToString(), StringComparer.Ordinal),
            came.Select(Follower.Short).OrderBy(one => one.ToString(), StringComparer.Ordinal));
        Assert.Equal(new[] { erased.Id, other.Id }.Order(), follower.Copy.Keys.Select(key => key.Session).Order());
        Assert.DoesNotContain(follower.Copy.Values, copy => copy.ToJsonString().Contains("dear me", StringComparison.Ordinal));

        // That it looks again tells nothing again.
        for (var i = 0; i < 3; i++)
            await keeper.KeepAsync(Cancelled);
        Assert.Empty(await follower.CatchUpAsync(Http));
    }

    [Fact]
    public async Task What_a_plain_session_of_Martens_appends_comes()
    {
        var session = TestData.Session();
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        await follower.CatchUpAsync(Http);
        await using (var plain = Services.GetRequiredService<IDocumentStore>().LightweightSession(Account))
        {
            var stream = await plain.Events.FetchForExclusiveWriting<SessionResult>(session.Id, Cancelled);
            stream.AppendOne(new SessionCompleted { FinishedAt = SessionBuilder.Begin.AddHours(1) });
            await plain.SaveChangesAsync(Cancelled);
        }

        var change = Assert.Single(await follower.CatchUpAsync(Http));
        Assert.Equal(("COMPLETE", 2), ((string)change["status"]!, (int)change["version"]!));
    }

    [Fact]
    public async Task A_rebuild_changes_no_cursor_and_is_no_change_and_a_repair_is_one()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(9));
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        await follower.CatchUpAsync(Http);
        await RunAsync("rebuild", "session-results");
        Assert.Empty(await follower.CatchUpAsync(Http));

        await ExecuteAsync($"update {SessionResultTable.Name} set data = data #- '{{body,tasks,0}}' where id = '{session.Id}'");
        await RunAsync("verify", "all", "--repair");
        var change = Assert.Single(await follower.CatchUpAsync(Http));
        Assert.Single(change["session"]!["tasks"]!.AsArray());
    }

    /// <summary>An upgrade of a database that has sessions, and a cursor that outlives the node that gave it.</summary>
    [Fact]
    public async Task Sessions_from_before_the_feed_are_filled_in_and_a_node_says_until_when()
    {
        var sessions = Enumerable.Range(0, 3).Select(_ => TestData.Session(TestClients.WorkspaceOfTwo)).ToList();
        using var two = await AppFixture.ClientAsync(own.Host, TestClients.OtherAccount);
        foreach (var session in sessions)
            await two.RecordAsync(session);
        // The walk of all sessions has come as far as to the others' account.
        await ExecuteAsync(
            $"""
            delete from results.session_changes where tenant_id = '{TestClients.AccountTwo}';
            update results.change_state set is_filled = false, filled_account = '{Account}', filled_session = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
            """);
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync(
            "Development", data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, Database)],
            services => services.Remove(services.Single(service => service.ImplementationType == typeof(ChangeKeeper))));
        using var http = await AppFixture.ClientAsync(host, TestClients.OtherAccount);
        using (var answer = await http.ReadAsync("/api/v3/changes"))
        {
            // The other host's keeper may have filled it by now.
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                Assert.Equal(
                    "The sessions that are older than the feed are being filled in. Ask again later.",
                    (string?)(await answer.ProblemAsync(HttpStatusCode.ServiceUnavailable))["detail"]);
                Assert.NotNull(answer.Headers.RetryAfter);
            }
        }

        await Keeper().KeepUntilAsync(async () => await AskAsync<bool>("select is_filled from results.change_state"));
        var follower = new Follower();
        await follower.CatchUpAsync(http);
        Assert.Superset(sessions.Select(session => session.Id).ToHashSet(), follower.Seen.Select(change => (Guid)change["sessionId"]!).ToHashSet());
        Assert.Empty(await follower.CatchUpAsync(two));
    }

    /// <summary>A standby that took over may have lost the last numbers of the sequence.</summary>
    [Fact]
    public async Task Positions_go_on_behind_all_earlier_ones_when_the_database_has_another_timeline()
    {
        var session = TestData.Session();
        var follower = new Follower(session.TestId);
        await Http.RecordAsync(session);
        await follower.CatchUpAsync(Http);
        // As on a server that was promoted before it had the last changes.
        await ExecuteAsync("update results.change_state set timeline = timeline + 1; select setval('results.change_position', greatest(1, (select last_value from results.change_position) - 20))");

        await Http.RecordAsync(session.WithAnswer(Answers.Nps(1)));
        Assert.Equal(2, (int)Assert.Single(await follower.CatchUpAsync(Http))["version"]!);
        var position = await AskAsync<long>($"select position from results.session_changes where session_id = '{session.Id}'");
        await Keeper().KeepUntilAsync(async () => await AskAsync<int>("select count(*)::int from results.change_state where timeline = 1") == 1);
        await Http.RecordAsync(session.WithAnswer(Answers.Nps(2)));
        Assert.Equal(3, (int)Assert.Single(await follower.CatchUpAsync(Http))["version"]!);
        Assert.InRange(await AskAsync<long>($"select position from results.session_changes where session_id = '{session.Id}'"), position + 1, position + 1_000);
    }

    [Fact]
    public void What_is_wrong_with_the_settings_is_named()
    {
        Assert.Equal(["Changes:KeepRemovedDays must be from 1 to 3650."], ChangesOptions.Problems(new() { KeepRemovedDays = 0 }));
        Assert.Empty(ChangesOptions.Problems(new()));
    }

    private ChangeKeeper Keeper(ChangesOptions? options = null) => ActivatorUtilities.CreateInstance<ChangeKeeper>(Services, Options.Create(options ?? new ChangesOptions()));

    private async Task RunAsync(params string[] arguments)
    {
        var (exitCode, output, errors) = await ServiceProcess.RunAsync(
            arguments, ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", Database), (DataFolder.Variable, Path.GetTempPath()));
        Assert.True(exitCode == 0, output + errors);
    }

    private async Task<T> AskAsync<T>(string sql)
    {
        await using var command = Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}

internal static class ChangeKeepers
{
    /// <summary>Has a keeper work until it is done; the node's own may be at it.</summary>
    public static Task KeepUntilAsync(this ChangeKeeper keeper, Func<Task<bool>> done) => Wait.UntilAsync(async () =>
    {
        await keeper.KeepAsync(TestContext.Current.CancellationToken);
        return await done();
    });
}
