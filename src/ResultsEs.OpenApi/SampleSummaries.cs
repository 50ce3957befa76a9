using ResultsEs.Changes;
using ResultsEs.Common;
using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;
using ResultsEs.Summaries;
using ResultsEs.TestResults;

namespace ResultsEs.OpenApi;

/// <summary>Examples of summaries: of the one session of the interaction test.</summary>
internal sealed class SampleSummaries(SessionResult session, TestDefinition? definition, DateTimeOffset stored)
{
    private readonly SummarizedSession _counted = SummarizedSession.Of(new FollowedDocument(session.Id, session, stored))!;

    private Guid TestId => session.Body.TestId!.Value;

    private TaskBody Task => session.Body.Tasks.First(task => task.Response?.Answer?.Key == Figma.TaskType.V3Key);

    public JsonNode Tests() => Node(new SummarizedTestsPage(
        [
            new SummarizedTestItem(
                TestId, session.Body.WorkspaceId!.Value, definition?.Title, session.Body.ProductType, SessionsByStatus.Of(0, 1, 0),
                stored),
        ],
        NextAfter: null));

    public JsonNode Test() => Node(new TestSummary
    {
        TestId = TestId,
        WorkspaceId = session.Body.WorkspaceId!.Value,
        Title = definition?.Title,
        ProductType = session.Body.ProductType,
        AsOf = stored,
        Sessions = SessionsByStatus.Of(0, 1, 0),
        OverTime = SessionsOverTime.Of(
            [new SessionsInTime(HourOf(session.Body.StartTime!.Value), Complete: 1, InProgress: 0, Abandoned: 0)]),
        Audiences = session.Body.AudienceId is { } audience ? [new AudienceSessions(audience, 1)] : [],
        Demographics =
        [
            .. (session.Body.SessionParticipant?.DemographicsInfo ?? []).Where(answer => answer.Code is not null)
                .OrderBy(answer => answer.Code, StringComparer.Ordinal)
                .Select(answer => new DemographicSessions(answer.Code!, answer.Label, [new DemographicValue(answer.Value!, 1)])),
        ],
        Tasks = SummarizedTasks.Of(
            definition,
            [
                .. session.Body.Tasks.Select(task => new CountedTask(
                    task.Uuid, HeadOf(task), Answered: task.Response!.Skipped ? 0 : 1, Skipped: task.Response.Skipped ? 1 : 0)),
            ]),
        QxScores = QxScoresOfTest.Of(TestId, TestTotal.None.With(CountedSession.Of(session)!.Part)).QxScores,
    });

    public JsonNode TaskInNumbers()
    {
        var defined = definition?.Tasks.FirstOrDefault(one => one.TaskId == Task.Uuid);
        var (head, took) = (HeadOf(Task), Task.Response!.EndTimeMs - Task.Response.StartTimeMs);
        var items = _counted.Tasks.Single(task => task.Id == Task.Uuid).Items
            .GroupBy(item => (item.Item.Kind, item.Item.Json))
            .Select(some => new ItemNumbers(
                some.Key.Kind, JsonSerializer.Deserialize(some.Key.Json, Json.Of<SummaryItemData>())!, There: some.Count(), NotThere: 0,
                OfKind: some.Count()))
            .ToList();
        return Node(new TaskSummary
        {
            TestId = TestId,
            TaskId = Task.Uuid,
            Position = defined?.Position ?? head.Position,
            Text = defined?.Text ?? head.Text,
            Type = head.Type,
            Sessions = 1,
            Answered = 1,
            Skipped = 0,
            DurationMs = new TaskDurations(1, took, took, took, took, took, took, took),
            Answers = AnswerNumbers.Of(head.Type, items, defined),
        });
    }

    public JsonNode Answers() => Node(new TaskAnswersPage([TaskAnswerOfSession.Of(session, Task.Uuid)!], NextAfter: null));

    public JsonNode Sessions() => Node(new SummarizedSessionsPage(
        [
            new ListedSession(
                session.Body.SessionId, session.Body.Status, session.Body.StartTime!.Value, session.Body.AudienceId,
                session.Body.Tasks.Count(task => task.Response is { Skipped: false }),
                session.Body.Tasks.Count(task => task.Response is { Skipped: true })),
        ],
        NextAfter: null));

    private TaskHead HeadOf(TaskBody task) =>
        new(task.Text, task.Type, session.Fold.Tasks.Single(fold => fold.Id == task.Uuid).Position);

    private static DateTimeOffset HourOf(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);

    private static JsonNode Node<T>(T value) => JsonSerializer.SerializeToNode(value, Json.Of<T>())!;
}
