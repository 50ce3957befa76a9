using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>Copies that are kept by <c>updatedSince</c>: what the answers say of time is the database's, and nothing is lost.</summary>
public sealed class ChangesTests(OwnHost own) : IClassFixture<OwnHost>
{
    private const string All = "status=COMPLETE&status=ABANDONED&status=IN_PROGRESS";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private HttpClient Http => own.Http;

    private string Database => own.Host.Services.GetRequiredService<IConfiguration>()[AppFixture.ConnectionString]!;

    /// <summary>A writer has taken its time, and commits behind one that began later and that a reader has seen.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_commits_late_behind_others_is_found_by_the_next_walk(bool isExport)
    {
        var test = Guid.NewGuid();
        var (late, early) = (TestData.Session(test: test), TestData.Session(test: test));
        await Http.RecordAsync(late);
        await Http.RecordAsync(early);
        await using (await HoldAsync(late.Id))
        {
            var recording = Http.RecordAsync(late.Completed());
            await UntilHeldAsync();
            await Http.RecordAsync(early.Completed());

            var first = await WalkAsync(Http, isExport, test, since: null);
            Assert.Equal(2, first.Sessions.Count);
            Assert.Equal(["IN_PROGRESS", "COMPLETE"], new[] { late, early }.Select(session => (string)first.Sessions.Last(shown => Id(shown) == session.Id)["status"]!));
            await ReleaseAsync();
            await recording;

            var next = await WalkAsync(Http, isExport, test, first.AsOf);
            var found = next.Sessions.Single(shown => Id(shown) == late.Id);
            Assert.Equal("COMPLETE", (string)found["status"]!);
            // By the greatest time that the reader had seen it would be lost.
            Assert.True(first.AsOf <= Updated(found) && Updated(found) < first.Sessions.Max(Updated), $"{first.AsOf:O} {found}");
        }
    }

