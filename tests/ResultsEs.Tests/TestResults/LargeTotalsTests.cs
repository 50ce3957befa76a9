using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.TestResults;

/// <summary>Totals of tests have bounds: of a score's values, of a session's groups, of what an answer lists; and labels are free text.</summary>
public sealed class LargeTotalsTests(AppFixture app)
{
    private static readonly Guid Group = Guid.Parse("5a000000-0000-4000-8000-0000000000c1");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database => app.Host.Services.GetRequiredService<NpgsqlDataSource>();

    [Theory]
    [InlineData(100, HttpStatusCode.OK)]
    [InlineData(101, HttpStatusCode.BadRequest)]
    [InlineData(10_000, HttpStatusCode.BadRequest)]
    public async Task A_score_has_at_most_a_hundred_behavioural_values(int values, HttpStatusCode expected)
    {
        using var http = await app.ClientAsync();
        var score = TestData.SessionOnly().WithScore(Group, 10).But("data.values.behavioral", $"[{string.Join(',', Enumerable.Repeat("1", values))}]");
        using var answer = await http.SendAsync(score.Json());

        Assert.Equal(expected, answer.StatusCode);
        if (expected == HttpStatusCode.BadRequest)
            Assert.Equal(
                """{"[0].data.values.behavioral":["must have at most 100 items"]}""",
                (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    /// <summary>As they may be stored of before, or come in many requests: they count up to the bounds, and the totals stay small.</summary>
    [Fact]
    public async Task What_a_session_holds_beyond_the_bounds_is_not_counted()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Interaction().WithScore(Group, 10).Completed();
        await http.RecordAsync(session);
        await ScoresAsync(http, session.TestId, completes: 1);
        await ExecuteAsync(
            $$"""
            update results.mt_doc_session_result_2 d set data = jsonb_set(data, '{fold,taskGroups}', (
              select jsonb_agg(jsonb_set(jsonb_set(d.data #> '{fold,taskGroups,0}', '{id}', to_jsonb('5a000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))),
                '{qx,values,behavioral}', (select jsonb_agg(v) from generate_series(1, 300) v))) from generate_series(1, 250) n))
            where id = '{{session.Id}}';
            insert into results.test_changes (tenant_id, session_id) values ('{{TestClients.AccountOne}}', '{{session.Id}}')
            """);

        JsonObject scores = null!;
        await Wait.UntilAsync(async () => (scores = await ScoresAsync(http, session.TestId, completes: 1))["qxScores"]!.AsArray().Count > 1);
        var groups = scores["qxScores"]!.AsArray();
        Assert.Equal(Enumerable.Range(1, 100).Select(n => $"5a000000-0000-4000-8000-{n:x12}"), groups.Select(group => (string)group!["taskGroupId"]!));
        Assert.All(groups, group => Assert.Equal(Enumerable.Range(1, 100), group!["values"]!["behavioral"]!.AsArray().Select(value => (int)value!)));
        Assert.Equal(100, (int)scores["meta"]!["totalQxTasks"]!);
    }

    [Fact]
    public async Task An_answer_lists_the_thousand_task_groups_of_most_sessions_and_counts_the_others()
    {
        using var http = await app.ClientAsync();
        var session = TestData.Interaction().WithScore(Group, 10).WithAnswer(Answers.Nps(9)).Completed();
        await http.RecordAsync(session);
        await ScoresAsync(http, session.TestId, completes: 1);
        await ExecuteAsync(
            $"""
            insert into results.test_group_totals (tenant_id, workspace_id, test_id, group_id, sessions, sums)
            select tenant_id, workspace_id, test_id, ('5b000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 2, jsonb_set(sums, '{"{sessions}"}', '2')
            from results.test_group_totals, generate_series(1, 1000) n where test_id = '{session.TestId}';
            insert into results.test_group_labels (tenant_id, workspace_id, test_id, group_id, label_id, label, place, sessions)
            select t.tenant_id, t.workspace_id, t.test_id, t.group_id, l.label_id, l.label, l.place, 2
            from results.test_group_totals t join results.test_group_labels l using (test_id) where t.test_id = '{session.TestId}' and t.sessions = 2;
            insert into results.test_nps_totals (tenant_id, workspace_id, test_id, task_id, answers, promoters, passives, detractors)
            select tenant_id, workspace_id, test_id, gen_random_uuid(), 2, 1, 0, 1 from results.test_nps_totals, generate_series(1, 1000) n where test_id = '{session.TestId}'
            """);

        var scores = await http.JsonAsync($"/api/v2/testResults/{session.TestId}/qxScores");
        var shown = scores["qxScores"]!.AsArray().Select(group => (Guid)group!["taskGroupId"]!).ToList();
        Assert.Equal((1_000, false, 1_001), (shown.Count, shown.Contains(Group), (int)scores["meta"]!["totalQxTasks"]!));
        Assert.Equal("Checkout", (string)scores["qxScores"]![0]!["label"]!);
        var nps = (await http.JsonAsync($"/v1/studies/{session.TestId}"))["netPromoterScores"]!.AsArray();
        Assert.Equal((1_000, true), (nps.Count, nps.All(task => (int)task!["score"]! == 0)));
    }

    /// <summary>The sums of the group are those of no session for a moment.</summary>
    [Fact]
    public async Task A_label_of_one_session_goes_when_it_is_corrected()
    {
        using var http = await app.ClientAsync();
        var session = Labelled(TestData.Interaction().WithScore(Group, 10), "Before").Completed();
        await http.RecordAsync(session);
        await ScoresAsync(http, session.TestId, completes: 1);

        await http.RecordAsync(Labelled(session.WithScore(Group, 10, SessionBuilder.Begin.AddHours(1)), "After"));
        await Wait.UntilAsync(async () => (string)(await ScoresAsync(http, session.TestId, completes: 1))["qxScores"]![0]!["label"]! == "After");

        Assert.Equal((1, 1), (
            await AskAsync($"select count(*) from results.test_group_labels where test_id = '{session.TestId}'"),
            await AskAsync($"select sum(sessions)::bigint from results.test_group_labels where test_id = '{session.TestId}' and label = 'After'")));
    }

    /// <summary>A label for each session, and longer than an index takes; the first of those with most sessions is shown.</summary>
    [Fact]
    public async Task However_many_labels_there_are_the_one_of_most_sessions_is_shown()
    {
        using var http = await app.ClientAsync();
        var test = Guid.NewGuid();
        var labels = Enumerable.Range(0, 40).Select(n => $"{n:d2} {string.Concat(Enumerable.Repeat("🙂é", 450))}").ToList();
        var sessions = labels.Select(label => Labelled(TestData.Interaction(test: test).WithScore(Group, 10), label).Completed()).ToList();
        foreach (var some in sessions.Chunk(20))
            await RecordAllAsync(http, some);
        Assert.Equal(labels[0], await LabelAsync(40));

        // Most sessions, though not the first in order.
        var last = Labelled(TestData.Interaction(test: test).WithScore(Group, 10), labels[39]).Completed();
        await http.RecordAsync(last);
        Assert.Equal(labels[39], await LabelAsync(41));

        // Corrected, it counts for its new label alone.
        await http.RecordAsync(Labelled(last.WithScore(Group, 10, SessionBuilder.Begin.AddHours(1)), labels[7]));
        await Wait.UntilAsync(async () => await LabelAsync(41) == labels[7]);
        Assert.Equal((40, 41), (await AskAsync($"select count(*) from results.test_group_labels where test_id = '{test}'"), await AskAsync($"select sum(sessions)::bigint from results.test_group_labels where test_id = '{test}'")));

        async Task<string> LabelAsync(int completes) => (string)(await ScoresAsync(http, test, completes))["qxScores"]![0]!["label"]!;
    }

    [Fact]
    public async Task A_label_that_is_second_in_two_workspaces_is_the_first_of_both()
    {
        using var a = await app.ClientAsync();
        using var b = await app.ClientAsync(TestClients.OtherWorkspace);
        using var both = await app.ClientAsync(TestClients.BothWorkspaces);
        var test = Guid.NewGuid();
        await RecordAllAsync(a, Labels(TestClients.WorkspaceA, "x", "x", "x", "y", "y"));
        await RecordAllAsync(b, Labels(TestClients.WorkspaceB, "z", "z", "z", "y", "y"));

        Assert.Equal(("x", "z", "y"), (await LabelAsync(a, 5), await LabelAsync(b, 5), await LabelAsync(both, 10)));

        IEnumerable<SessionBuilder> Labels(Guid workspace, params string[] labels) =>
            labels.Select(label => Labelled(TestData.Interaction(workspace, test).WithScore(Group, 10), label).Completed());

        async Task<string> LabelAsync(HttpClient http, int completes) => (string)(await ScoresAsync(http, test, completes))["qxScores"]![0]!["label"]!;
    }

    private static SessionBuilder Labelled(SessionBuilder session, string label) => session.But("data.label", JsonValue.Create(label).ToJsonString());

    private static async Task RecordAllAsync(HttpClient http, IEnumerable<SessionBuilder> sessions)
    {
        var events = new JsonArray([.. sessions.SelectMany(session => session.Events).Select(e => e.DeepClone())]);
        using var answer = await http.SendAsync(events.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private async Task<long> AskAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private static async Task<JsonObject> ScoresAsync(HttpClient http, Guid test, int completes)
    {
        JsonObject scores = null!;
        await Wait.UntilAsync(async () =>
        {
            scores = await http.JsonAsync($"/api/v2/testResults/{test}/qxScores");
            return (int)scores["meta"]!["completes"]! == completes;
        });
        return scores;
    }
}
