using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions;

namespace ResultsEs.Summaries;

/// <summary><c>GET /api/v3/testResults/{testId}/tasks/{taskId}/answers</c>: the answers to a task, one by one.</summary>
public static class GetTaskAnswers
{
    private const int MaxLimit = 100;

    internal static readonly Operation Description = new("listTaskAnswers", ApiTag.Tests, "The answers to a task, one by one")
    {
        Text = "Answers and skips of the sessions that pass the filters, the session that started last first. "
            + "A page may have fewer answers than asked for, and still a `nextAfter`: then it has looked at as many as one request may.",
        Query =
        [
            .. SummaryFilter.Query,
            new(
                "q",
                "Only answers whose words contain this, in small or capital letters: what was written or said, comments on images, "
                + "and what was answered in words of one's own.",
                QueryParameter.Sought),
            new(
                "limit", "The page size: how many answers at most.",
                Paging.Integer(1, MaxLimit, Paging.DefaultLimit)),
            new("after", "The `nextAfter` of the page before, with the same filters.", """{ "type": "string" }"""),
        ],
        Replies = [Reply.Ok<TaskAnswersPage>("A page of the answers.")],
    };

    /// <summary>Sends a page of the answers.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/tasks/{taskId}/answers")]
    [Audited(AuditKind.Read)]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (test, task, filter) = (parameters.Id("testId"), parameters.Id("taskId"), SummaryFilter.Read(parameters));
        var limit = parameters.Number("limit", 1, MaxLimit, Paging.DefaultLimit);
        var words = parameters.Sought("q")?.ToLowerInvariant();
        var list = $"answers of {test} {task} {filter.Name} {words}";
        var after = parameters.CursorOrNull("after", list, "must be a nextAfter of this list, with the same filters");
        return SummaryReader.SendAsync(
            http, database, parameters, test,
            (connection, caller, found, stop) =>
                ReadAsync(connection, caller, found, new TaskAnswersQuery(task, filter, words, after, limit), list, stop),
            cancellation);
    }

    private static async Task<TaskAnswersPage?> ReadAsync(
        NpgsqlConnection connection, Caller caller, SummarizedTest test, TaskAnswersQuery query, string list,
        CancellationToken cancellation)
    {
        if (test.Definition?.Tasks.Any(task => task.TaskId == query.Task) != true
            && (await TaskNumbers.HeadsAsync(connection, test.Keys, query.Task, cancellation)).Count == 0)
            return null;

        var condition = await SummaryCondition.OfAsync(connection, query.Filter, test.Keys, cancellation);
        var (found, next) = await query.FindAsync(connection, condition, cancellation);
        var documents = await DocumentReader.ReadCaughtUpAsync(
            connection, SessionResultTable.Documents,
            [.. found.Select(place => new StreamKey(Tenant.Of(caller.Account), place.Document))], cancellation);
        var answers = found
            .Select(place => documents.GetValueOrDefault(new StreamKey(Tenant.Of(caller.Account), place.Document)) as SessionResult)
            .OfType<SessionResult>()
            // Where it is now: it may have moved since it was counted.
            .Where(document => document.Body.TestId == test.Id && caller.Workspaces.Contains(document.Body.WorkspaceId ?? default))
            .Select(document => TaskAnswerOfSession.Of(document, query.Task))
            .OfType<TaskAnswerOfSession>();
        return new TaskAnswersPage(
            [.. answers], next is { } place ? new Cursor(place.Start.Ticks, place.Document, default, TotalCount: 0).Write(list) : null);
    }
}

/// <summary>A page of the answers to a task.</summary>
/// <param name="Answers">The answers, the session that started last first.</param>
/// <param name="NextAfter">Where the next page begins; absent in the last page.</param>
internal sealed record TaskAnswersPage(IReadOnlyList<TaskAnswerOfSession> Answers, string? NextAfter);

/// <summary>The answer of a session to a task.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Status">Its status.</param>
/// <param name="StartTime">When it began.</param>
/// <param name="AudienceId">The audience that its participant was recruited from; null when unknown.</param>
/// <param name="DurationMs">From the task's begin to its answer, in milliseconds; null where it was skipped.</param>
/// <param name="Answer">What v3 shows under the type's key; null where it was skipped, or its type is not known.</param>
/// <param name="Skipped">Whether the task was skipped.</param>
internal sealed record TaskAnswerOfSession(
    Guid SessionId,
    SessionStatus Status,
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset StartTime,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] Guid? AudienceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? DurationMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? Answer,
    bool Skipped)
{
    /// <summary>Takes it out of a document; null when the session has no such answer any more.</summary>
    public static TaskAnswerOfSession? Of(SessionResult document, Guid task)
    {
        var body = document.Body;
        return body.StartTime is { } start && body.Tasks.FirstOrDefault(one => one.Uuid == task)?.Response is { } response
            ? new TaskAnswerOfSession(
                body.SessionId, body.Status, start, body.AudienceId,
                response.Skipped ? null : response.EndTimeMs - response.StartTimeMs, response.Answer?.Payload, response.Skipped)
            : null;
    }
}
