[assembly: JsonContext<ResultsEs.Sessions.TaskTypes.NpsJson>]

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record NpsPayload(int Score, string Category);

internal sealed class NpsAnswerValidator : WireValidator<NpsAnswer>
{
    public NpsAnswerValidator() =>
        RuleFor(x => x.Score).InclusiveBetween(0, 10).WithMessage("must be a whole number from 0 to 10, not {PropertyValue}");
}

[JsonSerializable(typeof(NpsPayload))]
internal sealed partial class NpsJson : JsonSerializerContext;

internal static class Nps
{
    public static TaskType TaskType { get; } = new TaskType<NpsAnswer, NpsPayload>
    {
        V3Type = "NPS",
        V3Key = "nps",
        Validator = new NpsAnswerValidator(),
        Payload = answer => new(answer.Score, Category(answer.Score)),
    };

    /// <summary>The three groups of the Net Promoter Score: 0–6, 7–8, 9–10.</summary>
    private static string Category(int score) => score switch
    {
        <= 6 => "DETRACTOR",
        <= 8 => "PASSIVE",
        _ => "PROMOTER",
    };
}
