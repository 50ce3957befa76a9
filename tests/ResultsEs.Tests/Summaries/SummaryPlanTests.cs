using System.Globalization;
using Npgsql;
using ResultsEs.Common;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;
using ResultsEs.Summaries;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.TestResults;

namespace ResultsEs.Tests.Summaries;

/// <summary>
/// What PostgreSQL does for each query of summaries where a test has 100,000 sessions, in two workspaces, beside 6,000 other tests. Lists
/// read little wherever they begin; numbers are read from one index of the test's own rows.
/// </summary>
[Collection(FullDatabase.Name)]
public sealed class SummaryPlanTests(SummaryPlanTests.Filled filled) : IClassFixture<SummaryPlanTests.Filled>
{
    private const int Sessions = 100_000;
    private const int Tests = 6_000;
    private const int PageSize = 25;

    // Pages of 8 KiB. The index of the test's sessions alone has about 1,500; a row that is found by its key takes three or four.
    private const int FewPages = 600;

    // The numbers of the big test: in the one workspace with nine of ten sessions, and in the other.
    private const long Key = 1_000_000;
    private const long KeyElsewhere = 1_000_001;

    private static readonly Guid Test = Guid.Parse("51a00000-0000-4000-8000-000000000000");
    private static readonly Guid Task = Guid.Parse("51a00000-0000-4000-8000-0000000000d1");
    private static readonly Guid Written = Guid.Parse("51a00000-0000-4000-8000-0000000000d2");
    private static readonly Guid Group = Guid.Parse("51a00000-0000-4000-8000-0000000000e1");
    private static readonly Guid Audience = Guid.Parse("51a00000-0000-4000-8000-0000000000a1");
    private static readonly Guid Elsewhere = Guid.Parse("51a00000-0000-4000-8000-0000000000b2");
    private static readonly string Account = Tenant.Of(TestClients.AccountTwo);
    private static readonly Guid[] Workspaces = [TestClients.WorkspaceOfTwo, Elsewhere];
    private static readonly DateTime Begin = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static Dictionary<string, SummaryFilter> Filters => new(StringComparer.Ordinal)
    {
        ["all"] = new(),
        ["complete"] = new() { Statuses = [SessionStatus.Complete] },
        ["audience"] = new() { AudienceId = Audience },
        ["demographic and status"] = new() { Statuses = [SessionStatus.Complete, SessionStatus.Abandoned], Demographics = [("AGE", "64")] },
        ["dates"] = new() { From = new DateTimeOffset(Place(0.01)), To = new DateTimeOffset(Place(0.99)) },
    };

    public static TheoryData<string> Lists => [.. Filters.Keys];

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task A_page_of_a_tests_sessions_reads_little_wherever_it_begins(string list)
    {
        foreach (var part in new double?[] { null, 0.9, 0.5, 0.05 })
        {
            var after = part is { } place ? new Cursor(Place(place).Ticks, Guid.AllBitsSet, default, 0) : (Cursor?)null;
            var plan = await ExplainAsync(Filters[list], (command, condition) => ListTestSessions.Build(command, condition, after, PageSize));

            Assert.Equal(PageSize + 1, plan.Rows);
            IsLittle(plan, $"{list} from {part}");
        }
    }

