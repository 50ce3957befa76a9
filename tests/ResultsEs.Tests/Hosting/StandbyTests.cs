using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.EventStore;
using ResultsEs.Tests.Faults;

namespace ResultsEs.Tests.Hosting;

/// <summary>Reads that go to a real standby, by <c>ConnectionStrings:results_standby</c>.</summary>
public sealed class StandbyTests(StandbyTests.Replicated replicated) : IClassFixture<StandbyTests.Replicated>, IAsyncLifetime
{
    private const string Standby = "ConnectionStrings:results_standby";
    private const int PerSession = 20;

    private readonly TempFolder _data = new();
    private string _name = null!;
    private NpgsqlDataSource _sql = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Primary => replicated.Cluster.ConnectionString(_name);

    private StreamingStandby Replica => replicated.Standby;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(replicated.Binaries is null, "These tests run the PostgreSQL of this machine and copy it with its pg_basebackup, and there are not both.");
        _name = await replicated.CreateDatabaseAsync();
        _sql = NpgsqlDataSource.Create(Primary);
    }

    public async ValueTask DisposeAsync()
    {
        if (_sql is not null)
            await _sql.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task Each_read_is_answered_by_the_standby_and_by_the_primary_while_the_standby_is_too_far_behind()
    {
        await using var host = await HostAsync(Replica.ConnectionString(_name), ("Reads:MaxLagSeconds", "20"));
        using var http = await AppFixture.ClientAsync(host);
        var (before, during, after) = (new Everything(), new Everything(), new Everything());
        await before.RecordAsync(http);
        await IsAsync(host.Services, "Healthy");
        await Wait.UntilAsync(async () => (await before.MissingAsync(http)).Count == 0);

        await Replica.PauseAsync();
        await during.RecordAsync(http);
        Assert.Equal(1L, await AskAsync($"select count(*) from results.mt_doc_session_result_2 where id = '{during.Session}'"));
        await Wait.UntilAsync(async () => (await during.MissingAsync(http)).Count == during.Paths.Count);
        Assert.Empty(await before.MissingAsync(http));

        await Wait.UntilAsync(async () => (await during.MissingAsync(http)).Count == 0);
        Assert.InRange(host.Services.GetRequiredService<ReadDatabase>().LagSeconds, 20, 100);
        Assert.Matches("^The standby is [0-9]+ s behind; the primary answers reads.$", await IsAsync(host.Services, "Degraded"));

        await Replica.ResumeAsync();
        Assert.Null(await IsAsync(host.Services, "Healthy"));
        Assert.Empty(await during.MissingAsync(http));
        await Replica.PauseAsync();
        await after.RecordAsync(http);
        await Wait.UntilAsync(async () => (await after.MissingAsync(http)).Count == after.Paths.Count);
        await Replica.ResumeAsync();
    }

    /// <summary>What a standby does not show yet is later than the time that its answers tell.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_follows_changes_goes_on_from_what_the_standby_showed(bool isExport)
    {
        await using var host = await HostAsync(Replica.ConnectionString(_name), ("Reads:MaxLagSeconds", "3600"));
        using var http = await AppFixture.ClientAsync(host);
        var test = Guid.NewGuid();
        var (seen, unseen) = (TestData.Session(test: test).Completed(), TestData.Session(test: test).Completed());
        await http.RecordAsync(seen);
        await IsAsync(host.Services, "Healthy");
        await Replica.CaughtUpAsync();

        await Replica.PauseAsync();
        await http.RecordAsync(unseen);
        // The node keeps looking at both, and the primary's clock goes on.
        await Task.Delay(1_500, Cancelled);
        var (asOf, ids) = await ChangesAsync(http, test, "2026-01-01T00:00:00Z", isExport);
        var stored = new DateTimeOffset((DateTime)(await AskAsync($"select date_trunc('milliseconds', mt_last_modified) from {SessionResultTable.Name} where id = '{unseen.Id}'"))!);
        await Replica.ResumeAsync();

        Assert.Equal([seen.Id], ids);
        Assert.True(DateTimeOffset.Parse(asOf, CultureInfo.InvariantCulture) <= stored, $"{asOf}, but the standby lacks what was stored {stored:O}");
        await Wait.UntilAsync(async () => (await ChangesAsync(http, test, asOf, isExport)).Ids.Contains(unseen.Id));
        // And it follows: later answers tell a later time.
        await Wait.UntilAsync(async () => string.CompareOrdinal((await ChangesAsync(http, test, asOf, isExport)).AsOf, asOf) > 0);
    }

    [Fact]
    public async Task A_walk_that_began_on_the_primary_goes_on_where_as_much_is_shown()
    {
        await using var onPrimary = await AppFixture.StartAsync("Production", _data, [.. TestClients.Settings(), new(AppFixture.ConnectionString, Primary)]);
        using var toPrimary = await AppFixture.ClientAsync(onPrimary);
        using var data = new TempFolder();
        await using var host = await AppFixture.StartAsync(
            "Production", data,
            [.. TestClients.Settings(), new(AppFixture.ConnectionString, Primary), new(Standby, Replica.ConnectionString(_name)), new("Reads:MaxLagSeconds", "3600")]);
        using var http = await AppFixture.ClientAsync(host);
        var test = Guid.NewGuid();
        var sessions = Enumerable.Range(0, 2).Select(_ => TestData.Session(test: test).Completed()).ToList();
        var list = $"/api/v2/sessionResults?testId={test}&updatedSince=2026-01-01T00:00:00Z&limit=1";
        await toPrimary.RecordAsync(sessions[0]);
        await IsAsync(host.Services, "Healthy");
        await Wait.UntilAsync(async () => (await ChangesAsync(http, test, "2026-01-01T00:00:00Z", isExport: false)).Ids.Count == 1);

        await Replica.PauseAsync();
        await toPrimary.RecordAsync(sessions[1]);
        var first = await toPrimary.JsonAsync(list);
        // The standby has nothing behind the first session.
        Assert.Single((await ChangesAsync(http, test, "2026-01-01T00:00:00Z", isExport: false)).Ids);
        var second = await http.JsonAsync($"{list}&cursor={(string)first["meta"]!["pagination"]!["nextCursor"]!}");
        await Replica.ResumeAsync();

        Assert.Equal(sessions[1].Id, (Guid)second["sessions"]!.AsArray().Single()!["sessionId"]!);
        Assert.Equal((string)first["meta"]!["asOf"]!, (string)second["meta"]!["asOf"]!);
    }

    private static async Task<(string AsOf, IReadOnlyList<Guid> Ids)> ChangesAsync(HttpClient http, Guid test, string since, bool isExport)
    {
        if (!isExport)
        {
            var list = await http.JsonAsync($"/api/v2/sessionResults?testId={test}&updatedSince={since}");
            return ((string)list["meta"]!["asOf"]!, [.. list["sessions"]!.AsArray().Select(session => (Guid)session!["sessionId"]!)]);
        }

        using var answer = await http.ReadAsync(TestResults.ExportTests.Path(test, $"updatedSince={since}"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var lines = TestResults.ExportTests.Lines(await answer.Content.ReadAsByteArrayAsync(Cancelled));
        return (answer.Headers.GetValues("x-as-of").Single(), [.. lines.Select(TestResults.ExportTests.Id)]);
    }

    [Fact]
    public async Task Clients_do_not_notice_a_standby_that_hangs_refuses_ends_its_connections_or_is_killed()
    {
        await using var wire = new CutWire(Replica.Port);
        using var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("Access__Issuer", "http://results.example/"),
            ("RateLimiting__ReadsPerMinute", "1000000"),
            ("Management__Url", Operators.AnyPort),
            ("ConnectionStrings__results_standby", Replica.ConnectionString(_name, wire.Port)),
            .. Settings,
        ]);
        await service.UntilSaysAsync("Application started");
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(http, TestClients.Reader));
        var everything = new Everything();
        await everything.RecordAsync(http);
        await IsAsync(service.Management, "Healthy");
        await Wait.UntilAsync(async () => (await everything.MissingAsync(http)).Count == 0);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var reads = 0;
        var reading = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var began = Stopwatch.GetTimestamp();
                Assert.Empty(await everything.MissingAsync(http));
                IsNoLongWait(began);
                Interlocked.Increment(ref reads);
                await Task.Delay(20, Cancelled);
            }
        })));
        await AreReadAsync();

        wire.Stall();
        Assert.Contains(await IsAsync(service.Management, "Degraded"), Unanswered);
        await ReadOnAsync();
        wire.Flow();
        await AreReadAsync();

        wire.Drop();
        Assert.Contains(await IsAsync(service.Management, "Degraded"), Unanswered);
        await ReadOnAsync();
        wire.Open();
        await AreReadAsync();

        for (var i = 0; i < 20; i++)
        {
            await Replica.AskAsync<long>(_name, "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
            await ReadOnAsync();
        }

        await AreReadAsync();

        await Replica.KillAsync();
        Assert.Contains(await IsAsync(service.Management, "Degraded"), Unanswered);
        await ReadOnAsync();
        await Replica.StartAsync();
        await AreReadAsync();

        await stop.CancelAsync();
        await reading;

        // Once that reads go there, and once that they do not: the troubles follow one another closely, and are one.
        var said = (await service.StopAsync()).Where(line => line.Contains("ResultsEs.EventStore.ReadDatabase", StringComparison.Ordinal))
            .Select(line => JsonNode.Parse(line)!).Select(line => ((string)line["LogLevel"]!, (int)line["EventId"]!));
        Assert.Equal([("Information", 113), ("Warning", 114)], said);

        async Task ReadOnAsync()
        {
            var goal = reads + 5;
            await Wait.UntilAsync(async () =>
            {
                if (reading.IsFaulted)
                    await reading;
                return reads >= goal;
            });
        }

        // Nothing but reads looks at streams there.
        async Task AreReadAsync()
        {
            await IsAsync(service.Management, "Healthy");
            var before = await LookedUpAsync();
            await Wait.UntilAsync(async () => await LookedUpAsync() > before);
        }
    }

    [Fact]
    public async Task A_rebuild_on_the_primary_is_not_noticed_by_who_reads_from_the_standby()
    {
        const int Sessions = 400;
        await using var host = await HostAsync(Replica.ConnectionString(_name));
        using var http = await AppFixture.ClientAsync(host);
        using (var content = new EventFile(Sessions, PerSession).Content())
        using (var answer = await http.SendAsync(content))
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
        await Replica.CaughtUpAsync();
        await IsAsync(host.Services, "Healthy");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var reads = 0;
        var reading = Task.WhenAll(Enumerable.Range(0, 2).Select(reader => Task.Run(() => ReadUntilAsync(reader, stop.Token))));

        // Twice: the second time somebody on the standby holds the documents, so that the switch waits there and reads wait behind it.
        await RebuildAsync();
        await using var holder = new NpgsqlConnection(Replica.ConnectionString(_name) + ";Pooling=false");
        await holder.OpenAsync(Cancelled);
        await using var held = await holder.BeginTransactionAsync(Cancelled);
        // Not a statement that reads: replay would wait for its snapshot before it comes to the switch.
        await using (var hold = new NpgsqlCommand("lock table results.mt_doc_session_result_2 in access share mode", holder))
            await hold.ExecuteNonQueryAsync(Cancelled);
        await RebuildAsync();
        // Looks wait there like reads, so that reads are not sent back while they would.
        await Wait.UntilAsync(async () => await StandbyAsync(host.Services) == ("Degraded", "The standby does not answer; the primary answers reads."));
        await ReadOnAsync();
        await holder.CloseAsync();
        await IsAsync(host.Services, "Healthy");
        var before = await LookedUpAsync();
        await Wait.UntilAsync(async () => await LookedUpAsync() > before);
        await stop.CancelAsync();
        await reading;

        async Task RebuildAsync()
        {
            var (exitCode, output, errors) = await ServiceProcess.RunAsync(["rebuild", "session-results"], [("ASPNETCORE_ENVIRONMENT", "Production"), .. Settings]);
            Assert.True(exitCode == 0, output + errors);
            await ReadOnAsync();
        }

        async Task ReadOnAsync()
        {
            var goal = reads + 20;
            await Wait.UntilAsync(async () =>
            {
                if (reading.IsFaulted)
                    await reading;
                return reads >= goal;
            });
        }

        async Task ReadUntilAsync(int reader, CancellationToken until)
        {
            for (var n = reader; !until.IsCancellationRequested; n++)
            {
                var began = Stopwatch.GetTimestamp();
                var session = EventFile.Session(n * 37 % Sessions);
                Assert.Equal(PerSession - 2, (await http.ResultAsync(session))["tasks"]!.AsArray().Count);
                Assert.Equal(PerSession - 2, (await http.ResultAsync(session, "v2"))["sessionTaskResults"]!.AsArray().Count);
                var list = await http.JsonAsync($"/api/v2/sessionResults?testId={TestClients.WorkspaceB}&limit=5&offset={n * 31 % (Sessions / 2)}");
                Assert.Equal((Sessions, 5), ((int)list["meta"]!["pagination"]!["totalCount"]!, list["sessions"]!.AsArray().Count));
                IsNoLongWait(began);
                Interlocked.Increment(ref reads);
            }
        }
    }

    [Fact]
    public async Task A_document_that_is_behind_its_stream_is_folded_on_the_primary_and_read_there()
    {
        await using var host = await HostAsync(Replica.ConnectionString(_name));
        using var http = await AppFixture.ClientAsync(host);
        var session = TestData.Session().WithAnswer(Answers.Nps(9)).WithAnswer(Answers.Nps(3));
        await http.RecordAsync(session);
        await ExecuteAsync(
            $"update results.mt_doc_session_result_2 set mt_version = mt_version - 1, lag = 1, data = data #- '{{body,tasks,1}}' #- '{{fold,tasks,1}}' where id = '{session.Id}'");
        await Replica.CaughtUpAsync();
        await Replica.PauseAsync();
        await IsAsync(host.Services, "Healthy");

        // The standby shows the document behind all the while.
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(session.Tasks, (await http.ResultAsync(session.Id))["tasks"]!.AsArray().Select(task => (Guid)task!["uuid"]!));
            Assert.Equal(session.Tasks, (await http.ResultAsync(session.Id, "v2"))["sessionTaskResults"]!.AsArray().Select(task => (Guid)task!["taskId"]!));
        }

        await IsAsync(host.Services, "Healthy");
        const string Behind = "select count(*) from results.mt_doc_session_result_2 d join results.mt_streams s on s.id = d.id where d.mt_version <> s.version";
        Assert.Equal((0L, 1L), (await AskAsync(Behind), await Replica.AskAsync<long>(_name, Behind)));
        await Replica.ResumeAsync();
    }

    [Fact]
    public async Task Who_writes_reads_it_at_once_from_a_standby_that_commits_wait_for()
    {
        var waiting = new NpgsqlConnectionStringBuilder(Primary) { Options = "-c synchronous_commit=remote_apply" };
        await using var host = await HostAsync(Replica.ConnectionString(_name), (AppFixture.ConnectionString, waiting.ConnectionString));
        using var http = await AppFixture.ClientAsync(host);
        await IsAsync(host.Services, "Healthy");
        await ExecuteAsync("alter system set synchronous_standby_names = '*'");
        try
        {
            await ExecuteAsync("select pg_reload_conf()");
            await Wait.UntilAsync(async () => (long)(await AskAsync("select count(*) from pg_stat_replication where sync_state = 'sync'"))! == 1);
            var before = await LookedUpAsync();

            for (var i = 0; i < 10; i++)
                await ReadsWhatItWritesAsync(http);

            await Wait.UntilAsync(async () => await LookedUpAsync() >= before + 50);
        }
        finally
        {
            await ExecuteAsync("alter system reset synchronous_standby_names");
            await ExecuteAsync("select pg_reload_conf()");
        }
    }

    [Fact]
    public async Task Of_several_standbys_those_answer_that_follow()
    {
        // The first is not there, and the second is no standby of this primary.
        var strings = new NpgsqlConnectionStringBuilder(Replica.ConnectionString(_name));
        using var nobody = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        var port = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        strings.Host = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port},127.0.0.1:{strings.Port}");
        strings.LoadBalanceHosts = true;
        await using var host = await HostAsync(strings.ConnectionString);
        using var http = await AppFixture.ClientAsync(host);
        await Wait.UntilAsync(async () => await StandbyAsync(host.Services) == ("Degraded", "Standby 1 of 2 does not answer; the others answer reads."));

        await Replica.PauseAsync();
        var everything = new Everything();
        await everything.RecordAsync(http);
        await Wait.UntilAsync(async () => (await everything.MissingAsync(http)).Count == everything.Paths.Count);
        await Replica.ResumeAsync();
        await Wait.UntilAsync(async () => (await everything.MissingAsync(http)).Count == 0);
    }

    [Fact]
    public async Task A_database_that_does_not_follow_the_primary_is_not_read()
    {
        // It has the tables, and nothing of the sessions.
        await using var host = await HostAsync(await TestDatabase.CreateAsync());
        using var http = await AppFixture.ClientAsync(host);
        await Wait.UntilAsync(async () => await StandbyAsync(host.Services) == ("Degraded", "The standby does not follow the primary; the primary answers reads."));

        await ReadsWhatItWritesAsync(http);
    }

    [Fact]
    public async Task A_standby_that_lacks_the_tables_is_not_read()
    {
        await using var host = await HostAsync(Replica.ConnectionString("postgres"));
        using var http = await AppFixture.ClientAsync(host);
        await Wait.UntilAsync(async () => await StandbyAsync(host.Services) == ("Degraded", "The standby lacks a table, or the right to read it; the primary answers reads."));

        await ReadsWhatItWritesAsync(http);
    }

    [Fact]
    public async Task A_standby_that_was_promoted_is_not_read_until_it_is_the_primary()
    {
        var home = ThrowAway.NewHome("standby");
        try
        {
            var promoted = await StreamingStandby.StartNewAsync(Primary, home, replicated.Binaries!);
            await using (var host = await HostAsync(promoted.ConnectionString(_name)))
            {
                using var http = await AppFixture.ClientAsync(host);
                await IsAsync(host.Services, "Healthy");
                await promoted.PromoteAsync();
                await Wait.UntilAsync(async () => await StandbyAsync(host.Services) == ("Degraded", "The standby does not follow the primary; the primary answers reads."));

                await ReadsWhatItWritesAsync(http);
            }

            await using (var host = await HostAsync(promoted.ConnectionString(_name), (AppFixture.ConnectionString, promoted.ConnectionString(_name))))
            {
                using var http = await AppFixture.ClientAsync(host);
                await IsAsync(host.Services, "Healthy");

                await ReadsWhatItWritesAsync(http);
            }
        }
        finally
        {
            ThrowAway.Remove(home);
        }
    }

    [Theory]
    [InlineData("ConnectionStrings__results_standby is not a connection string that Npgsql understands.", Standby, "Host=a;Passwort=geheim")]
    [InlineData("ConnectionStrings__results_standby is not a connection string that Npgsql understands.", Standby, "geheim")]
    [InlineData("ConnectionStrings__results_standby is not a connection string that Npgsql understands.", Standby, "Host=a;Password=geheim;Min Pool Size=5;Max Pool Size=2")]
    [InlineData("ConnectionStrings__results_standby names no host, or an empty one.", Standby, "Username=results;Password=geheim")]
    [InlineData("ConnectionStrings__results_standby names no host, or an empty one.", Standby, "Host=a,;Password=geheim")]
    [InlineData("ConnectionStrings__results has a Maximum Pool Size of 19; the service needs at least 20 connections.", "ConnectionStrings:results", "Host=a;Password=geheim;Maximum Pool Size=19")]
    [InlineData("Reads:MaxLagSeconds must be from 2 to 3600.", "Reads:MaxLagSeconds", "1")]
    [InlineData("Reads:MaxLagSeconds must be from 2 to 3600.", "Reads:MaxLagSeconds", "3601")]
    [InlineData("Reads:MaxLagSeconds must be from 2 to 3600.", "Reads:MaxLagSeconds", "half a minute")]
    public async Task A_setting_that_is_wrong_is_named_and_not_repeated(string expected, string setting, string value)
    {
        var run = await ServiceProcess.RunAsync([], [("ASPNETCORE_ENVIRONMENT", "Production"), .. Settings, (setting.Replace(":", "__", StringComparison.Ordinal), value)]);

        Assert.Equal((1, expected), (run.ExitCode, run.Errors.Trim()));
        Assert.DoesNotContain("geheim", run.Output, StringComparison.Ordinal);
    }

    // Which comes first, a look or a read.
    private static readonly string[] Unanswered =
    [
        "The standby does not answer; the primary answers reads.",
        "The standby failed to answer a read; the primary answers reads.",
    ];

    private IEnumerable<(string Name, string Value)> Settings =>
    [
        ("ConnectionStrings__results", Primary),
        (DataFolder.Variable, _data.Path),
        .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        .. ServiceProcess.ToEnvironment(Everything.Settings),
    ];

    private Task<IAlbaHost> HostAsync(string standby, params (string Key, string Value)[] settings) => AppFixture.StartAsync(
        "Production", _data,
        [
            .. TestClients.Settings(), .. Everything.Settings,
            new(AppFixture.ConnectionString, Primary), new(Standby, standby),
            .. settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value)),
        ]);

    /// <summary>Nobody waited until the driver gave up by itself, after 30 s; a standby may take five.</summary>
    private static void IsNoLongWait(long began) => Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(25));

    private static async Task ReadsWhatItWritesAsync(HttpClient http)
    {
        for (var i = 0; i < 10; i++)
        {
            var session = TestData.Session();
            await http.RecordAsync(session);
            await http.ResultAsync(session.Id);
        }
    }

    /// <summary>How many streams reads looked up on the standby.</summary>
    private async Task<long> LookedUpAsync()
    {
        var lookedUp = 0L;
        await Wait.UntilAsync(async () =>
        {
            try
            {
                lookedUp = await Replica.AskAsync<long>(_name, "select idx_scan from pg_stat_user_tables where relname = 'mt_doc_session_result_2'");
                return true;
            }
            catch (NpgsqlException)
            {
                // It is about to start.
                return false;
            }
        });
        return lookedUp;
    }

    private static Task<(string? Status, string? Detail)> StandbyAsync(IServiceProvider host) => StandbyAsync(Operators.Of(host));

    private static async Task<(string? Status, string? Detail)> StandbyAsync(Uri management)
    {
        var (status, health) = await Operators.ReadyAsync(management);
        Assert.True(status == HttpStatusCode.OK, health.ToJsonString());
        return ((string?)health["checks"]!["standby"]!["status"], (string?)health["checks"]!["standby"]!["detail"]);
    }

    private static Task<string?> IsAsync(IServiceProvider host, string status) => IsAsync(Operators.Of(host), status);

    /// <summary>Waits until the part of health is so, and gives its detail.</summary>
    private static async Task<string?> IsAsync(Uri management, string status)
    {
        string? detail = null;
        await Wait.UntilAsync(async () =>
        {
            (var now, detail) = await StandbyAsync(management);
            return now == status;
        });
        return detail;
    }

    private async Task<object?> AskAsync(string sql)
    {
        await using var command = _sql.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancelled);
    }

    private Task<object?> ExecuteAsync(string sql) => AskAsync(sql);

    /// <summary>A session of a test of its own with all that can be read of one, and where.</summary>
    private sealed class Everything
    {
        private readonly Guid _test = Guid.NewGuid();
        private readonly Guid _clip = Guid.NewGuid();
        private readonly SessionBuilder _session;
        private readonly ReelBuilder _reel;

        public Everything()
        {
            _session = TestData.Interaction(test: _test).WithAnswer(Answers.Nps(9)).Scored().Transcribed().WithVideo().WithClip(_clip).WithClipGenerated(_clip).Completed();
            _reel = TestData.Reel(_test, _clip).Generated();
            Paths =
            [
                $"/api/v2/sessionResults/{Session}",
                $"/api/v3/sessionResults/{Session}",
                $"/api/v3/sessionResults/{Session}?version=3",
                $"/api/v3/sessionResults/{Session}?asOf=2999-01-01T00:00:00Z",
                $"/api/v3/sessionResults/{Session}/events",
                $"/api/v2/sessionResults?testId={_test}",
                $"/api/v2/sessionResults/{Session}/transcript",
                $"/api/v2/sessionResults/{Session}/videoDownloadUrl",
                $"/api/v2/sessionResults/{Session}/clips",
                $"/api/v2/sessionResults/{Session}/clips/{_clip}",
                "/api/v2/testResults?limit=500",
                $"/api/v2/testResults/{_test}/highlightreels",
                $"/api/v2/testResults/{_test}/highlightreels/{_reel.Id}",
                $"/api/v2/testResults/{_test}/qxScores",
                $"/v1/workspaces/{TestClients.WorkspaceA}",
                $"/v1/studies/{_test}",
            ];
        }

        /// <summary>A store that signs, and that nobody asks.</summary>
        public static IEnumerable<KeyValuePair<string, string?>> Settings =>
            [new("ObjectStore:Bucket", "results"), new("ObjectStore:AccessKey", "key"), new("ObjectStore:SecretKey", "secret")];

        public Guid Session => _session.Id;

        /// <summary>Every endpoint that reads.</summary>
        public IReadOnlyList<string> Paths { get; }

        public async Task RecordAsync(HttpClient http)
        {
            await http.RecordAsync(_session);
            await http.RecordAsync(_reel);
        }

        /// <summary>Where it is not to be seen; an answer that is neither it nor 404 is a failure.</summary>
        public async Task<IReadOnlyList<string>> MissingAsync(HttpClient http)
        {
            var missing = new List<string>();
            foreach (var path in Paths)
            {
                using var answer = await http.ReadAsync(path);
                var text = await answer.Content.ReadAsStringAsync(Cancelled);
                Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{path}: {(int)answer.StatusCode} {text}");
                var isOfAllTests = path.StartsWith("/api/v2/testResults?", StringComparison.Ordinal) || path.StartsWith("/v1/workspaces/", StringComparison.Ordinal);
                if (answer.StatusCode == HttpStatusCode.NotFound || (isOfAllTests && !text.Contains(_test.ToString(), StringComparison.Ordinal)))
                    missing.Add(path);
            }

            return missing;
        }
    }

    /// <summary>A primary and a standby of it, for all of these tests.</summary>
    public sealed class Replicated : IAsyncLifetime
    {
        private const string Template = "template_results";

        private readonly string _home = ThrowAway.NewHome();
        private int _count;

        internal string? Binaries { get; } = StreamingStandby.FindBinaries();

        internal PostgresCluster Cluster { get; private set; } = null!;

        internal StreamingStandby Standby { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            if (Binaries is null)
                return;

            Cluster = await PostgresCluster.StartAsync(new ClusterOptions(_home, Binaries) { Tcp = true }, NullLogger.Instance, Cancelled);
            await Cluster.CreateDatabaseAsync(Template, Cancelled);
            await ServiceProcess.ApplyAsync(("ConnectionStrings__results", Cluster.ConnectionString(Template)));
            Standby = await StreamingStandby.StartNewAsync(Cluster.ConnectionString("postgres"), _home + "-standby", Binaries);
        }

        public async ValueTask DisposeAsync()
        {
            if (Cluster is not null)
                await Cluster.DisposeAsync();
            ThrowAway.Remove(_home);
        }

        /// <summary>The name of a new database with tables, on the primary and the standby.</summary>
        internal async Task<string> CreateDatabaseAsync()
        {
            await Standby.MendAsync();
            var name = string.Create(CultureInfo.InvariantCulture, $"standby_{++_count}");
            await using var connection = new NpgsqlConnection(Cluster.ConnectionString("postgres") + ";Pooling=false");
            await connection.OpenAsync(Cancelled);
            await using var create = new NpgsqlCommand($"create database {name} template {Template}", connection);
            await create.ExecuteNonQueryAsync(Cancelled);
            await Standby.CaughtUpAsync();
            return name;
        }
    }
}
