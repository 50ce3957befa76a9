using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Search;
using ResultsEs.Sessions;
using ResultsEs.Summaries;
using ResultsEs.TestResults;

namespace ResultsEs.Mcp;

/// <summary>The tools.</summary>
internal static class ResultsTools
{
    private const string NoTest = "There is no such test with sessions in the workspaces of this token. list_tests tells those that are.";

    private const string NoSession = "There is no such session in the workspaces of this token. list_sessions tells those that are.";

    public static readonly IReadOnlyList<ResultsTool> All =
    [
        new(
            "list_tests", "Tests",
            "The tests of the workspaces that this token may read, the latest activity first, with title, product type, sessions by state "
                + "and the time of the last activity. With q: those with a title or id that contains it. Start here. A page may be short "
                + "and still have a nextAfter.",
            $$"""
            "q": {
              "type": "string", "minLength": 1, "maxLength": {{RequestParameters.MaxSought}},
              "description": "Only tests whose title or id contains this, in small or capital letters."
            },
            {{ToolSchemas.PageBy("after", "nextAfter")}}
            """,
            $"{ToolSchemas.Tests}, {ToolSchemas.Cut}",
            static (http, stop) => ListTests.Get(http, Database(http), stop))
        {
            MaxLimit = ToolSchemas.MaxLimit, NotFound = NoTest,
        },
        new(
            "list_sessions", "Sessions of a test",
            "Summaries of a test's sessions, the latest first. Completed sessions alone, unless status asks for others. "
                + "With updatedSince: what has changed since, the oldest change first.",
            $"""
            {ToolSchemas.TestId}, {ToolSchemas.Status("COMPLETE")},
            {ToolSchemas.Time("finishedSince", "Only sessions that ended at this time or later.")},
            {ToolSchemas.Time("finishedUntil", "Only sessions that ended before this time.")},
            {ToolSchemas.Time("updatedSince", "Only sessions of which something was stored at this time or later.")},
            {ToolSchemas.Text("audienceId", "Only sessions of this audience.", "uuid")},
            {ToolSchemas.TaskType}, {ToolSchemas.Page}
            """,
            $"{ToolSchemas.Sessions}, {ToolSchemas.Meta}, {ToolSchemas.Cut}",
            static (http, stop) => GetSessionResults.Get(http, Database(http), stop))
        {
            Required = ["testId"], MaxLimit = ToolSchemas.MaxLimit, NotFound = NoTest,
        },
        new(
            "get_session", "A session",
            "One session: its participant, and each task with its question and what the participant answered, said and did. "
                + "With version or asOf: as it was. A long session is cut, and cut says how to get the rest.",
            $"{ToolSchemas.SessionId}, {ToolSchemas.AsItWas}, {ToolSchemas.Place}",
            $"{ToolSchemas.Session}, {ToolSchemas.Part}",
            static (http, stop) => GetSessionResultV3.Get(http, Database(http), Shares(http), stop))
        {
            Required = ["sessionId"], NotFound = NoSession, IsAudited = true,
        },
        new(
            "get_transcript", "The transcript of a session",
            "What was said in a session, in the order of time, with speakers where they are known. With version or asOf: as it was.",
            $"{ToolSchemas.SessionId}, {ToolSchemas.AsItWas}, {ToolSchemas.Place}", $"{ToolSchemas.Transcript}, {ToolSchemas.Part}",
            static (http, stop) => SessionTranscript.GetAsync(http, Database(http), Shares(http), stop))
        {
            Required = ["sessionId"], NotFound = "There is no such session in the workspaces of this token, or it has no transcript.",
            IsAudited = true,
        },
        new(
            "get_qx_scores", "QX scores of a test",
            "Averages of the quality of experience over a test's completed sessions, from 0 to 100: a score for each task group, with its "
                + "behavioural and attitudinal parts. Only tests of the product type NON_THINK_OUT_LOUD have them.",
            $"{ToolSchemas.TestId}, {ToolSchemas.Place}", $"{ToolSchemas.Scores}, {ToolSchemas.Part}",
            static (http, stop) => GetQxScores.Get(http, Database(http), stop))
        {
            Required = ["testId"],
            NotFound = "There is no such test in the workspaces of this token, or it is none of the product type that has QX scores.",
        },
        new(
            "search_answers", "Answers by their words",
            "Written answers, transcripts and comments in which words occur, what was said last first. Each hit is an excerpt with its "
                + "session: read that by get_session or get_transcript. A page may be short and still have a nextCursor.",
            $$"""
            "q": {
              "type": "string", "minLength": 1, "maxLength": {{RequestParameters.MaxSought}},
              "description": "Words that all must occur; or between words, - before a word that must not, quotes around a phrase."
            },
            {{ToolSchemas.Text("testId", "Only answers of this test.", "uuid")}}, {{ToolSchemas.Page}}
            """,
            $"{ToolSchemas.Answers}, {ToolSchemas.Cut}",
            static (http, stop) => GetAnswers.Get(http, Database(http), Shares(http), stop))
        {
            Required = ["q"], MaxLimit = ToolSchemas.MaxLimit, NotFound = NoTest, IsAudited = true,
        },
        new(
            "summarise_test", "A test in numbers",
            "A test's sessions in numbers: by status, over time, by audience and demographic answer, and how many answered or skipped "
                + "each task. With taskId: the answers to that task in numbers, by its type (score, distribution, options, ranks, "
                + "outcomes and paths), and how long they took.",
            $$"""
            {{ToolSchemas.TestId}},
            {{ToolSchemas.Text("taskId", "A task's id, from an answer without it: its answers in numbers.", "uuid")}},
            {{ToolSchemas.Status("all")}},
            {{ToolSchemas.Text("audienceId", "Only sessions of this audience.", "uuid")}},
            "demographic": {
              "type": "array", "items": { "type": "string", "maxLength": {{ToolSchemas.MaxText}} }, "maxItems": 20,
              "description": "Only sessions with these demographic answers, all of them; each as CODE:VALUE."
            },
            {{ToolSchemas.Time("from", "Only sessions that began at this time or later.")}},
            {{ToolSchemas.Time("to", "Only sessions that began before this time.")}}, {{ToolSchemas.Place}}
            """,
            $"{ToolSchemas.Summary}, {ToolSchemas.Part}",
            static (http, stop) => http.Request.Query.ContainsKey("taskId")
                ? GetTaskSummary.Get(http, Database(http), stop)
                : GetTestSummary.Get(http, Database(http), stop))
        {
            Required = ["testId"], NotFound = NoTest,
        },
    ];

    public static readonly FrozenDictionary<string, ResultsTool> ByName =
        All.ToFrozenDictionary(tool => tool.Name, StringComparer.Ordinal);

    private static ReadDatabase Database(HttpContext http) => http.RequestServices.GetRequiredService<ReadDatabase>();

    private static ClientShares Shares(HttpContext http) => http.RequestServices.GetRequiredService<ClientShares>();
}