    [Fact]
    public async Task A_filter_that_no_session_passes_walks_the_index_of_the_test_once()
    {
        var none = new SummaryFilter { Statuses = [SessionStatus.InProgress], Demographics = [("AGE", "61")] };
        var plan = await ExplainAsync(none, (command, condition) => ListTestSessions.Build(command, condition, after: null, PageSize));

        Assert.True(plan.Unindexed.Count == 0 && plan.Rows == 0 && plan.HeapFetches < FewPages && plan.Pages < 4_000, plan.Text);
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task A_page_of_answers_reads_little_wherever_it_begins(string list)
    {
        foreach (var words in new[] { null, "answer" })
        {
            foreach (var part in new double?[] { null, 0.9, 0.5, 0.05 })
            {
                var after = part is { } place ? new AnswerPlace(Place(place), Guid.AllBitsSet) : (AnswerPlace?)null;
                var query = new TaskAnswersQuery(Written, Filters[list], words, After: null, PageSize);
                var plan = await ExplainAsync(Filters[list], (command, condition) => query.Build(command, condition, after, query.FirstLooked, PageSize + 1));

                Assert.InRange(plan.Rows, PageSize + 1, PageSize + 2);
                // A session that may pass the filter is looked up by its key.
                IsLittle(plan, $"{words} {list} from {part}", few: FewPages + (4 * query.FirstLooked));
            }
        }
    }

    [Fact]
    public async Task Words_that_nobody_wrote_are_looked_for_as_far_as_one_request_may()
    {
        var query = new TaskAnswersQuery(Written, new SummaryFilter(), "never", After: null, PageSize);
        var plan = await ExplainAsync(new SummaryFilter(), (command, condition) => query.Build(command, condition, after: null, TaskAnswersQuery.MaxLooked, PageSize + 1));

        // Only the end is found.
        Assert.True(plan.Unindexed.Count == 0 && plan.Rows == 1 && plan.Pages < 3 * TaskAnswersQuery.MaxLooked, plan.Text);
    }

    [Fact]
    public async Task A_page_of_the_tests_reads_little_wherever_it_begins()
    {
        foreach (var (limit, looked, few) in new[] { (PageSize + 1, ListTests.LookedPerListed * (PageSize + 1), FewPages), (ListTests.MaxLooked, ListTests.MaxLooked, 14 * ListTests.MaxLooked) })
        {
            foreach (var n in new[] { Tests + 1, Tests / 2, 2_100 })
            {
                await using var connection = await filled.Full.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
                var plan = await QueryPlan.OfAsync(connection, command =>
                {
                    command.CommandText = ListTests.Sql;
                    command.Parameters.AddAll(Account, Workspaces, Begin.AddMinutes(n), Guid.AllBitsSet, Guid.AllBitsSet, limit, looked);
                });

                Assert.Equal(limit, plan.Rows);
                IsLittle(plan, $"{limit} tests from {n}", few);
            }
        }
    }

    public static TheoryData<string, string> Numbers => new MatrixTheoryData<string, string>(
        ["hours", "tasks", "scores", "values", "items", "durations"], ["all", "complete", "audience", "demographic and status", "dates"]);

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task Numbers_are_counted_in_one_index_of_the_tests_own_rows(string numbers, string list)
    {
        var plan = await ExplainAsync(Filters[list], (command, condition) =>
        {
            switch (numbers)
            {
                case "hours": TestNumbers.BuildHours(command, condition); break;
                case "tasks": TestNumbers.BuildTasks(command, condition); break;
                case "scores": QxNumbers.Build(command, condition); break;
                case "values": QxNumbers.BuildValues(command, condition, most: 2); break;
                case "items": TaskNumbers.BuildItems(command, condition, Task); break;
                default: TaskNumbers.BuildDurations(command, condition, Task); break;
            }
        });

        Assert.True(plan.Rows > 0 && plan.Unindexed.Count == 0, plan.Text);
        Assert.DoesNotContain(plan.WithTable, index => index.StartsWith("ux_summary_sessions", StringComparison.Ordinal) || index.StartsWith("ux_summary_tasks", StringComparison.Ordinal) || index.StartsWith("ux_summary_scores", StringComparison.Ordinal));
        Assert.True(plan.HeapFetches < FewPages && plan.Pages < 8_000, plan.Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_sessions_can_be_filtered_by_and_what_a_task_says_reads_little(bool isTask)
    {
        var plan = await ExplainAsync(new SummaryFilter(), (command, condition) =>
        {
            command.CommandText = isTask ? TaskNumbers.HeadsSql : TestNumbers.TraitsSql;
            command.Parameters.AddAll(isTask ? [condition.Tests, Task] : [condition.Tests]);
        });

        Assert.True(plan.Rows > 0, plan.Text);
        IsLittle(plan, isTask ? "heads" : "traits");
    }

    /// <summary>When the session at this part of the test's began.</summary>
    private static DateTime Place(double part) => Begin.AddSeconds(78 * (int)(part * Sessions));

    private static void IsLittle(QueryPlan plan, string what, int few = FewPages)
    {
        Assert.True(plan.Unindexed.Count == 0, $"{what} reads all of {string.Join(", ", plan.Unindexed)}:\n{plan.Text}");
        Assert.True(plan.Pages < few, $"{what}: {plan.Pages} pages\n{plan.Text}");
    }

    /// <summary>Asks as the service does.</summary>
    private async Task<QueryPlan> ExplainAsync(SummaryFilter filter, Action<NpgsqlCommand, SummaryCondition> build)
    {
        var cancelled = TestContext.Current.CancellationToken;
        await using var connection = await filled.Full.Database.OpenConnectionAsync(cancelled);
        await using var transaction = await connection.BeginTransactionAsync(cancelled);
        await SummaryReader.PrepareAsync(connection, cancelled);
        var condition = await SummaryCondition.OfAsync(connection, filter, [Key, KeyElsewhere], cancelled);
        return await QueryPlan.OfAsync(connection, command => build(command, condition));
    }

    /// <summary>The database with summaries in it, of an account that has nothing else there.</summary>
    public sealed class Filled(PlanTests.Full full) : IAsyncLifetime
    {
        internal PlanTests.Full Full => full;

        public async ValueTask InitializeAsync()
        {
            var sql = string.Create(CultureInfo.InvariantCulture, $$"""
                insert into results.summary_tests (test_key, tenant_id, workspace_id, test_id, next_item, last_stored_at)
                select {{Key}} + n, '{{Account}}', w.id, case when n < 2 then '{{Test}}' else ('51a00000-0000-4000-8000-' || lpad(to_hex(n), 12, '0')) end::uuid, 100, '2026-01-01Z'::timestamptz + n * interval '1 minute'
                from generate_series(0, {{Tests}}) n join (values (0, '{{Workspaces[0]}}'::uuid), (1, '{{Workspaces[1]}}'::uuid)) w(odd, id) on w.odd = n % 2;
                insert into results.test_totals (tenant_id, workspace_id, test_id, in_progress, complete, abandoned, qx)
                select t.tenant_id, t.workspace_id, t.test_id, 1, 2, 3, '{}' from results.summary_tests t where t.tenant_id = '{{Account}}';
                insert into results.mt_doc_test_definition (tenant_id, id, data, mt_last_modified, mt_version, mt_dotnet_type, workspace_id, ordered_at, title, product_type)
                select t.tenant_id, t.test_id, '{}', now(), 1, 'x', t.workspace_id, t.last_stored_at, 'Title', 'Survey' from results.summary_tests t where t.tenant_id = '{{Account}}' and t.test_key % 3 = 0 and t.test_id <> '{{Test}}';
                insert into results.summary_items (test_key, item, part_id, digest, kind, uses, data)
                select k.key, i.item, i.part::uuid, gen_random_uuid(), i.kind, 1, i.data
                from (values ({{Key}}), ({{KeyElsewhere}})) k(key) cross join (
                  select 1, '{{Task}}', {{(short)SummaryItemKind.Task}}, '{"text": "How likely?", "type": "NPS", "position": 0}'::jsonb
                  union all select 2, '{{Written}}', {{(short)SummaryItemKind.Task}}, '{"text": "Why?", "type": "WRITTEN", "position": 1}'
                  union all select 11 + n, '{{Task}}', {{(short)SummaryItemKind.Score}}, jsonb_build_object('value', n) from generate_series(0, 10) n
                  union all select 51 + n, '{{Guid.Empty}}', {{(short)SummaryItemKind.Audience}}, jsonb_build_object('id', '51a00000-0000-4000-8000-0000000000a' || 1 + n) from generate_series(0, 3) n
                  union all select 60 + n, '{{Guid.Empty}}', {{(short)SummaryItemKind.Demographic}}, jsonb_build_object('code', 'AGE', 'label', 'Age', 'text', (60 + n)::text) from generate_series(0, 9) n
                  union all select 91, '{{Group}}', {{(short)SummaryItemKind.Label}}, '{"label": "Checkout"}') i(item, part, kind, data);
                insert into results.summary_items (test_key, item, part_id, digest, kind, uses, data)
                select {{Key}}, 1000 + n, '51a00000-0000-4000-8000-0000000000d3', gen_random_uuid(), {{(short)SummaryItemKind.Path}}, 1, '{}' from generate_series(1, 20000) n;
                insert into results.summary_items (test_key, item, part_id, digest, kind, uses, data)
                select {{Key}} + 2 + n / 10, n % 10, md5((n / 10)::text)::uuid, gen_random_uuid(), {{(short)SummaryItemKind.Score}}, 1, '{}' from generate_series(0, 29999) n;
                create temp table filling as
                select case when n > {{Sessions}} then {{Key}} + 2 + n % 2000 when n % 10 = 0 then {{KeyElsewhere}} else {{Key}} end as key, n,
                  '2026-01-01Z'::timestamptz + (n % {{Sessions}}) * interval '78 seconds' as at, md5(n::text)::uuid as id,
                  (case n % 5 when 0 then 0 when 1 then 2 else 1 end)::smallint as status
                from generate_series(1, {{Sessions + 20_000}}) n;
                insert into results.summary_sessions (test_key, start_time, document_id, tenant_id, session_id, status, traits, tasks, labels)
                select f.key, f.at, f.id, '{{Account}}', f.id, f.status, array[51 + f.n % 4, 60 + f.n % 5], array[1, case when f.n % 20 = 0 then -2 else 2 end], array[91] from filling f;
                insert into results.summary_tasks (test_key, task_id, start_time, document_id, duration_ms, items, words)
                select f.key, '{{Task}}'::uuid, f.at, f.id, f.n % 60000, array[1, 11 + f.n % 11], null from filling f
                union all select f.key, '{{Written}}'::uuid, f.at, f.id, f.n % 60000, array[case when f.n % 20 = 0 then -2 else 2 end], 'an answer of ' || f.n from filling f where f.n <= {{Sessions}};
                insert into results.summary_scores (test_key, group_id, start_time, document_id, label, score, behavioral, attitudinal, usability, trust, appearance, loyalty, behavioral_values)
                select f.key, '{{Group}}'::uuid, f.at, f.id, 91, 1, 2, 3, 4, 5, 6, 7, array[8, 9] from filling f where f.status = 1 and f.n <= {{Sessions}};
                drop table filling;
                """);
            await using var command = full.Database.CreateCommand(sql);
            command.CommandTimeout = 300;
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await full.VacuumAsync("summary_tests", "summary_items", "summary_sessions", "summary_tasks", "summary_scores", "test_totals", "mt_doc_test_definition");
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
