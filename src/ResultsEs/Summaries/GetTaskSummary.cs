using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Summaries;

/// <summary><c>GET /api/v3/testResults/{testId}/tasks/{taskId}/summary</c>: the answers to a task in numbers.</summary>
public static class GetTaskSummary
{
    /// <summary>The most paths that an answer lists.</summary>
    internal const int MaxPaths = 20;

    /// <summary>The most of each other kind.</summary>
    internal const int MaxListed = 1_000;

    internal static readonly Operation Description = new("getTaskSummary", ApiTag.Tests, "The answers to a task in numbers")
    {
        Text = "`answers` has one member, by the task's type; it is null while there is none. Of sessions that pass the filters.",
        Query = SummaryFilter.Query,
        Replies = [Reply.Ok<TaskSummary>("The numbers.")],
    };

    /// <summary>Sends the numbers.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/tasks/{taskId}/summary")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (test, task, filter) = (parameters.Id("testId"), parameters.Id("taskId"), SummaryFilter.Read(parameters));
        return SummaryReader.SendAsync(
            http, database, parameters, test,
            (connection, _, found, stop) => ReadAsync(connection, found, task, filter, stop), cancellation);
    }

    private static async Task<TaskSummary?> ReadAsync(
        NpgsqlConnection connection, SummarizedTest test, Guid task, SummaryFilter filter, CancellationToken cancellation)
    {
        var defined = test.Definition?.Tasks.FirstOrDefault(one => one.TaskId == task);
        // What it was is known also where no session passes the filters.
        var heads = await TaskNumbers.HeadsAsync(connection, test.Keys, task, cancellation);
        if (defined is null && heads.Count == 0)
            return null;

        var condition = await SummaryCondition.OfAsync(connection, filter, test.Keys, cancellation);
        var items = await TaskNumbers.ItemsAsync(connection, condition, task, cancellation);
        var read = items.Where(item => item.Kind == SummaryItemKind.Task).ToList();
        var head = heads.Count > 0 ? TaskHead.MostOf(heads) : TaskHead.Of(defined!);
        var answered = read.Sum(item => item.There);
        return new TaskSummary
        {
            TestId = test.Id,
            TaskId = task,
            Position = defined?.Position ?? head.Position,
            Text = defined?.Text ?? head.Text,
            Type = head.Type,
            Sessions = await TaskNumbers.SessionsAsync(connection, condition, cancellation),
            Answered = answered,
            Skipped = read.Sum(item => item.NotThere),
            DurationMs = await TaskNumbers.DurationsAsync(connection, condition, task, cancellation),
            Answers = answered == 0 ? null : AnswerNumbers.Of(head.Type, items, defined),
        };
    }
}

/// <summary>The answers to a task in numbers.</summary>
internal sealed record TaskSummary
{
    public required Guid TestId { get; init; }

    public required Guid TaskId { get; init; }

    /// <summary>Its place in the test plan, from 0.</summary>
    public required int Position { get; init; }

    /// <summary>Its words, by the definition, or as most participants read it; at most 500 characters of these.</summary>
    public required string Text { get; init; }

    /// <summary>Its type, in v3's words.</summary>
    public required string Type { get; init; }

    /// <summary>The sessions that pass the filters, whether or not they came to the task.</summary>
    public required long Sessions { get; init; }

    /// <summary>Those of them that answered it.</summary>
    public required long Answered { get; init; }

    /// <summary>Those that skipped it.</summary>
    public required long Skipped { get; init; }

    /// <summary>How long the answers took; null while there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required TaskDurations? DurationMs { get; init; }

    /// <summary>What they say, by the task's type; null while there is none, or its type is not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required AnswerNumbers? Answers { get; init; }
}

/// <summary>
/// How long answers took, in milliseconds. A percentile is the least of the times that at least so many percent of the answers do not
/// exceed; the mean is rounded to two decimals.
/// </summary>
internal sealed record TaskDurations(long Count, long Min, long P25, long Median, long P75, long P95, long Max, decimal Mean);
