using System.Globalization;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Common;
using ResultsEs.Http;
using ResultsEs.Media;
using ResultsEs.Sessions;
using ResultsEs.Summaries;
using ResultsEs.TestResults;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>What PostgreSQL does for each query in a database of 100,000 sessions, most of them of one test.</summary>
[Collection(FullDatabase.Name)]
public sealed class PlanTests(PlanTests.Full full)
{
    private const int Sessions = 100_000;
    private const int OfBigTest = 80_000;

    // Pages of 8 KiB. A part of the list of 25, with the lookup of its rows, takes about 100; the whole test's index has about 2,000.
    private const int FewPages = 400;

    private static readonly Guid BigTest = Guid.Parse("b1600000-0000-4000-8000-000000000000");
    private static readonly Guid Audience = Guid.Parse("b1600000-0000-4000-8000-0000000000a1");
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Caller Caller = new(TestClients.AccountOne, [TestClients.WorkspaceA, TestClients.WorkspaceB], TestClients.BothWorkspaces, []);
    private static readonly SessionFilter Complete = new() { TestId = BigTest, Statuses = [SessionStatus.Complete] };

    /// <summary>Lists whose first and last part cost the same: they are walked in the order of an index.</summary>
    public static TheoryData<string> Lists => [.. Filters.Keys];