    [Fact]
    public async Task Times_are_the_databases_whatever_the_clock_of_the_node_says()
    {
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync(
            "Development", data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, Database)],
            services => services.AddSingleton<TimeProvider>(new Ahead(TimeSpan.FromHours(1))));
        using var http = await AppFixture.ClientAsync(host);
        Assert.True(host.Services.GetRequiredService<TimeProvider>().GetUtcNow() > DateTimeOffset.UtcNow.AddMinutes(59));
        var session = TestData.Session().Completed();

        var before = await NowAsync();
        await http.RecordAsync(session);
        var stored = await NowAsync();
        var (list, export) = (await WalkAsync(http, isExport: false, session.TestId, since: null), await WalkAsync(http, isExport: true, session.TestId, since: null));
        var after = await NowAsync();

        foreach (var walk in new[] { list, export })
        {
            Assert.InRange(Updated(walk.Sessions.Single()), before, stored);
            Assert.InRange(walk.AsOf, stored, after);
        }
    }

    /// <summary>Without writers a walk that begins where the last one stood is empty: no margin is repeated.</summary>
    [Fact]
    public async Task Nothing_comes_again_where_nobody_writes()
    {
        var session = TestData.Session().Completed();
        await Http.RecordAsync(session);
        var first = await WalkAsync(Http, isExport: false, session.TestId, since: null);
        // Times are told in milliseconds.
        await Wait.UntilAsync(async () => (first = await WalkAsync(Http, isExport: false, session.TestId, since: null)).AsOf > first.Sessions.Max(Updated));

        Assert.Empty((await WalkAsync(Http, isExport: false, session.TestId, first.AsOf)).Sessions);
        Assert.Empty((await WalkAsync(Http, isExport: true, session.TestId, first.AsOf)).Sessions);
    }

    [Fact]
    public async Task A_session_comes_twice_in_a_walk_when_it_changes_behind_its_place_and_only_then()
    {
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 5).Select(_ => TestData.Session(test: test)).ToList();
        foreach (var session in sessions)
            await Http.RecordAsync(session);

        var list = $"/api/v2/sessionResults?testId={test}&{All}&updatedSince=2026-01-01T00:00:00Z&limit=2";
        var parts = new List<JsonObject> { await Http.JsonAsync(list) };
        // The first was shown, the fourth is still to come.
        await Http.RecordAsync(sessions[0].WithAnswer(Answers.Nps(1)));
        await Http.RecordAsync(sessions[3].WithAnswer(Answers.Nps(1)));
        while ((string?)parts[^1]["meta"]!["pagination"]!["nextCursor"] is { } cursor)
            parts.Add(await Http.JsonAsync($"{list}&cursor={cursor}"));

        Assert.Equal(
            new[] { 0, 1, 2, 4, 0, 3 }.Select(n => sessions[n].Id),
            parts.SelectMany(part => part["sessions"]!.AsArray()).Select(session => Id(session!)));
        // All parts are of the walk's begin, so the next walk has what changed since.
        var asOf = parts.Select(part => (string)part["meta"]!["asOf"]!).Distinct(StringComparer.Ordinal).Single();
        var next = await WalkAsync(Http, isExport: true, test, DateTimeOffset.Parse(asOf, CultureInfo.InvariantCulture));
        Assert.Equal([sessions[0].Id, sessions[3].Id], next.Sessions.Select(Id));
    }

    [Fact]
    public async Task A_cursor_from_before_there_was_an_asOf_goes_on_without_it()
    {
        var test = Guid.NewGuid();
        foreach (var _ in Enumerable.Range(0, 2))
            await Http.RecordAsync(TestData.Session(test: test).Completed());
        var list = $"/api/v2/sessionResults?testId={test}&limit=1";
        var cursor = Convert.FromBase64String(((string)(await Http.JsonAsync(list))["meta"]!["pagination"]!["nextCursor"]!).Replace('-', '+').Replace('_', '/') + "=");
        cursor[0] = 1;

        var rest = await Http.JsonAsync($"{list}&cursor={Convert.ToBase64String(cursor[..57]).Replace('+', '-').Replace('/', '_')}");
        Assert.Single(rest["sessions"]!.AsArray());
        Assert.False(rest["meta"]!.AsObject().ContainsKey("asOf"));
    }

    /// <summary>
    /// A node of another version stored an event, and left our document behind. Readers see it when the document is folded again, which
    /// is later than the event was stored: it must be a change of then.
    /// </summary>
    [Fact]
    public async Task What_another_version_has_written_changes_when_it_can_be_seen()
    {
        var session = TestData.Session().WithAnswer(Answers.Nps(3));
        await Http.RecordAsync(session);
        // Who counts a session has its document catch up.
        await Wait.UntilAsync(async () => await AskAsync($"select count(*) from results.test_changes where session_id = '{session.Id}'") is 0L);
        await ExecuteAsync($"update {SessionResultTable.Name} set mt_version = mt_version - 1, data = data #- '{{body,tasks,0}}' #- '{{fold,tasks,0}}' where id = '{session.Id}'");
        var first = await WalkAsync(Http, isExport: false, session.TestId, since: null);
        Assert.True(Updated(first.Sessions.Single()) <= first.AsOf);

        var (exitCode, output, errors) = await ServiceProcess.RunAsync(
            ["verify", "all", "--repair"], ("ASPNETCORE_ENVIRONMENT", "Production"), ("ConnectionStrings__results", Database), (DataFolder.Variable, Path.GetTempPath()));
        Assert.True(exitCode == 0, output + errors);
        var next = await WalkAsync(Http, isExport: true, session.TestId, first.AsOf);
        Assert.Single(next.Sessions.Single()["tasks"]!.AsArray());
    }

    /// <summary>Writers, some of whom are slow to commit, and readers who follow them by lists and exports and know nothing else.</summary>
    [Fact]
    public async Task Copies_that_follow_the_recipe_hold_everything_whatever_is_written_meanwhile()
    {
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 12).Select(_ => TestData.Session(test: test)).ToList();
        foreach (var session in sessions)
            await Http.RecordAsync(session);
        await ExecuteAsync(
            """
            create function results.dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(random() * 0.05); return new; end $$;
            create trigger dawdle before insert on results.mt_events for each row execute function results.dawdle();
            """);
        using var stop = new CancellationTokenSource();
        try
        {
            using var data = new TempFolder();
            await using var other = await AppFixture.StartAsync("Development", data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, Database)]);
            using var toOther = await AppFixture.ClientAsync(other);
            var followers = new[] { (Http, false), (toOther, true) }.Select(follower => FollowAsync(follower.Item1, follower.Item2, test, stop.Token)).ToList();
            var began = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => Task.Run(async () =>
            {
                var http = writer % 2 == 0 ? Http : toOther;
                for (var n = 0; Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(4); n++)
                {
                    // Two writers a session, by both nodes.
                    var one = TestData.SessionOnly(sessions[(writer / 2 * 4) + (n % 4)].Id, test).WithAnswer(Answers.Nps(n % 11), time: SessionBuilder.Begin.AddSeconds(n));
                    await http.RecordAsync(one);
                }
            })));
            await stop.CancelAsync();

            foreach (var follower in followers)
            {
                var (copy, walks) = await follower;
                Assert.True(walks > 5, $"{walks} walks");
                foreach (var session in sessions)
                {
                    var result = await Http.ResultAsync(session.Id);
                    var kept = copy[session.Id];
                    // Of the list, that the copy knows of the last change; of the export, all of it.
                    if (kept.ContainsKey("tasks"))
                        Assert.Equal(result["tasks"]!.AsArray().Count, kept["tasks"]!.AsArray().Count);
                    Assert.Equal(await LastChangeAsync(session.Id), Updated(kept));
                }
            }
        }
        finally
        {
            await ExecuteAsync("drop trigger dawdle on results.mt_events; drop function results.dawdle()");
        }
    }

    private static async Task<(IReadOnlyDictionary<Guid, JsonObject> Copy, int Walks)> FollowAsync(HttpClient http, bool isExport, Guid test, CancellationToken stop)
    {
        var copy = new ConcurrentDictionary<Guid, JsonObject>();
        DateTimeOffset? since = null;
        for (var walks = 1; ; walks++)
        {
            var isLast = stop.IsCancellationRequested;
            var walk = await WalkAsync(http, isExport, test, since);
            foreach (var session in walk.Sessions)
                copy.AddOrUpdate(Id(session), session, (_, kept) => Updated(session) >= Updated(kept) ? session : kept);
            since = walk.AsOf;
            if (isLast)
                return (copy, walks);
        }
    }

    /// <summary>All sessions of a walk, and what it says of the next.</summary>
    private static async Task<(DateTimeOffset AsOf, IReadOnlyList<JsonObject> Sessions)> WalkAsync(HttpClient http, bool isExport, Guid test, DateTimeOffset? since)
    {
        var query = All + (since is { } time ? $"&updatedSince={time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}" : "");
        if (isExport)
        {
            using var answer = await http.ReadAsync(ExportTests.Path(test, query));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var lines = ExportTests.Lines(await answer.Content.ReadAsByteArrayAsync(Cancelled));
            return (Time(answer.Headers.GetValues("x-as-of").Single()), [.. lines.Select(line => JsonNode.Parse(line)!.AsObject())]);
        }

        var sessions = new List<JsonObject>();
        JsonObject page;
        var list = $"/api/v2/sessionResults?testId={test}&{query}&limit=3";
        string? cursor = null;
        do
        {
            page = await http.JsonAsync(cursor is null ? list : $"{list}&cursor={cursor}");
            sessions.AddRange(page["sessions"]!.AsArray().Select(session => session!.AsObject()));
            cursor = (string?)page["meta"]!["pagination"]!["nextCursor"];
        }
        while (cursor is not null);
        return (Time((string)page["meta"]!["asOf"]!), sessions);
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.ParseExact(text, "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static Guid Id(JsonNode session) => (Guid)session["sessionId"]!;

    private static DateTimeOffset Updated(JsonNode session) => Time((string)session["updatedTime"]!);

    private async Task<DateTimeOffset> LastChangeAsync(Guid session) =>
        new((DateTime)(await AskAsync($"select date_trunc('milliseconds', mt_last_modified) from {SessionResultTable.Name} where id = '{session}'"))!);

    private async Task<DateTimeOffset> NowAsync() => new((DateTime)(await AskAsync("select date_trunc('milliseconds', clock_timestamp())"))!);

    /// <summary>Holds back whoever stores an event of this session, behind the locks and its time.</summary>
    private async Task<Held> HoldAsync(Guid session)
    {
        await ExecuteAsync(
            $"""
            create function results.hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(4712); return new; end $$;
            create trigger hold before insert on results.mt_events for each row when (new.stream_id = '{session}') execute function results.hold();
            """);
        _holder = await own.Host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled);
        await using var command = new NpgsqlCommand("select pg_advisory_lock(4712)", _holder);
        await command.ExecuteNonQueryAsync(Cancelled);
        return new Held(this);
    }

    private NpgsqlConnection? _holder;

    private Task UntilHeldAsync() => Wait.UntilAsync(async () =>
        (bool)(await AskAsync("select exists (select 1 from pg_locks where locktype = 'advisory' and objid = 4712 and not granted)"))!);

    private async Task ReleaseAsync()
    {
        await using var command = new NpgsqlCommand("select pg_advisory_unlock_all()", _holder);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private async Task<object?> AskAsync(string sql)
    {
        await using var command = own.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancelled);
    }

    private Task ExecuteAsync(string sql) => AskAsync(sql);

    /// <summary>Removes what holds back.</summary>
    private sealed class Held(ChangesTests tests) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await tests.ReleaseAsync();
            await tests._holder!.DisposeAsync();
            await tests.ExecuteAsync("drop trigger hold on results.mt_events; drop function results.hold()");
        }
    }

    /// <summary>A clock that is ahead, and goes as fast.</summary>
    private sealed class Ahead(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
