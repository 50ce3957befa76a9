using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary>What is counted over the sessions of a test. Each is one statement over an index that holds all it needs.</summary>
internal static class TestNumbers
{
    private const int MaxAudiences = 200;
    private const int MaxDemographics = 1_000;

    // ux_summary_items_digest (test_key, part_id): at most ItemUses.MaxItems of a test.
    internal const string TraitsSql =
        $"""
        select i.kind, i.data, i.uses from {SummaryTable.Items} i
        where i.test_key = any($1) and i.part_id = '00000000-0000-0000-0000-000000000000'
        """;

    /// <summary>Counts sessions by status and by the hour in which they began, in the order of time.</summary>
    public static async Task<IReadOnlyList<SessionsInTime>> HoursAsync(
        NpgsqlConnection connection, SummaryCondition condition, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        BuildHours(command, condition);
        return await command.ReadAllAsync(
            reader => new SessionsInTime(
                reader.GetFieldValue<DateTimeOffset>(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3)),
            cancellation);
    }

    /// <summary>Counts answers and skips of each task, with what the participants read.</summary>
    public static async Task<IReadOnlyList<CountedTask>> TasksAsync(
        NpgsqlConnection connection, SummaryCondition condition, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(null, connection);
        BuildTasks(command, condition);
        var rows = await command.ReadAllAsync(
            reader => (
                Id: reader.GetGuid(0), Read: Data(reader, 1), Answered: reader.GetInt64(2), Skipped: reader.GetInt64(3)), cancellation);
        return
        [
            .. rows.GroupBy(row => row.Id).Select(task => new CountedTask(
                task.Key,
                TaskHead.MostOf(task.Select(row => (row.Read, row.Answered + row.Skipped))),
                task.Sum(row => row.Answered),
                task.Sum(row => row.Skipped))),
        ];
    }

    /// <summary>Reads what sessions can be filtered by: no session is read, each item knows how many rows use it.</summary>
    public static async Task<(IReadOnlyList<AudienceSessions> Audiences, IReadOnlyList<DemographicSessions> Demographics)> TraitsAsync(
        NpgsqlConnection connection, long[] tests, CancellationToken cancellation)
    {
        var rows = await new NpgsqlCommand(TraitsSql, connection).ReadAllAsync(
            [tests], reader => (Kind: (SummaryItemKind)reader.GetInt16(0), Data: Data(reader, 1), Uses: reader.GetInt64(2)), cancellation);
        var audiences = rows.Where(row => row.Kind == SummaryItemKind.Audience)
            .GroupBy(row => Guid.Parse(row.Data.Id!), (id, some) => new AudienceSessions(id, some.Sum(row => row.Uses)))
            .OrderByDescending(audience => audience.Sessions).ThenBy(audience => audience.AudienceId)
            .Take(MaxAudiences);
        var values = rows.Where(row => row.Kind == SummaryItemKind.Demographic)
            .GroupBy(row => (Code: row.Data.Code!, Value: row.Data.Text!))
            .Select(some => (some.Key, Label: some.MaxBy(row => row.Uses).Data.Label, Uses: some.Sum(row => row.Uses)))
            .OrderByDescending(value => value.Uses).ThenBy(value => value.Key.Code, StringComparer.Ordinal)
            .ThenBy(value => value.Key.Value, StringComparer.Ordinal)
            .Take(MaxDemographics);
        return (
            [.. audiences],
            [
                .. values.GroupBy(value => value.Key.Code, StringComparer.Ordinal)
                    .OrderBy(code => code.Key, StringComparer.Ordinal)
                    .Select(code => new DemographicSessions(
                        code.Key, code.First().Label,
                        [.. code.Select(value => new DemographicValue(value.Key.Value, value.Uses))])),
            ]);
    }

    internal static void BuildHours(NpgsqlCommand command, SummaryCondition condition) =>
        // ux_summary_sessions.
        command.CommandText =
            $"""
            select date_bin('1 hour', s.start_time, timestamptz '1970-01-01Z') as hour,
              count(*) filter (where s.status = {(int)SessionStatus.Complete}),
              count(*) filter (where s.status = {(int)SessionStatus.InProgress}),
              count(*) filter (where s.status = {(int)SessionStatus.Abandoned})
            from {SummaryTable.Sessions} s where {condition.OfSessions(command, "s")}
            group by 1 order by 1
            """;