    private static Dictionary<string, SessionFilter> Filters => new(StringComparer.Ordinal)
    {
        ["complete"] = Complete,
        ["all statuses"] = Complete with { Statuses = [SessionStatus.InProgress, SessionStatus.Complete, SessionStatus.Abandoned] },
        ["finished"] = Complete with { FinishedSince = Begin, FinishedUntil = Begin.AddDays(60) },
        ["updated"] = Complete with { UpdatedSince = Begin },
        ["audience"] = Complete with { AudienceId = Audience },
        ["task type"] = Complete with { TaskType = "NPS" },
        ["everything"] = Complete with { FinishedSince = Begin, UpdatedSince = Begin, AudienceId = Audience, TaskType = "NPS" },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task The_last_part_of_a_list_costs_what_the_first_costs(string list)
    {
        var filter = Filters[list];
        var first = await ExplainAsync(command => GetSessionResults.Build(command, Caller, filter, new Paging(25, 0, null)));
        var last = await ExplainAsync(command => GetSessionResults.Build(command, Caller, filter, new Paging(25, 0, LastBut(50, filter))));

        Assert.Equal((25, 25), (Math.Min(25, first.Rows), Math.Min(25, last.Rows)));
        foreach (var plan in new[] { first, last })
            Assert.True(plan.Unindexed.Count == 0, $"{list} reads all of {string.Join(", ", plan.Unindexed)}:\n{plan.Text}");

        // The count of a filtered list walks the index once, when a walk begins; that of all of a test's sessions never.
        Assert.True(filter.IsNarrow || first.Pages < FewPages, $"{list}: {first.Pages} pages\n{first.Text}");
        Assert.True(last.Pages < FewPages, $"{list}: {last.Pages} pages\n{last.Text}");
        Assert.True(last.RowsWalkedForPart < 200, $"{list}: {last.RowsWalkedForPart} entries walked for the last part\n{last.Text}");
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task The_last_page_of_an_export_costs_what_the_first_costs(string list)
    {
        var filter = Filters[list];
        foreach (var after in new Cursor?[] { null, LastBut(50, filter) })
        {
            var plan = await ExplainAsync(command => SessionPages.Build(command, Caller, filter, after, limit: 25));

            Assert.Equal(25, plan.Rows);
            Assert.True(plan.Unindexed.Count == 0, $"{list} reads all of {string.Join(", ", plan.Unindexed)}:\n{plan.Text}");
            Assert.True(plan.Pages < FewPages, $"{list}: {plan.Pages} pages\n{plan.Text}");
        }
    }

    [Fact]
    public async Task The_deepest_offset_looks_up_the_rows_of_its_part_alone()
    {
        var plan = await ExplainAsync(command => GetSessionResults.Build(command, Caller, Complete, new Paging(25, Paging.MaxOffset, null)));

        Assert.Empty(plan.Unindexed);
        Assert.True(plan.Pages < 1_500, $"{plan.Pages} pages\n{plan.Text}");
    }

    [Fact]
    public async Task A_list_without_any_match_looks_at_the_index_alone()
    {
        var plan = await ExplainAsync(command => GetSessionResults.Build(command, Caller, Complete with { TaskType = "FIGMA" }, new Paging(25, 0, null)));

        Assert.Empty(plan.Unindexed);
        // Of all rows none; but pages that a background service has touched since the vacuum are looked at.
        Assert.True(plan.HeapFetches < FewPages, $"{plan.HeapFetches} rows\n{plan.Text}");
    }

    [Theory]
    [InlineData(nameof(GetTestResults))]
    [InlineData(nameof(GetQxScores))]
    [InlineData(nameof(GetStudy))]
    [InlineData(nameof(SummaryReader))]
    [InlineData(nameof(GetHighlightReel))]
    [InlineData(nameof(SessionMediaQuery))]
    [InlineData(nameof(GetTranscript))]
    [InlineData(nameof(GetSessionResultV2))]
    [InlineData(nameof(GetSessionResultV3))]
    [InlineData(nameof(SessionMediaQuery), true)]
    [InlineData(nameof(GetTranscript), true)]
    [InlineData(nameof(GetSessionResultV2), true)]
    [InlineData(nameof(GetSessionResultV3), true)]
    public async Task Every_other_query_is_answered_by_indexes_and_reads_little(string query, bool comparesStreams = false)
    {
        var plan = await ExplainAsync(command =>
        {
            var (sql, more) = query switch
            {
                nameof(GetTestResults) => (GetTestResults.Sql, (object[])[Caller.Workspaces, Guid.Empty, Guid.Empty, 26, 0, 26, 500L]),
                nameof(GetQxScores) => (GetQxScores.Sql, [Caller.Workspaces, BigTest]),
                nameof(SummaryReader) => (SummaryReader.TestSql, [Caller.Workspaces, BigTest]),
                nameof(GetStudy) => (GetStudy.Sql, [Caller.Workspaces, BigTest, GetStudy.AllStatuses]),
                nameof(GetHighlightReel) => (GetHighlightReel.Sql, [Caller.Workspaces, BigTest, Guid.NewGuid()]),
                nameof(SessionMediaQuery) => (SessionMediaQuery.Query.Sql(comparesStreams), [Caller.Workspaces, Session(5)]),
                nameof(GetSessionResultV2) => (GetSessionResultV2.Query.Sql(comparesStreams), [Caller.Workspaces, Session(5)]),
                nameof(GetSessionResultV3) => (GetSessionResultV3.Query.Sql(comparesStreams), [Caller.Workspaces, Session(5)]),
                _ => (GetTranscript.Query.Sql(comparesStreams), [Caller.Workspaces, Session(5)]),
            };
            command.CommandText = sql;
            command.Parameters.Add(new NpgsqlParameter { Value = Tenant.Of(Caller.Account) });
            foreach (var value in more)
                command.Parameters.Add(new NpgsqlParameter { Value = value });
        });

        Assert.True(plan.Unindexed.Count == 0, plan.Text);
        Assert.True(plan.Pages < 200, $"{plan.Pages} pages\n{plan.Text}");
    }

    [Fact]
    public async Task A_part_of_the_tests_of_a_workspace_reads_little_wherever_it_begins()
    {
        foreach (var (after, before) in new (Cursor?, Cursor?)[] { (null, null), (Place(900), null), (null, Place(900)) })
        {
            var plan = await ExplainAsync(command => GetWorkspaceStudies.Build(command, Caller.Account, TestClients.WorkspaceA, after, before));

            Assert.Equal(GetWorkspaceStudies.PageSize, plan.Rows);
            Assert.True(plan.Unindexed.Count == 0, plan.Text);
            // Of 450 tests nearly all are defined, and passed by at three pages each.
            Assert.True(plan.Pages < 2_000, $"{plan.Pages} pages\n{plan.Text}");
        }

        static Cursor Place(int minutes) => new(Begin.AddMinutes(minutes).UtcTicks, Guid.Empty, default, 0);
    }

    [Fact]
    public async Task A_page_of_highlight_reels_reads_little_wherever_it_begins()
    {
        foreach (var paging in new Paging[] { new(5, 0, null), new(5, 0, new Cursor(Begin.AddMinutes(10_000).UtcTicks, Guid.Empty, default, 20)) })
        {
            var plan = await ExplainAsync(command => GetHighlightReels.Build(command, Caller, BigTest, paging));
            Assert.True(plan.Unindexed.Count == 0, plan.Text);
            Assert.True(plan.Pages < 200, $"{plan.Pages} pages\n{plan.Text}");
        }
    }

    private static Guid Session(int n) => Guid.Parse(string.Create(CultureInfo.InvariantCulture, $"5e550000-0000-4000-8000-{n:x12}"));

    /// <summary>The place of the list's last item but some; the fixture made session n end n minutes after the begin.</summary>
    private static Cursor LastBut(int items, SessionFilter filter)
    {
        // Every second one of the test is complete, and of those every second of the audience.
        var n = filter.UpdatedSince is null ? items * 8 : OfBigTest - (items * 8);
        return new Cursor(Begin.AddMinutes(n).UtcTicks, Session(n), default, OfBigTest);
    }

    private async Task<QueryPlan> ExplainAsync(Action<NpgsqlCommand> build)
    {
        await using var connection = await full.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        return await QueryPlan.OfAsync(connection, build);
    }

    /// <summary>A host on a database with 100,000 sessions.</summary>
    public sealed class Full : IAsyncLifetime
    {
        private readonly TempFolder _data = new();
        private IAlbaHost _host = null!;

        internal NpgsqlDataSource Database => _host.Services.GetRequiredService<NpgsqlDataSource>();

        public async ValueTask InitializeAsync()
        {
            _host = await AppFixture.StartAsync("Development", _data, TestClients.Settings(firstIndex: 1));
            await FillAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await _host.DisposeAsync();
            _data.Dispose();
        }

        private async Task FillAsync()
        {
            await using var command = Database.CreateCommand(
                """
                insert into results.mt_doc_session_result_2
                  (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type, workspace_id, test_id, status, audience_id, start_time, listed_at, task_types, lag)
                select
                  $1, s.id,
                  jsonb_build_object('id', s.id, 'body', jsonb_build_object('sessionId', s.id, 'tasks', '[]'::jsonb, 'more', repeat('x', 500)), 'fold', jsonb_build_object(
                    'tasks', '[]'::jsonb, 'taskGroups', '[]'::jsonb,
                    'transcribed', jsonb_build_object('by', s.id),
                    'media', jsonb_build_object('clips', '[]'::jsonb))),
                  $2::timestamptz + n * interval '1 minute', 1, 'x',
                  case when n % 10 = 8 then $4::uuid else $3::uuid end,
                  case when n <= $6 then $5::uuid else ('b1600000-0000-4000-8000-' || lpad(to_hex(n % 500 + 1), 12, '0'))::uuid end,
                  case when n % 2 = 0 then 'Complete' when n % 4 = 1 then 'Abandoned' else 'InProgress' end,
                  case when n % 4 = 0 then $7::uuid end,
                  $2::timestamptz, $2::timestamptz + n * interval '1 minute',
                  case when n % 3 = 0 then '|NPS|' else '|NPS|WRITTEN|' end, 0
                from (select g as n, ('5e550000-0000-4000-8000-' || lpad(to_hex(g), 12, '0'))::uuid as id from generate_series(1, $8) g) s
                """);
            command.CommandTimeout = 300;
            foreach (var value in new object[] { Tenant.Of(TestClients.AccountOne), Begin, TestClients.WorkspaceA, TestClients.WorkspaceB, BigTest, OfBigTest, Audience, Sessions })
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            Assert.Equal(Sessions, await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));

            await using var others = Database.CreateCommand(
                """
                insert into results.mt_streams (tenant_id, id, type, version) select d.tenant_id, d.id, 'session_result', 1 from results.mt_doc_session_result_2 d;
                insert into results.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, mt_dotnet_type)
                select nextval('results.mt_events_sequence'), d.id, d.id, 1, '{}', 'results.SessionTranscribed.v1', now(), d.tenant_id, 'x' from results.mt_doc_session_result_2 d;
                insert into results.mt_doc_highlight_reel (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type, published_at, workspace_id, test_id)
                select d.tenant_id, d.id, '{}', now(), 1, 'x', d.listed_at, d.workspace_id, ('b1600000-0000-4000-8000-' || lpad(to_hex(row_number() over () % 1000), 12, '0'))::uuid
                from results.mt_doc_session_result_2 d limit 20000;
                insert into results.mt_doc_test_definition (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type, workspace_id, ordered_at, title, product_type)
                select d.tenant_id, ('b1600000-0000-4000-8000-' || lpad(to_hex(row_number() over ()), 12, '0'))::uuid, '{}', now(), 1, 'x', d.workspace_id, d.listed_at, 'Title', 'Survey'
                from results.mt_doc_session_result_2 d limit 2000;
                """);
            await others.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

            await using var tell = Database.CreateCommand("insert into results.test_changes (tenant_id, session_id) select tenant_id, id from results.mt_doc_session_result_2");
            await tell.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await Wait.UntilAsync(async () =>
            {
                await using var waiting = Database.CreateCommand("select not exists (select 1 from results.test_changes)");
                return (bool)(await waiting.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            });
            await VacuumAsync("mt_doc_session_result_2", "mt_doc_highlight_reel", "mt_doc_test_definition", "test_sessions", "test_totals", "test_changes", "mt_events");
        }

        /// <summary>Makes tables look as they do when nobody has written for a while.</summary>
        internal async Task VacuumAsync(params string[] tables) =>
            // Again where a background service's transaction kept what it might still have seen.
            await Wait.UntilAsync(async () =>
            {
                await using var vacuum = Database.CreateCommand($"vacuum analyze {string.Join(", ", tables.Select(table => $"results.{table}"))}");
                await vacuum.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
                await using var isClean = Database.CreateCommand("select bool_and(10 * c.relallvisible >= 9 * c.relpages) from unnest($1) t(name) join pg_class c on c.oid = ('results.' || t.name)::regclass");
                isClean.Parameters.Add(new NpgsqlParameter { Value = tables });
                return (bool)(await isClean.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            });
    }
}

/// <summary>The classes that ask one database of 100,000 sessions, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class FullDatabase : ICollectionFixture<PlanTests.Full>
{
    public const string Name = "a database of 100,000 sessions";
}
