using ResultsEs.Sessions;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.TestResults;

/// <summary>The NPS answers to a task, by the three groups of the Net Promoter Score.</summary>
internal readonly record struct NpsCount(long Promoters, long Passives, long Detractors)
{
    /// <summary>The count of one answer.</summary>
    public static NpsCount Of(int score) => Nps.Category(score) switch
    {
        Nps.Promoter => new(1, 0, 0),
        Nps.Passive => new(0, 1, 0),
        _ => new(0, 0, 1),
    };

    /// <summary>The number of answers.</summary>
    [JsonIgnore]
    public long Answers => Promoters + Passives + Detractors;

    /// <summary>The count plus (<paramref name="sign"/> 1) or minus (−1) another.</summary>
    public NpsCount Plus(NpsCount other, int sign) => new(
        Promoters + (sign * other.Promoters), Passives + (sign * other.Passives), Detractors + (sign * other.Detractors));
}

/// <summary>The NPS answers of a session.</summary>
internal static class NpsAnswers
{
    /// <summary>The NPS answers of a session that count in its test's totals: those to the tasks with the smallest ids.</summary>
    public const int MaxTasks = 100;

    /// <summary>The scores of answered NPS tasks, by task.</summary>
    public static IReadOnlyDictionary<Guid, int> Of(IEnumerable<TaskBody> tasks) => tasks
        .Where(task => task.Response?.Answer?.Key == Nps.TaskType.V3Key)
        .OrderBy(task => task.Uuid)
        .Take(MaxTasks)
        .ToDictionary(task => task.Uuid, task => task.Response!.Answer!.Payload.Deserialize(Json.Of<NpsPayload>())!.Score);
}
