using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.TestResults;

/// <summary><c>GET /v1/studies/{studyUuid}</c>: a test, with its tasks and its Net Promoter Scores.</summary>
public static class GetStudy
{
    internal static readonly Operation Description = new("getStudy", ApiTag.Tests, "A test, its tasks and its Net Promoter Scores")
    {
        Text = "Net Promoter Scores are those of the completed sessions, one for each NPS task that was answered (at most 1,000, those "
            + "with most answers), in the order of the tasks. Percentages are whole numbers; a score is the promoters' less the "
            + "detractors'.",
        Replies = [Reply.Ok<Study>("The test.")],
    };

    internal static readonly string[] AllStatuses = Enum.GetNames<SessionStatus>();

    private const int MaxTasks = 1_000;

    // By ix_session_result_2_list (the test is known), the primary keys of definitions and totals, and ix_test_nps_totals_answers.
    internal static readonly string Sql =
        $$"""
        select
          exists (
            select 1 from unnest($2::uuid[]) w(id)
            cross join lateral ({{TestExists.Sql("$1", "w.id", "$3")}}) one),
          ({{TestDefinitionTable.Sql("x.data", "$1", "$3", "any($2)")}}),
          ({{SessionCounts.Sql("$1", "$2", "$3", "$4")}})::bigint,
          (select jsonb_object_agg(m.task_id, m.count) from (
             select n.task_id, jsonb_build_object(
               'promoters', sum(n.promoters), 'passives', sum(n.passives), 'detractors', sum(n.detractors)) as count
             from unnest($2::uuid[]) w(id)
             cross join lateral (
               select n.task_id, n.answers, n.promoters, n.passives, n.detractors from results.test_nps_totals n
               where n.tenant_id = $1 and n.workspace_id = w.id and n.test_id = $3
               order by n.answers desc limit {{MaxTasks}}) n
             group by n.task_id order by sum(n.answers) desc limit {{MaxTasks}}) m)
        """;

    /// <summary>Sends the test.</summary>
    [WolverineGet("/v1/studies/{studyUuid}")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation) =>
        OneTest.SendAsync(http, "studyUuid", database, ReadAsync, cancellation);

    private static async Task<Study?> ReadAsync(NpgsqlDataSource source, Caller caller, Guid test, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql, caller, test);
        command.Parameters.AddAll((object)AllStatuses);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        if (!reader.GetBoolean(0))
            return null;

        var definition = reader.IsDBNull(1)
            ? null
            : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(1), Json.Of<TestDefinition>());
        var nps = reader.IsDBNull(3)
            ? TestTotal.None.Nps
            : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(3), Json.Of<IReadOnlyDictionary<Guid, NpsCount>>())!;
        return Study.Of(test, definition, reader.GetInt64(2), nps);
    }
}

/// <summary>A test.</summary>
internal sealed record Study
{
    /// <summary>Its title; its id while nobody has defined it.</summary>
    public required string Title { get; init; }

    /// <summary>How many sessions it has, whatever their status.</summary>
    public required long SessionCount { get; init; }

    public required StudyOrderer OrderedBy { get; init; }

    /// <summary>One for each NPS task that completed sessions have answered.</summary>
    public required IReadOnlyList<StudyNetPromoterScore> NetPromoterScores { get; init; }

    /// <summary>The tasks in the test plan's order; empty while nobody has defined the test.</summary>
    public required IReadOnlyList<StudyTask> Tasks { get; init; }

    public required StudyTestPlan TestPlan { get; init; }

    public static Study Of(Guid test, TestDefinition? definition, long sessions, IReadOnlyDictionary<Guid, NpsCount> nps)
    {
        var tasks = definition?.Tasks ?? [];
        var places = tasks.Index().Where(task => task.Item.TaskId is not null)
            .ToDictionary(task => task.Item.TaskId!.Value, task => task.Index);
        return new Study
        {
            Title = definition?.Title ?? test.ToString(),
            SessionCount = sessions,
            OrderedBy = definition?.OrderedBy ?? StudyOrderer.Unknown,
            // Tasks that the definition does not name come last.
            NetPromoterScores =
            [
                .. nps.OrderBy(task => places.GetValueOrDefault(task.Key, int.MaxValue)).ThenBy(task => task.Key)
                    .Select(task => StudyNetPromoterScore.Of(task.Key, task.Value)),
            ],
            Tasks = tasks,
            TestPlan = definition?.TestPlan ?? new StudyTestPlan(null),
        };
    }
}

/// <summary>The Net Promoter Score of a task, over the answers of completed sessions.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="Score">The promoters' percentage less the detractors', −100 to 100.</param>
/// <param name="PromoterPercentage">Answers of 9 and 10, in whole percent.</param>
/// <param name="PassivePercentage">Answers of 7 and 8, in whole percent.</param>
/// <param name="DetractorPercentage">Answers of 0 to 6, in whole percent.</param>
internal sealed record StudyNetPromoterScore(
    Guid TaskId, int Score, int PromoterPercentage, int PassivePercentage, int DetractorPercentage)
{
    public static StudyNetPromoterScore Of(Guid task, NpsCount count)
    {
        var all = count.Promoters + count.Passives + count.Detractors;
        var (promoters, detractors) = (Percentage(count.Promoters), Percentage(count.Detractors));
        return new(task, promoters - detractors, promoters, Percentage(count.Passives), detractors);

        int Percentage(long some) => (int)Math.Round(100m * some / all, MidpointRounding.AwayFromZero);
    }
}
