using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.TestResults;

namespace ResultsEs.Summaries;

/// <summary><c>GET /api/v3/testResults/{testId}/summary</c>: a test's sessions in numbers.</summary>
public static class GetTestSummary
{
    internal static readonly Operation Description = new("getTestSummary", ApiTag.Tests, "A test's sessions in numbers")
    {
        Text = "The sessions that pass the filters: by status, over time, and by task; and their QX scores, of the completed ones. "
            + "`audiences` and `demographics` list what one can filter by, whatever the filters are.",
        Query = SummaryFilter.Query,
        Replies = [Reply.Ok<TestSummary>("The numbers.")],
    };

    /// <summary>Sends the numbers.</summary>
    [WolverineGet("/api/v3/testResults/{testId}/summary")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static Task<IResult> Get(HttpContext http, ReadDatabase database, CancellationToken cancellation)
    {
        var parameters = new RequestParameters(http);
        var (test, filter) = (parameters.Id("testId"), SummaryFilter.Read(parameters));
        return SummaryReader.SendAsync(
            http, database, parameters, test,
            (connection, _, found, stop) => ReadAsync(connection, found, filter, stop), cancellation);
    }

    private static async Task<TestSummary?> ReadAsync(
        NpgsqlConnection connection, SummarizedTest test, SummaryFilter filter, CancellationToken cancellation)
    {
        var condition = await SummaryCondition.OfAsync(connection, filter, test.Keys, cancellation);
        var hours = await TestNumbers.HoursAsync(connection, condition, cancellation);
        var (audiences, demographics) = await TestNumbers.TraitsAsync(connection, test.Keys, cancellation);
        return new TestSummary
        {
            TestId = test.Id,
            WorkspaceId = test.Workspace,
            Title = test.Definition?.Title,
            ProductType = test.ProductType,
            AsOf = test.AsOf,
            Sessions = SessionsByStatus.Of(
                hours.Sum(hour => hour.InProgress), hours.Sum(hour => hour.Complete), hours.Sum(hour => hour.Abandoned)),
            OverTime = SessionsOverTime.Of(hours),
            Audiences = audiences,
            Demographics = demographics,
            Tasks = SummarizedTasks.Of(test.Definition, await TestNumbers.TasksAsync(connection, condition, cancellation)),
            QxScores = await QxNumbers.ReadAsync(connection, condition, cancellation),
        };
    }
}

/// <summary>A test's sessions in numbers.</summary>
internal sealed record TestSummary
{
    public required Guid TestId { get; init; }

    /// <summary>The caller's workspace that the test is in; of several the one with most sessions. Numbers are of all of them.</summary>
    public required Guid WorkspaceId { get; init; }

    /// <summary>Its title; null while nobody has defined it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? Title { get; init; }

    /// <summary>What kind of test it is, by its definition or its first session.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required ProductType? ProductType { get; init; }

    /// <summary>The time, by the database's clock, before which all that was stored is counted. Usually a second ago or less.</summary>
    [JsonConverter(typeof(MillisecondsUtcConverter))]
    public required DateTimeOffset AsOf { get; init; }

    public required SessionsByStatus Sessions { get; init; }

    public required SessionsOverTime OverTime { get; init; }

    /// <summary>The audiences of the test's sessions, at most 200, those of most sessions; without regard to the filters.</summary>
    public required IReadOnlyList<AudienceSessions> Audiences { get; init; }

    /// <summary>
    /// Demographic questions with their answers, at most 1,000 answers, those of most sessions; without regard to the filters.
    /// </summary>
    public required IReadOnlyList<DemographicSessions> Demographics { get; init; }

    /// <summary>The tasks of the test's definition and of its sessions, in the plan's order; at most 1,000.</summary>
    public required IReadOnlyList<TaskOfTest> Tasks { get; init; }

    /// <summary>As <c>getQxScores</c> has them, of those completed sessions that pass the filters.</summary>
    public required IReadOnlyList<QxScoreOfGroup> QxScores { get; init; }
}

/// <summary>An audience.</summary>
/// <param name="AudienceId">The audience.</param>
/// <param name="Sessions">How many sessions are of it.</param>
internal sealed record AudienceSessions(Guid AudienceId, long Sessions);

/// <summary>A demographic question.</summary>
/// <param name="Code">Its code.</param>
/// <param name="Label">Its words; null where unknown.</param>
/// <param name="Values">Its answers, the most frequent first.</param>
internal sealed record DemographicSessions(
    string Code, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Label, IReadOnlyList<DemographicValue> Values);

/// <summary>An answer to a demographic question.</summary>
/// <param name="Value">The answer.</param>
/// <param name="Sessions">How many sessions have it.</param>
internal sealed record DemographicValue(string Value, long Sessions);

/// <summary>How long a bucket of time is. Weeks begin on Mondays; all are of UTC.</summary>
[JsonConverter(typeof(WireEnumConverter<TimeUnit>))]
internal enum TimeUnit
{
    /// <summary><c>HOUR</c></summary>
    Hour,

    /// <summary><c>DAY</c></summary>
    Day,

    /// <summary><c>WEEK</c></summary>
    Week,

    /// <summary><c>MONTH</c></summary>
    Month,
}

/// <summary>Sessions that began in the time from a start on.</summary>
internal sealed record SessionsInTime(
    [property: JsonConverter(typeof(MillisecondsUtcConverter))] DateTimeOffset Start, long Complete, long InProgress, long Abandoned);

/// <summary>Sessions by when they began.</summary>
/// <param name="Unit">How long a bucket is: hours for two days at most, days for 92, weeks for two years, else months.</param>
/// <param name="Buckets">In the order of time, those without a session left out; the latest 500.</param>
internal sealed record SessionsOverTime(TimeUnit Unit, IReadOnlyList<SessionsInTime> Buckets)
{
    private const int MaxBuckets = 500;

    private static readonly TimeSpan OfHours = TimeSpan.FromDays(2);
    private static readonly TimeSpan OfDays = TimeSpan.FromDays(92);
    private static readonly TimeSpan OfWeeks = TimeSpan.FromDays(731);

    /// <summary>Puts hours, in their order, together.</summary>
    public static SessionsOverTime Of(IReadOnlyList<SessionsInTime> hours)
    {
        var whole = hours.Count == 0 ? TimeSpan.Zero : hours[^1].Start - hours[0].Start;
        var unit = whole <= OfHours ? TimeUnit.Hour : whole <= OfDays ? TimeUnit.Day : whole <= OfWeeks ? TimeUnit.Week : TimeUnit.Month;
        var buckets = hours.GroupBy(hour => StartOf(hour.Start, unit)).Select(some => new SessionsInTime(
            some.Key, some.Sum(hour => hour.Complete), some.Sum(hour => hour.InProgress), some.Sum(hour => hour.Abandoned)));
        return new SessionsOverTime(unit, [.. buckets.TakeLast(MaxBuckets)]);
    }

    private static DateTimeOffset StartOf(DateTimeOffset hour, TimeUnit unit)
    {
        var day = new DateTimeOffset(hour.UtcDateTime.Date, TimeSpan.Zero);
        return unit switch
        {
            TimeUnit.Hour => hour,
            TimeUnit.Day => day,
            // The calendar's first day is a Monday.
            TimeUnit.Week => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)),
            _ => day.AddDays(1 - day.Day),
        };
    }
}