    internal static void BuildTasks(NpgsqlCommand command, SummaryCondition condition) =>
        // ux_summary_sessions, then the primary key of items, one by one: "offset 0" keeps the planner from reading those of all tests.
        // Few sets of tasks are answered, so the sets are counted, not each task of each session.
        command.CommandText =
            $"""
            select i.part_id, i.data, sum(c.answered)::bigint, sum(c.skipped)::bigint
            from (
              select u.test_key, abs(u.item) as item, coalesce(sum(u.sessions) filter (where u.item > 0), 0) as answered,
                coalesce(sum(u.sessions) filter (where u.item < 0), 0) as skipped
              from (
                select p.test_key, unnest(p.tasks) as item, p.sessions
                from (
                  select s.test_key, s.tasks, count(*) as sessions
                  from {SummaryTable.Sessions} s where {condition.OfSessions(command, "s")}
                  group by s.test_key, s.tasks
                ) p
              ) u
              group by u.test_key, abs(u.item)
            ) c
            cross join lateral (
              select i.part_id, i.digest, i.data from {SummaryTable.Items} i
              where i.test_key = c.test_key and i.item = c.item offset 0) i
            group by i.part_id, i.digest, i.data
            """;

    /// <summary>Reads what an item holds.</summary>
    public static SummaryItemData Data(NpgsqlDataReader reader, int column) =>
        JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(column), Json.Of<SummaryItemData>())!;
}

/// <summary>A task as participants read it.</summary>
internal sealed record TaskHead(string Text, string Type, int Position)
{
    /// <summary>What most participants read, whose sessions are not erased.</summary>
    public static TaskHead MostOf(IEnumerable<(SummaryItemData Read, long Sessions)> heads)
    {
        var read = heads.OrderBy(head => head.Read.Text is "" or Masking.Text).ThenByDescending(head => head.Sessions)
            .ThenBy(head => head.Read.Position).ThenBy(head => head.Read.Text, StringComparer.Ordinal).First().Read;
        return new TaskHead(read.Text!, read.Type!, read.Position!.Value);
    }

    /// <summary>A task of a definition, in v3's words.</summary>
    public static TaskHead Of(StudyTask task) =>
        new(task.Text, TaskType.Find(task.TaskType)?.V3Type ?? TaskType.Unrecognized, task.Position);
}

/// <summary>A task with its sessions counted.</summary>
internal sealed record CountedTask(Guid Id, TaskHead Head, long Answered, long Skipped);

/// <summary>The tasks of a test.</summary>
internal static class SummarizedTasks
{
    private const int MaxTasks = 1_000;

    /// <summary>The tasks of a definition and of sessions, in the plan's order. The definition says a task's words and place.</summary>
    public static IReadOnlyList<TaskOfTest> Of(TestDefinition? definition, IReadOnlyList<CountedTask> counted)
    {
        var tasks = counted.ToDictionary(task => task.Id, task => TaskOfTest.Of(task.Id, task.Head, task.Answered, task.Skipped));
        foreach (var defined in (definition?.Tasks ?? []).Where(task => task.TaskId is not null))
        {
            var head = TaskHead.Of(defined);
            var id = defined.TaskId!.Value;
            tasks[id] = tasks.GetValueOrDefault(id) is { } task
                ? task with { Text = head.Text, Position = head.Position }
                : TaskOfTest.Of(id, head, answered: 0, skipped: 0);
        }

        return [.. tasks.Values.OrderBy(task => task.Position).ThenBy(task => task.TaskId).Take(MaxTasks)];
    }
}

/// <summary>A task of a test.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Position">Its place in the test plan, from 0.</param>
/// <param name="Text">Its words, by the definition, or as most participants read it; at most 500 characters of these.</param>
/// <param name="Type">Its type, in v3's words.</param>
/// <param name="Answered">How many sessions answered it.</param>
/// <param name="Skipped">How many skipped it.</param>
internal sealed record TaskOfTest(Guid TaskId, int Position, string Text, string Type, long Answered, long Skipped)
{
    public static TaskOfTest Of(Guid id, TaskHead head, long answered, long skipped) =>
        new(id, head.Position, head.Text, head.Type, answered, skipped);
}

[JsonSerializable(typeof(SummaryItemData))]
[JsonSerializable(typeof(TestSummary))]
[JsonSerializable(typeof(TaskSummary))]
[JsonSerializable(typeof(TaskAnswersPage))]
[JsonSerializable(typeof(SummarizedSessionsPage))]
[JsonSerializable(typeof(SummarizedTestsPage))]
internal sealed partial class SummaryJson : JsonSerializerContext;
